"""The graph on a real standalone cluster: the table of local mode, and what is killed, missing or wrong on the way.

One cluster for the file. Its workers read and write an object store too, so that both kinds of warehouse are tried.
"""

import os
import re
import shutil
import signal
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs

import opengenome_assets
from opengenome_assets_tests.cluster import small_parts
from opengenome_assets_tests.cluster.event_log import finished_tasks
from opengenome_assets_tests.cluster.standalone import Cluster, Worker, standalone
from opengenome_assets_tests.faults.commands import BATCHES, Genomes, run_until, table_of
from opengenome_assets_tests.s3_server import serve_s3
from opengenome_assets_tests.scenario import RECORDS, made_up_records, project, write_fasta
from opengenome_assets_tests.services import Place, make_place, run_command, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.spark, pytest.mark.service]

SMALL = {**RECORDS, **made_up_records(60)}
BATCH_SIZE = 20
STAGES = {"registering", "writing", "checking", "counting"}


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with serve_s3() as variables:
        yield variables


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, store: dict[str, str]) -> Iterator[Cluster]:
    with standalone(tmp_path_factory.mktemp("cluster") / "spark", store) as made:
        yield made


@pytest.fixture
def workers(cluster: Cluster) -> list[Worker]:
    """The two workers of the cluster, new ones where a test has killed some."""
    cluster.workers[:] = [worker for worker in cluster.workers if worker.is_alive]
    while len(cluster.workers) < 2:
        cluster.start_worker()
    return cluster.workers


def place_on(cluster: Cluster, folder: Path, **settings: object) -> Place:
    """A place whose commands run on the cluster."""
    made = make_place(folder / "place", **settings)
    return replace(made, settings={**made.settings, **cluster.settings})


def small_input(folder: Path) -> dict[str, object]:
    """Settings for a small input in a folder."""
    path = write_fasta(folder / "mine.fa", SMALL)
    return {"input": path, "dataset": "mine", "batch_size": BATCH_SIZE}


@pytest.fixture
def table_of_local_mode(tmp_path: Path, spark: object) -> pa.Table:
    del spark
    (tmp_path / "local").mkdir()
    path = write_fasta(tmp_path / "local" / "mine.fa", SMALL)
    own = project(tmp_path / "local", path, batch_size=BATCH_SIZE)
    own.run()
    return own.table()


def bare(table: pa.Table) -> pa.Table:
    """The rows and values alone."""
    return table.replace_schema_metadata(None)


def test_a_run_waits_for_missing_workers_and_then_uses_both(
    tmp_path: Path, cluster: Cluster, genomes: Genomes
) -> None:
    place = place_on(cluster, tmp_path)

    def bring_workers(_: int) -> None:
        cluster.start_worker()
        cluster.start_worker()

    assert cluster.state()["aliveworkers"] == 0
    ended = run_until(place, genomes.path, "Still waiting for an executor of spark://", bring_workers)
    assert ended.code == 0, ended.lines
    assert table_of(place) == genomes.counts
    assert all(worker.finished_tasks() > 0 for worker in cluster.workers)


def test_waiting_for_workers_can_be_interrupted(tmp_path: Path, cluster: Cluster) -> None:
    place = place_on(cluster, tmp_path)
    path = write_fasta(tmp_path / "mine.fa", SMALL)
    for worker in cluster.workers:
        worker.kill()
    ended = run_until(
        place, path, "Still waiting for an executor of", lambda pid: os.kill(pid, signal.SIGINT)
    )
    assert ended.code == 130, ended.lines


@pytest.mark.usefixtures("workers")
def test_every_stage_has_tasks_on_both_workers(
    tmp_path: Path, cluster: Cluster, table_of_local_mode: pa.Table
) -> None:
    names = list(SMALL)
    (tmp_path / "genomes").mkdir()
    for first in range(0, len(names), 10):
        part = {name: SMALL[name] for name in names[first : first + 10]}
        write_fasta(tmp_path / "genomes" / f"{first:02d}.fa", part)
    own = small_input(tmp_path) | {"input": tmp_path / "genomes"}
    place = place_on(cluster, tmp_path, **own, spark_event_log=tmp_path / "events")
    done = run_command(place, "python", "-m", small_parts.__name__, "analyze", "codon")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "Spark session ready" in line]
    assert re.search(r"ui: http://127\.0\.0\.1:\d+( |$)", line)
    found = {(task.doing, task.executor) for task in finished_tasks(tmp_path / "events")}
    executors = {executor for _, executor in found}
    assert len(executors) == 2
    assert found >= {(stage, executor) for stage in STAGES for executor in executors}
    table = pq.read_table(place.warehouse / "mine" / "codon_frequencies.parquet")
    assert bare(table).equals(table_of_local_mode)


