"""Spark's Python workers are forked from a process with all modules loaded, and the JVM maps archived classes."""

import gc
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from opengenome_assets.spark import class_archive as archive
from opengenome_assets.spark import run_tasks
from opengenome_assets.spark.config import spark_config
from opengenome_assets.spark.java import archive_options, archive_path
from opengenome_assets.spark.stages import warm_up

_FOUND = "process int, parent int, frozen int, kernel boolean"


def _look(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for _ in numbers:
        loaded = "opengenome_assets.codons.kernels" in sys.modules
        row = {
            "process": os.getpid(),
            "parent": os.getppid(),
            "frozen": gc.get_freeze_count(),
            "kernel": loaded,
        }
        schema = pa.schema(
            [("process", pa.int32()), ("parent", pa.int32()), ("frozen", pa.int32()), ("kernel", pa.bool_())]
        )
        yield pa.RecordBatch.from_pylist([row], schema=schema)


@pytest.mark.spark
def test_a_worker_starts_with_kernel_loaded_and_frozen_modules(
    spark: SparkSession,
) -> None:
    found = spark.range(0, 2, 1, 2).mapInArrow(_look, _FOUND).toArrow().to_pylist()
    assert len({row["parent"] for row in found}) == 1
    assert all(row["kernel"] for row in found)
    # numba and pyarrow alone are some hundred thousand objects.
    assert all(row["frozen"] > 100_000 for row in found)


def test_loading_before_the_fork_leaves_no_python_threads() -> None:
    code = "import threading, opengenome_assets.spark.worker as w; w.load_kernel(); print(threading.active_count())"
    reported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert reported.stdout == "1\n"


@pytest.mark.spark
def test_a_warm_up_that_fails_says_nothing(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tasks, "_RESULT", pa.schema([("no type of Spark", pa.float16())]))
    warm_up(spark)


def test_without_an_archive_the_jvm_is_not_told_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert archive_options() == ()
    assert "Archive" not in spark_config("local[1]")["spark.driver.defaultJavaOptions"]


def test_an_archive_at_a_path_with_a_blank_is_one_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "my environment"))
    archive_path().parent.mkdir(parents=True)
    archive_path().touch()
    options = shlex.split(spark_config("local[1]")["spark.driver.defaultJavaOptions"])
    assert f"-XX:SharedArchiveFile={archive_path()}" in options


def test_a_prefix_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "share").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    archive.main()
    assert "spark-classes.jsa: cannot be written" in capsys.readouterr().err


@pytest.mark.spark
@pytest.mark.skipif(
    not archive_path().is_file() or not Path("/proc/self/maps").exists(),
    reason="no archive of Spark's classes (python -m opengenome_assets.spark.class_archive), or no /proc to look into",
)
def test_the_jvm_maps_the_archive(spark: SparkSession) -> None:
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    process = gateway.jvm.java.lang.ProcessHandle.current().pid()
    assert str(archive_path()) in Path(f"/proc/{process}/maps").read_text()
