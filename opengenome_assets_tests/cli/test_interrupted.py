"""Ctrl-C, sent as by a terminal, while batches are written and while they are counted."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.running.instance import open_instance
from opengenome_assets.running.runner import Runner
from opengenome_assets.settings import read_settings
from opengenome_assets_tests.cli.scenario import PYTHON, Said, clean_room, opengenome
from opengenome_assets_tests.scenario import Quiet, made_up_records, naive_counts, write_fasta
from opengenome_assets_tests.services import Place, group_members, kill_group, make_place, wait_until

pytestmark = pytest.mark.spark

RECORDS = made_up_records(120)
BATCHES = 40
COUNTED_BEFORE = 10
# A shell that runs the tests in the background has its children ignore the signal; a terminal has not.
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from opengenome_assets.cli import main; main()"
)


@dataclass(frozen=True)
class Interrupted:
    """A command that was interrupted at one of its lines, and the same command afterwards."""

    place: Place
    said: Said
    left: list[int]
    aside: list[Path]
    unfinished: list[str]
    again: Said


@pytest.fixture(scope="module", params=["batch 1/30  batch_0010", "Spark session ready"])
def interrupted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spark: object
) -> Interrupted:
    del spark
    folder = tmp_path_factory.mktemp("interrupted")
    place = make_place(folder)
    fasta = write_fasta(folder / "mine.fasta", RECORDS)
    command = ("analyze", "codon", "--input", str(fasta), "--batch-size", "3")
    with clean_room(), pytest.MonkeyPatch.context() as environment:
        environment.setenv("DAGSTER_HOME", str(place.home))
        environment.setenv("OPENGENOME_WAREHOUSE", str(place.warehouse))
        with open_instance(str(place.warehouse)) as instance:
            own = {"OPENGENOME_INPUT": str(fasta), "OPENGENOME_BATCH_SIZE": "3"}
            (dataset,) = resolve_datasets(read_settings({**os.environ, **own}))
            runner = Runner(dataset, instance, Quiet())
            manifest = runner.register()
            runner.count(manifest.plan.keys[:COUNTED_BEFORE])
        said, left = interrupt(place, command, request.param)
        aside = list(place.warehouse.rglob("*.aside"))
        unfinished = list(unfinished_batches(BatchFiles(runner.dataset.folder, manifest)))
        again = opengenome(*command)
    return Interrupted(place, said, left, aside, unfinished, again)


def interrupt(place: Place, command: tuple[str, ...], line: str) -> tuple[Said, list[int]]:
    """Start a command, send the signal to it and all it started once a line appears, and see it end."""
    with subprocess.Popen(
        (PYTHON, "-c", MAIN, *command),
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        try:
            lines = []
            for said in process.stderr:
                lines.append(said)
                if line in said:
                    os.killpg(process.pid, signal.SIGINT)
                    break
            lines += process.stderr.readlines()
            code = process.wait(60)
            left = group_members(process.pid)
            if left:
                # A JVM may need a moment after the process that started it.
                wait_until(lambda: not group_members(process.pid), 20, "the end of what the command started")
            return Said(code, process.stdout.read(), "".join(lines)), left
        finally:
            kill_group(process.pid)


def test_it_ends_with_130_and_says_what_to_do(interrupted: Interrupted) -> None:
    assert interrupted.said.code == 130, interrupted.said.err
    assert interrupted.said.lines()[-1] == (
        "Interrupted: finished batches are kept; the same command goes on from there."
    )


def test_nothing_is_said_that_is_not_for_people(interrupted: Interrupted) -> None:
    assert "Traceback" not in interrupted.said.err
    assert interrupted.said.out == ""


def test_no_file_is_left_half_written(interrupted: Interrupted) -> None:
    assert interrupted.aside == []


def test_the_batches_that_were_finished_stay_finished(interrupted: Interrupted) -> None:
    assert not {f"batch_{number:04d}" for number in range(COUNTED_BEFORE)} & set(interrupted.unfinished)
    assert interrupted.unfinished


def test_the_next_run_counts_the_rest_and_nothing_again(interrupted: Interrupted) -> None:
    rest = len(interrupted.unfinished)
    assert interrupted.again.code == 0, interrupted.again.err
    assert (
        f"{rest} of {BATCHES} batches counted now, {BATCHES - rest} were finished before"
        in interrupted.again.out
    )


def test_the_table_is_that_of_slicing_strings(interrupted: Interrupted) -> None:
    said = opengenome(
        *("export", "--dataset", "mine", "--warehouse", interrupted.place.warehouse),
        *("--format", "opengenome"),
    )
    found = {line.split(",")[0]: int(line.split(",")[1]) for line in said.out.splitlines()[1:]}
    expected = naive_counts(list(RECORDS.values()))
    assert found == {codon: expected.get(("+", 0, codon), 0) for codon in found}
    assert len(found) == 64
