"""The containers for real: built, started, used as docs/how-to/containers.md says, and what fails in the middle of a backfill.

One stack for the file, in the order of a day: everything is made, then a part at a time goes away and comes back.
"""

import csv
import io
import logging
import re
import secrets
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.datasets.demo import AMBIGUOUS, planted_counts
from opengenome_assets_tests.deployment.stack import Stack, engine_is_missing, make_stack
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_parquet
from opengenome_assets_tests.services import ROOT, wait_until

MISSING = engine_is_missing()
pytestmark = [
    pytest.mark.service,
    pytest.mark.spark,
    pytest.mark.skipif(bool(MISSING), reason=MISSING or "an engine is there"),
]

LOG = logging.getLogger(__name__)
PLANTED = {codon: count for codon, count in planted_counts().items() if codon not in AMBIGUOUS}
SERVICES = ("database", "code-location", "web", "daemon", "spark-master", "spark-worker")
# Records of 26 kb in batches of 5,000: a batch is a job of three tasks.
BATCHES = 8
BATCH_ROWS = 5_000
BLOCK_BASES = 2_601
BLOCKS_A_RECORD = 10
# A data set for each fault, all of the same file, so that each begins with nothing.
FAULTS = ("database", "daemon", "code-location", "worker", "stack")
PARQUET = {f"part_{number}.parquet": made_up_records(60, seed=number) for number in range(3)}
UNDER_WAY_WITHIN = 480


