"""The reason of a failed job is one line. Faults of machines, of the cluster's setup and of data are distinguished."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from py4j.protocol import Py4JJavaError, Py4JNetworkError

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.counts.count_row_groups import WorkItem
from opengenome_assets.errors import SparkSessionError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark import stages
from opengenome_assets.spark.failures import SPARK_ERRORS, JobFailure, explain
from opengenome_assets_tests.scenario import project, write_fasta


def failure_of(spark: Any, work: Any) -> JobFailure:
    """Run a job that does this to every batch of numbers, and explain how it failed."""
    with pytest.raises(SPARK_ERRORS) as failed:
        spark.range(0, 2, 1, 2).mapInArrow(work, "id long").toArrow()
    return explain(failed.value)


@pytest.mark.spark
def test_a_worker_that_is_always_killed_is_a_machine_fault(spark: Any) -> None:
    def end(numbers: Any) -> Iterator[pa.RecordBatch]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from numbers

    failure = failure_of(spark, end)
    assert failure.is_worth_retrying
    assert not failure.is_of_setup
    assert failure.reason.startswith("Task ")
    assert "failed 3 times: " in failure.reason
    assert "Python worker exited unexpectedly" in failure.reason
    assert "\n" not in failure.reason


@pytest.mark.spark
def test_what_python_raised_in_a_task_is_told_by_its_last_line(spark: Any) -> None:
    def refuse(numbers: Any) -> Iterator[pa.RecordBatch]:
        msg = "the shelf is empty"
        raise LookupError(msg)
        yield from numbers

    assert failure_of(spark, refuse).reason == "LookupError: the shelf is empty"


@pytest.mark.spark
def test_a_fault_in_the_setup_is_not_worth_retrying(spark: Any) -> None:
    def refuse(numbers: Any) -> Iterator[pa.RecordBatch]:
        msg = "this machine is of another version."
        raise SparkSessionError(msg)
        yield from numbers

    expected = JobFailure("this machine is of another version.", is_worth_retrying=False, is_of_setup=True)
    assert failure_of(spark, refuse) == expected


class Gone:
    """A Java exception of a JVM that has ended."""

    def getMessage(self) -> str:  # noqa: N802 (Java's name)
        raise Py4JNetworkError


def test_a_jvm_that_ends_while_it_is_asked_is_told_of() -> None:
    error = Py4JJavaError.__new__(Py4JJavaError)
    error.java_exception = Gone()
    assert explain(error) == JobFailure("its JVM has ended", is_worth_retrying=False)


@pytest.mark.spark
def test_a_warm_up_refuses_executors_of_another_version(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "__version__", "99.0")
    with pytest.raises(
        SparkSessionError, match=r"has opengenome-assets .*, but this run uses 99\.0\. Install"
    ):
        stages.warm_up(spark)


def test_a_file_missing_on_executors_needs_a_shared_warehouse(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ACGT"}))
    own.runner.register()
    elsewhere = BatchFiles(DatasetFolder(str(tmp_path / "elsewhere"), "mine"), own.manifest)
    item = WorkItem(elsewhere.sequences("batch_0000"), "count", 0, 1)
    work = stages.counting_work(own.files)
    task = jobs.task_function(work.run, [(("batch_0000", item),)])
    (row,) = [row for part in task([pa.record_batch({"id": [0]})]) for row in part.to_pylist()]
    assert "a folder that every machine with executors mounts at the same path" in row["error"]
    assert row["batch"] == "batch_0000"
