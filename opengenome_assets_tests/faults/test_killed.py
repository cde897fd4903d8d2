"""Killed processes leave no wrong files, and the next run processes the missing batches."""

import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from opengenome_assets_tests.faults.commands import (
    BATCHES,
    Ended,
    Genomes,
    files_aside,
    run_until,
    table_of,
)
from opengenome_assets_tests.services import Place, make_place, wait_until

pytestmark = [pytest.mark.spark, pytest.mark.service]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / "place")


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def below(pid: int, named: str) -> list[psutil.Process]:
    """Descendants whose command line has a word."""
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if named in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_worker_at_work(pid: int) -> None:
    """Kill a Python worker that has begun to count; the first process of that name is the others' parent."""
    before: dict[int, float] = {}

    def at_work() -> psutil.Process | None:
        workers = below(pid, "opengenome_assets.spark.worker")
        parents = {worker.ppid() for worker in workers}
        for worker in workers:
            if worker.pid in parents:
                continue
            used = worker.cpu_times().user
            if used - before.setdefault(worker.pid, used) > 0.02:
                return worker
        return None

    worker = wait_until(at_work, 60, "a worker that counts")
    assert worker is not None
    kill(worker.pid)


def kill_jvm(pid: int) -> None:
    # In the middle of the first jobs.
    time.sleep(0.3)
    (jvm,) = [process for process in below(pid, "org.apache.spark") if "java" in process.name()]
    kill(jvm.pid)


def finished_in(ended: Ended) -> int:
    """Batches of sequences that were written, and batches that were counted, together."""
    is_batch = re.compile(r"(writing|counting)  batch \d+/\d+  batch_\d{4}  [\d,]+ sequences")
    return sum(bool(is_batch.match(line)) for line in ended.lines)


def test_a_killed_worker_is_replaced_and_its_task_done_again(place: Place, genomes: Genomes) -> None:
    ended = run_until(place, genomes.path, "Spark session ready", kill_worker_at_work)
    assert ended.code == 0, ended.lines
    assert finished_in(ended) == 2 * BATCHES
    assert table_of(place) == genomes.counts


def test_a_killed_jvm_is_reported_per_batch_and_replaced(place: Place, genomes: Genomes) -> None:
    ended = run_until(place, genomes.path, "Spark session ready", kill_jvm)
    assert ended.code == 0, ended.lines
    assert not any("Traceback" in line for line in ended.lines)
    failed = [
        line
        for line in ended.lines
        if re.match(r"error: counting  batch \d/4  batch_\d{4}  .*Spark failed", line)
    ]
    assert failed
    assert finished_in(ended) == 2 * BATCHES
    assert table_of(place) == genomes.counts


@pytest.mark.parametrize("line", ["batch 3/4  batch_0", "Spark session ready"])
def test_a_killed_run_is_completed_by_the_next(place: Place, genomes: Genomes, line: str) -> None:
    ended = run_until(place, genomes.path, line, kill)
    assert ended.code == -signal.SIGKILL
    assert not (place.warehouse / "mine" / "codon_frequencies.parquet").exists()
    before = finished_in(ended)
    assert 3 <= before < 2 * BATCHES
    again = run_until(place, genomes.path, "", kill)
    assert again.code == 0, again.lines
    # A batch whose line was the last may not have come into Dagster's records any more: it is done again.
    assert before + finished_in(again) in (2 * BATCHES, 2 * BATCHES + 1)
    assert files_aside(place) == []
    assert table_of(place) == genomes.counts