def write_genomes(path: Path) -> dict[str, int]:
    """Records that take the workers some seconds; codons of frame 0 by numpy."""
    counts = np.zeros(64, np.int64)
    random = np.random.default_rng(23)
    schema = pa.schema([("seq_id", pa.string()), ("sequence", pa.large_string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in range(BATCHES):
            bases = random.integers(0, 4, (BATCH_ROWS, BLOCK_BASES), dtype=np.uint8)
            letters = np.frombuffer(b"ACGT", np.uint8)[bases]
            # Several times the same, of a length that keeps the frame.
            sequences = [block.tobytes().decode() * BLOCKS_A_RECORD for block in letters]
            names = [f"b{batch}_r{row}" for row in range(BATCH_ROWS)]
            file.write_table(pa.table([names, sequences], schema=schema), row_group_size=500)
            triplets = bases.reshape(-1, 3) @ np.array([16, 4, 1], np.uint8)
            counts += BLOCKS_A_RECORD * np.bincount(triplets, minlength=64)
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    return dict(zip(codons, counts.tolist(), strict=True))


@dataclass(frozen=True)
class Data:
    folder: Path
    counts: dict[str, int]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    folder = tmp_path_factory.mktemp("data")
    counts = write_genomes(folder / "genomes.parquet")
    organelle = folder / "parquet" / "organelle"
    organelle.mkdir(parents=True)
    for name, records in PARQUET.items():
        write_parquet(organelle / name, records)
    entry = '[{}]\nlocation = "/data/genomes.parquet"\nsequences = {}\n'
    own = "".join(entry.format(fault, BATCHES * BATCH_ROWS) for fault in FAULTS)
    # Its number of records is not declared: there are no partitions before it is registered.
    (folder / "own.toml").write_text(f'{own}[organelle]\nlocation = "/data/parquet/organelle"\n')
    # Another user reads it, in a container.
    for path in (folder, folder.parent, *folder.rglob("*")):
        path.chmod(0o755)
    return Data(folder, counts)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, data: Data) -> Iterator[Stack]:
    made = make_stack(
        tmp_path_factory.mktemp("stack"),
        data.folder,
        OPENGENOME_DATASET=",".join(("demo", "organelle", *FAULTS)),
        OPENGENOME_CATALOGUE="/data/own.toml",
        # One after the other, so that there is a middle to be in.
        OPENGENOME_SPARK_JOBS="1",
        SPARK_WORKER_CORES="1",
    )
    try:
        began = time.monotonic()
        made.up("--build")
        LOG.info("up after %.0f s", time.monotonic() - began)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def quick_stack(stack: Stack) -> Stack:
    """The same, with less waiting."""
    stack.use_a_daemon_that_looks_often()
    return stack


@pytest.mark.parametrize("secret", ["POSTGRES_PASSWORD", "OPENGENOME_SPARK_SECRET"])
def test_nothing_starts_without_a_secret(tmp_path: Path, secret: str) -> None:
    bare = make_stack(tmp_path, tmp_path, **{secret: ""})
    done = bare.try_compose("up", "--no-build", "--detach")
    assert done.returncode != 0
    assert f"{secret} is missing a value: set it in .env" in done.stderr


def test_the_file_is_read_without_a_word_of_warning(stack: Stack) -> None:
    done = stack.try_compose("config", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


STRANGER = """
import sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("spark://spark-master:7077").appName("stranger")
builder = builder.config("spark.driver.host", "web").config("spark.driver.bindAddress", "0.0.0.0")
for setting in sys.argv[1:]:
    builder = builder.config(*setting.split("="))
print(builder.getOrCreate().range(1).count())
"""
WRONG_SECRET = ("spark.authenticate=true", "spark.network.crypto.enabled=true", "spark.authenticate.secret=x")


@pytest.fixture(scope="module")
def strangers(stack: Stack) -> Iterator[list[subprocess.Popen[str]]]:
    """Two who ask Spark's master for executors, without a secret and with another; Spark gives up after a minute."""
    asking = [
        stack.begin(
            "exec", "-T", "web", "env", "-u", "OPENGENOME_SPARK_SECRET", "python", "-c", STRANGER, *settings
        )
        for settings in ((), WRONG_SECRET)
    ]
    yield asking
    for process in asking:
        process.kill()
        process.communicate()


def test_the_main_job_runs_as_a_backfill_on_both_workers(
    stack: Stack, strangers: list[subprocess.Popen[str]]
) -> None:
    began = time.monotonic()
    backfill = stack.launch("demo")
    assert stack.end_of(backfill) == "COMPLETED_SUCCESS"
    LOG.info("demo counted after %.0f s", time.monotonic() - began)
    runs = stack.runs(backfill)
    assert [run["status"] for run in runs] == ["SUCCESS"] * 3
    assert stack.counted("demo") == PLANTED
    tags = {tag["key"]: tag["value"] for run in runs for tag in run["tags"]}
    page = f"http://127.0.0.1:{stack.settings['SPARK_PORT']}/proxy/app-"
    assert tags["opengenome/spark_ui"].startswith(page)
    assert tags["opengenome/spark_event_log"].startswith("/results/spark-events · app-")
    added = [event for event in stack.spark_events() if event["Event"] == "SparkListenerExecutorAdded"]
    assert len({event["Executor Info"]["Host"] for event in added}) == 2


def test_a_stranger_without_the_secret_gets_no_executor(
    stack: Stack, strangers: list[subprocess.Popen[str]]
) -> None:
    for stranger in strangers:
        reported, why = stranger.communicate(timeout=300)
        assert stranger.returncode == 1, reported + why
        assert "stopped SparkContext" in why
    # Those of the backfill's runs are the only ones that the master took up.
    assert {application["name"] for application in stack.applications()} == {"opengenome_assets"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root_or_writes_its_own_files(stack: Stack, name: str) -> None:
    look = "id -u; touch /etc/mine 2>&1; touch /opt/mine 2>&1; grep -E '^(CapEff|NoNewPrivs)' /proc/1/status"
    user, *refused, capabilities, privileges = stack.compose(
        "exec", "-T", name, "sh", "-c", look
    ).splitlines()
    assert user != "0"
    assert [line.split(": ")[-1] for line in refused] == ["Read-only file system"] * 2
    assert int(capabilities.split()[1], 16) == 0
    assert privileges.split()[1] == "1"


@pytest.mark.parametrize("name", SERVICES)
def test_containers_are_healthy_limited_and_on_loopback_only(stack: Stack, name: str) -> None:
    for container in stack.containers(name):
        host = container["HostConfig"]
        assert container["State"]["Health"]["Status"] == "healthy"
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        published = [each["HostIp"] for ports in (host["PortBindings"] or {}).values() for each in ports]
        assert published == (["127.0.0.1"] if name in ("web", "spark-master") else [])


REACH = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 5432), timeout=5).close()
    print("reached")
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("name", ["spark-master", "spark-worker"])
def test_the_database_is_out_of_reach_of_sparks_containers(stack: Stack, name: str) -> None:
    (database,) = stack.containers("database")
    (network,) = database["NetworkSettings"]["Networks"].values()

    def reach(service: str, host: str) -> str:
        return stack.compose("exec", "-T", service, "python", "-c", REACH, host).strip()

    assert reach("web", network["IPAddress"]) == "reached"
    assert reach(name, "database") == "gaierror"
    assert reach(name, network["IPAddress"]) in ("TimeoutError", "OSError", "ConnectionRefusedError")


def test_the_documented_command_counts_and_a_reload_shows_it(stack: Stack) -> None:
    assert stack.partitions("organelle", "codon_counts") == ([], set())
    # No shell expands the glob: on the machine that it is typed on there is no such folder.
    stack.in_web(
        *("opengenome", "analyze", "codon", "--input", "/data/parquet/organelle/*.parquet"),
        *("--output", "/results/codon_full_dataset"),
    )
    naive = naive_counts([letters for records in PARQUET.values() for letters in records.values()])
    expected = {
        codon: count for (strand, frame, codon), count in naive.items() if (strand, frame) == ("+", 0)
    }
    counted = stack.counted("organelle", "/results/codon_full_dataset")
    assert {codon: count for codon, count in counted.items() if count} == {
        codon: count for codon, count in expected.items() if set(codon) <= set("ACGT")
    }
    assert stack.reload() == "WorkspaceLocationEntry"
    assert stack.partitions("organelle", "codon_counts") == (["batch_0000"], {"batch_0000"})


@pytest.mark.usefixtures("stack")
def test_the_image_alone_runs_the_documented_command(data: Data, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "containers.md").read_text()
    (documented,) = re.findall(r"^docker run (?:.+\\\n)*.+$", page, re.MULTILINE)
    volume = f"opengenome-test-{secrets.token_hex(4)}"
    given = {
        '"$PWD/genomes:/data:ro"': f"{data.folder}/parquet/organelle:/data:ro",
        "results:/results": f"{volume}:/results",
    }
    command = documented.replace("\\\n", " ")
    for word, value in given.items():
        assert word in command
        command = command.replace(word, value)
    table = ["docker", "run", "--rm", "--volume", f"{volume}:/results", "opengenome-assets", "cat"]
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        read = subprocess.run(
            [*table, "/results/mine/codon_frequencies.tsv"], capture_output=True, text=True, check=True
        )
    finally:
        subprocess.run(["docker", "volume", "rm", "--force", volume], capture_output=True, check=True)
    rows = list(csv.DictReader(io.StringIO(read.stdout), delimiter="\t"))
    naive = naive_counts([letters for records in PARQUET.values() for letters in records.values()])
    assert {row["codon"]: int(row["count"]) for row in rows} == {
        row["codon"]: naive.get(("+", 0, row["codon"]), 0) for row in rows
    }
    assert len(rows) == 64


OPEN_SESSION = """
import json, os, urllib.request
from opengenome_assets.spark.config import spark_config
from opengenome_assets.spark.session import start_session
session = start_session(spark_config(os.environ["OPENGENOME_SPARK_MASTER"]))
def page(path):
    with urllib.request.urlopen("http://spark-master:8080" + path, timeout=60) as answer:
        return answer.read().decode()
application = session.sparkContext.applicationId
(worker, *_) = [each["id"] for each in json.loads(page("/json/"))["workers"] if each["state"] == "ALIVE"]
print("Executors" in page(f"/proxy/{application}/executors/"), worker in page(f"/proxy/{worker}/"))
print(os.environ["OPENGENOME_SPARK_SECRET"] in page(f"/proxy/{application}/environment/"))
session.stop()
"""


def test_the_masters_page_links_to_applications_and_workers(stack: Stack) -> None:
    assert stack.in_web("python", "-c", OPEN_SESSION).split() == ["True", "True", "False"]


def finish_in_spite_of(stack: Stack, data: Data, fault: str, act: Callable[[], None]) -> list[list[str]]:
    """Do something once a batch of a backfill is counted; see the backfill end well, and nothing lost.

    Returns:
        for each run over the batches, those that it counted.
    """
    backfill = stack.launch(fault)

    def counted() -> set[str]:
        return stack.partitions(fault, "codon_counts")[1]

    finished = wait_until(counted, UNDER_WAY_WITHIN, "the first batch")
    assert len(finished) < BATCHES, "too late to be in the middle"
    began = time.monotonic()
    act()
    LOG.info("%s: done to it in %.0f s", fault, time.monotonic() - began)
    assert stack.end_of(backfill) == "COMPLETED_SUCCESS"
    LOG.info(
        "%s: ended after %.0f s, %d batches were finished", fault, time.monotonic() - began, len(finished)
    )
    assert stack.counted(fault) == data.counts
    for asset in ("sequences", "codon_counts"):
        keys, materialized = stack.partitions(fault, asset)
        assert materialized == set(keys)
        assert len(keys) == BATCHES
    runs = [run for run in stack.runs(backfill) if len(run["assetSelection"]) > 1]
    by_run = [stack.finished_in(run["runId"], "codon_counts") for run in runs]
    # Finished batches are kept, and each is logged once.
    assert finished <= set(by_run[0])
    assert sorted(batch for run in by_run for batch in run) == [
        f"batch_{number:04}" for number in range(BATCHES)
    ]
    assert [run["status"] for run in runs] == ["FAILURE"] * (len(runs) - 1) + ["SUCCESS"]
    return by_run


def test_a_database_that_is_restarted_is_waited_for(quick_stack: Stack, data: Data) -> None:
    by_run = finish_in_spite_of(quick_stack, data, "database", lambda: quick_stack.restart("database"))
    assert len(by_run) == 1
    tasks = [event for event in quick_stack.spark_events() if event["Event"] == "SparkListenerTaskEnd"]
    assert len({event["Task Info"]["Host"] for event in tasks}) == 2, "a worker had nothing to do"


def test_a_run_goes_on_while_the_daemon_is_restarted(quick_stack: Stack, data: Data) -> None:
    by_run = finish_in_spite_of(quick_stack, data, "daemon", lambda: quick_stack.restart("daemon"))
    assert len(by_run) == 1


def test_a_run_that_ended_with_its_code_location_is_retried(quick_stack: Stack, data: Data) -> None:
    # With the time that it is given by default, it would wait for a run as short as this one.
    by_run = finish_in_spite_of(
        quick_stack, data, "code-location", lambda: quick_stack.restart("code-location", at_once=True)
    )
    assert len(by_run) == 2


def test_the_tasks_of_a_killed_worker_are_done_by_the_others(quick_stack: Stack, data: Data) -> None:
    def kill_one_and_start_another() -> None:
        quick_stack.kill_one("spark-worker")
        quick_stack.up()

    by_run = finish_in_spite_of(quick_stack, data, "worker", kill_one_and_start_another)
    assert len(by_run) == 1
    lost = [event for event in quick_stack.spark_events() if event["Event"] == "SparkListenerExecutorRemoved"]
    assert lost, "no executor was lost"
    assert len(quick_stack.containers("spark-worker")) == 2


def test_a_backfill_goes_on_when_the_whole_stack_was_down(quick_stack: Stack, data: Data) -> None:
    def down_and_up() -> None:
        quick_stack.compose("down", "--timeout", "10")
        quick_stack.up()

    by_run = finish_in_spite_of(quick_stack, data, "stack", down_and_up)
    assert len(by_run) == 2
