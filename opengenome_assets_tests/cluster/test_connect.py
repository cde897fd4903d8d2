"""The graph on a Spark Connect server, without a local JVM, gives the known counts of the demo."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.datasets.demo import AMBIGUOUS, planted_counts
from opengenome_assets_tests.cluster.standalone import STARTS_WITHIN
from opengenome_assets_tests.services import (
    BIN,
    free_port,
    kill_group,
    listens,
    make_place,
    run_command,
    wait_until,
)

pytestmark = [pytest.mark.cluster, pytest.mark.spark, pytest.mark.service]

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of a server that runs until the test ends."""
    chosen = free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(chosen),
        "spark.python.daemon.module": "opengenome_assets.spark.worker",
        "spark.ui.enabled": "false",
    }
    command = [
        str(BIN / "spark-submit"),
        "--class",
        SERVER,
        "--master",
        "local[2,3]",
        "--driver-memory",
        "512m",
    ]
    command += [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "spark-internal"],
            env=os.environ | {"PYSPARK_PYTHON": str(BIN / "python"), "SPARK_LOCAL_IP": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: listens(chosen), STARTS_WITHIN, "the Connect server")
        yield chosen
    finally:
        kill_group(process.pid)
        process.wait(STARTS_WITHIN)


def test_a_connect_server_counts_the_demo_without_local_java(tmp_path: Path, port: int) -> None:
    place = make_place(tmp_path / "place", dataset="demo")
    place = replace(place, settings={**place.settings, "OPENGENOME_SPARK_MASTER": f"sc://127.0.0.1:{port}"})
    done = run_command(place, "opengenome", "analyze", "codon", JAVA_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    table = pq.read_table(place.warehouse / "demo" / "codon_frequencies.parquet")
    planted = {codon: count for codon, count in planted_counts().items() if codon not in AMBIGUOUS}
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == planted
