"""Counting runs have one JVM at a time, whether the queue or commands start them."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.graph.spark_pool import SparkSlot
from opengenome_assets_tests.faults.commands import files_aside, table_of
from opengenome_assets_tests.faults.jvms import watched
from opengenome_assets_tests.faults.many_hands import (
    analyze,
    at_once,
    expected,
    ingested,
    materialize,
)
from opengenome_assets_tests.graph.backfills import (
    LAUNCH,
    RUNS,
    wait_for_the_end,
)
from opengenome_assets_tests.services import (
    DAEMON,
    QUICK_QUEUE,
    ask,
    service,
    webserver,
)

OF_RUNS = "concurrency:\n  pools:\n    default_limit: {limit}\n    granularity: {granularity}\n"


@pytest.mark.spark
@pytest.mark.service
def test_backfills_and_a_command_at_once_never_have_two_sessions(tmp_path: Path) -> None:
    place, path = ingested(tmp_path, QUICK_QUEUE)

    def launch(port: int, first: int, last: int) -> str:
        parameters = {
            "assetSelection": [{"path": ["mine", name]} for name in ("sequences", "codon_counts")],
            "partitionNames": [f"batch_{number:04}" for number in range(first, last + 1)],
            "tags": [],
        }
        return str(ask(port, LAUNCH, {"parameters": parameters})["launchPartitionBackfill"]["backfillId"])

    with webserver(place) as port:
        with service(place, "daemon.log", *DAEMON), watched(place) as seen:
            backfills = [launch(port, 0, 2), launch(port, 1, 3)]
            failed = at_once(place, materialize(1, 2))
            ends = [wait_for_the_end(port, backfill) for backfill in backfills]
        runs = ask(port, RUNS)["runsOrError"]["results"]
    assert failed == []
    assert ends == ["COMPLETED_SUCCESS"] * 2
    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert len(seen.jvms) == 3
    assert seen.at_once == 1
    assert at_once(place, analyze(path)) == []
    assert table_of(place) == expected()
    assert files_aside(place) == []


@pytest.mark.spark
def test_a_command_counts_batches_that_are_apart_in_one_session(tmp_path: Path) -> None:
    place, path = ingested(tmp_path)
    assert at_once(place, analyze(path)) == []
    files = BatchFiles.of(DatasetFolder(str(place.warehouse), "mine"))
    for batch in (files.batches[0], files.batches[2]):
        files.counts(batch).remove()
    with watched(place) as seen:
        assert at_once(place, analyze(path)) == []
    assert len(seen.jvms) == 1
    assert table_of(place) == expected()


@pytest.fixture
def instance(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """An instance with a pool's limit and granularity."""
    limit, granularity = getattr(request, "param", (1, "run"))
    (tmp_path / "dagster.yaml").write_text(OF_RUNS.format(limit=limit, granularity=granularity))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def taken(instance: dg.DagsterInstance, slots: int) -> list[bool]:
    """Whether each of N slots could be taken, one after another."""
    held = [SparkSlot(instance) for _ in range(slots)]
    found = [slot.take() for slot in held]
    for slot in held:
        slot.release()
    return found


@pytest.mark.parametrize(
    ("instance", "found"),
    [
        ((1, "run"), [True, False, False]),
        ((2, "run"), [True, True, False]),
        # Dagster itself has each step wait.
        ((1, "op"), [True, True, True]),
    ],
    indirect=["instance"],
)
def test_there_are_as_many_slots_as_the_pool_of_runs_has(
    instance: dg.DagsterInstance, found: list[bool]
) -> None:
    assert taken(instance, 3) == found
    # Released slots can be taken again.
    assert taken(instance, 3) == found


def test_a_limit_of_the_pool_itself_goes_before_the_default(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots("spark", 2)
    assert taken(instance, 3) == [True, True, False]


def hold_a_slot(home: Path, pipe: Connection) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        slot = SparkSlot(instance)
        pipe.send(slot.take())
        pipe.recv()


def test_a_killed_process_keeps_no_slot(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    # A fork has all modules already; a new process would load Dagster for seconds.
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    holder = fork.Process(target=hold_a_slot, args=(tmp_path, theirs))
    holder.start()
    try:
        assert ours.recv() is True
        assert taken(instance, 1) == [False]
    finally:
        holder.kill()
        holder.join()
    assert taken(instance, 1) == [True]


@pytest.mark.spark
@pytest.mark.service
def test_a_run_that_fails_while_it_waits_for_a_slot_ends(tmp_path: Path) -> None:
    place, path = ingested(tmp_path)
    # Refused where the batches are written.
    path.write_text(path.read_text() + ">another\nACGT\n")
    with dg.DagsterInstance.from_config(str(place.home)) as instance, watched(place) as seen:
        holder = SparkSlot(instance)
        assert holder.take()
        (said,) = at_once(place, materialize(0, 3))
        holder.release()
    assert "has no free slot" in said
    assert "changed since it was registered" in said
    assert seen.jvms == set()