@pytest.mark.usefixtures("workers")
def test_input_and_warehouse_in_a_store_give_the_same_table(
    tmp_path: Path, cluster: Cluster, store: dict[str, str], table_of_local_mode: pa.Table
) -> None:
    bucket = s3fs.S3FileSystem(
        key=store["AWS_ACCESS_KEY_ID"],
        secret=store["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=store["AWS_ENDPOINT_URL"],
        use_listings_cache=False,
    )
    bucket.mkdir("bucket")
    own = small_input(tmp_path) | {"input": "s3://bucket/genomes/", "warehouse": "s3://bucket/results"}
    bucket.put(str(tmp_path / "mine.fa"), "bucket/genomes/mine.fa")
    (tmp_path / "mine.fa").unlink()
    place = place_on(cluster, tmp_path, **own, by_sequence="yes")
    done = run_command(place, "opengenome", "analyze", "codon", **store)
    assert done.returncode == 0, done.stderr
    with bucket.open("bucket/results/mine/codon_frequencies.parquet") as file:
        assert bare(pq.read_table(file)).equals(table_of_local_mode)


def at_work(workers: list[Worker]) -> Worker | None:
    """A worker one of whose Python processes has used more of a core than it needs to start a task."""
    for worker in workers:
        for process in worker.counting():
            try:
                if process.cpu_times().user > 0.1:
                    return worker
            except psutil.Error:
                continue
    return None


def lose_an_executor(worker: Worker) -> None:
    for executor in worker.executors():
        os.kill(executor.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("before", "lose"),
    [
        pytest.param("Spark session ready", Worker.kill, id="registering"),
        pytest.param("registered ·", Worker.kill, id="writing"),
        pytest.param("writing  batch 4/4", lose_an_executor, id="counting"),
    ],
)
def test_tasks_lost_during_a_stage_are_repeated_elsewhere(
    tmp_path: Path,
    cluster: Cluster,
    workers: list[Worker],
    genomes: Genomes,
    before: str,
    lose: Callable[[Worker], None],
) -> None:
    place = place_on(cluster, tmp_path)

    def act(_: int) -> None:
        found = wait_until(lambda: at_work(workers), 60, "a worker at work")
        assert found is not None
        lose(found)

    ended = run_until(place, genomes.path, before, act)
    assert ended.code == 0, ended.lines
    assert any("Lost executor" in line for line in ended.lines)
    is_batch = re.compile(r"(writing|counting)  batch \d/4  batch_\d{4}  [\d,]+ sequences")
    counted = [line for line in ended.lines if is_batch.match(line)]
    assert len(counted) == 2 * BATCHES
    assert table_of(place) == genomes.counts


@pytest.mark.usefixtures("workers")
def test_the_masters_page_passes_on_to_the_page_of_the_run(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text("spark.ui.reverseProxy true\n")
    place = place_on(
        cluster,
        tmp_path,
        **small_input(tmp_path),
        spark_event_log=tmp_path / "events",
        spark_page=f"http://127.0.0.1:{cluster.page}/",
    )
    place = replace(place, settings={**place.settings, "SPARK_CONF_DIR": str(tmp_path / "conf")})
    pages: list[bytes] = []

    def look(_: int) -> None:
        with dg.DagsterInstance.from_config(str(place.home)) as instance:
            (run,) = instance.get_runs(limit=1)
        page = run.tags["opengenome/spark_ui"].rstrip("/")
        with urllib.request.urlopen(f"{page}/api/v1/applications", timeout=30) as answer:  # noqa: S310 (Spark's)
            pages.append(answer.read())

    ended = run_until(place, tmp_path / "mine.fa", "Spark session ready", look)
    assert ended.code == 0, ended.lines
    (line,) = [line for line in ended.lines if "Spark session ready" in line]
    assert f"ui: http://127.0.0.1:{cluster.page}/proxy/app-" in line
    with dg.DagsterInstance.from_config(str(place.home)) as instance:
        (reported,) = {
            run.tags["opengenome/spark_event_log"]
            for run in instance.get_runs()
            if "opengenome/spark_event_log" in run.tags
        }
    folder, application = reported.split(" · ")
    assert f'"{application}"'.encode() in pages[0]
    assert folder == str(tmp_path / "events")
    (log,) = [path for path in Path(folder).iterdir() if application in path.name]
    assert any("events_" in path.name for path in log.iterdir())


@pytest.mark.usefixtures("workers")
def test_executors_without_the_project_are_told_of_in_one_line(tmp_path: Path, cluster: Cluster) -> None:
    place = place_on(cluster, tmp_path, **small_input(tmp_path))
    python = tmp_path / "bare" / "python3"
    python.parent.mkdir()
    # Isolated: of all that is installed beside it, it finds nothing.
    python.write_text('#!/bin/sh\nexec /usr/bin/env python3 -I -S "$@"\n')
    python.chmod(0o755)
    done = run_command(place, "opengenome", "analyze", "codon", PYSPARK_PYTHON=str(python))
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert re.match(
        r"Error: executors cannot load opengenome_assets with \S*python3?\. Install this version", line
    )
    assert "Traceback" not in done.stderr


def test_executors_with_another_version_are_told_of_in_one_line(tmp_path: Path, cluster: Cluster) -> None:
    other = tmp_path / "other"
    shutil.copytree(Path(opengenome_assets.__file__).parent, other / "opengenome_assets")
    init = other / "opengenome_assets" / "__init__.py"
    init.write_text(re.sub('__version__ = ".*"', '__version__ = "0.0.1"', init.read_text()))
    for worker in cluster.workers:
        worker.kill()
    cluster.start_worker(PYTHONPATH=str(other))
    try:
        place = place_on(cluster, tmp_path, **small_input(tmp_path))
        done = run_command(place, "opengenome", "analyze", "codon")
    finally:
        cluster.workers[-1].kill()
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert re.match(
        rf"Error: \S+ has opengenome-assets 0\.0\.1, but this run uses {opengenome_assets.__version__}\.",
        line,
    )
