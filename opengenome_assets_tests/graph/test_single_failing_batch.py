"""One batch of a range run cannot be written: the others finish, the error names it, and a second run completes it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.batches.batch_files import BatchFile, BatchFiles
from opengenome_assets.errors import RunFailedError
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

pytestmark = pytest.mark.spark

FAILING = "batch_0001"
OTHERS = {"batch_0000", "batch_0002", "batch_0003"}


@dataclass(frozen=True)
class Halfway:
    """A data set of which one batch failed.

    Attributes:
        mine: the data set.
        message: what the run failed with.
        path: of the file that could not be written; the way is clear again.
        left_aside: hidden files beside it, just after the run.
    """

    mine: Project
    message: str
    path: Path
    left_aside: list[Path]

    def materialized(self, asset: str) -> set[str]:
        return set(self.mine.instance.get_materialized_partitions(dg.AssetKey(["mine", asset])))


def run_into(folder: Path, file_of: Callable[[BatchFiles, str], BatchFile]) -> Halfway:
    """Count all batches while a folder has the path of one batch's file."""
    mine = project(folder, write_fasta(folder / "mine.fa", made_up_records(40)), batch_size=11)
    mine.runner.register()
    path = Path(file_of(mine.files, FAILING).location)
    # Not empty: nothing can take its place by renaming.
    (path / "in the way").mkdir(parents=True)
    with pytest.raises(RunFailedError) as failure:
        mine.runner.count(mine.manifest.plan.keys)
    left_aside = list(path.parent.glob(".*"))
    shutil.rmtree(path)
    return Halfway(mine, str(failure.value), path, left_aside)


@pytest.fixture
def unwritten(spark: object, tmp_path: Path) -> Halfway:
    """The batch of sequences could not be written."""
    return run_into(tmp_path, BatchFiles.sequences)


@pytest.fixture
def uncounted(spark: object, tmp_path: Path) -> Halfway:
    """The counts of the batch could not be written."""
    return run_into(tmp_path, BatchFiles.counts)


def test_the_other_batches_of_sequences_are_materialized(unwritten: Halfway) -> None:
    assert unwritten.materialized("sequences") == OTHERS


def test_the_batch_that_was_not_written_is_named(unwritten: Halfway) -> None:
    assert unwritten.message.startswith(f"1 of 4 batches failed: {FAILING}. First: {unwritten.path}: ")


def test_the_other_batches_are_counted(uncounted: Halfway) -> None:
    assert uncounted.materialized("codon_counts") == OTHERS


def test_the_batch_that_was_not_counted_is_named(uncounted: Halfway) -> None:
    assert uncounted.message.startswith(f"1 of 4 batches failed: {FAILING}. First: {FAILING}")


def test_a_failed_replacement_leaves_no_temporary_file(uncounted: Halfway) -> None:
    assert uncounted.left_aside == []


def test_the_table_refuses_to_be_made_without_the_batch(uncounted: Halfway) -> None:
    with pytest.raises(RunFailedError, match=f"1 of 4 batches cannot be used: {FAILING}"):
        uncounted.mine.runner.tabulate({})


def test_only_the_missing_batch_is_left_to_run(uncounted: Halfway) -> None:
    assert uncounted.mine.runner.missing_batches() == [FAILING]


def test_a_second_run_over_the_missing_batch_completes_the_set(uncounted: Halfway) -> None:
    uncounted.mine.runner.count([FAILING])
    assert uncounted.materialized("codon_counts") == OTHERS | {FAILING}


def test_a_second_run_does_not_touch_finished_batches(uncounted: Halfway) -> None:
    before = {path: path.stat().st_mtime_ns for path in uncounted.path.parent.glob("*.parquet")}
    uncounted.mine.runner.count([FAILING])
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("which", ["unwritten", "uncounted"])
def test_the_table_is_the_same_as_if_nothing_had_failed(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    halfway: Halfway = request.getfixturevalue(which)
    halfway.mine.run()
    untroubled = project(tmp_path / "untroubled", tmp_path / "mine.fa", batch_size=11)
    untroubled.run()
    assert halfway.mine.table().equals(untroubled.table())
