"""The check of a batch's counts fails on each kind of tampering, and on nothing else."""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.checks.batch import check_counts
from opengenome_assets_tests.graph.tampering import (
    BATCH,
    Finished,
    changed,
    column_changer,
    extra_row,
    finish,
    two_frames,
    with_value,
    without,
)
from opengenome_assets_tests.scenario import project, write_fasta


def test_total_codon_count_of_untouched_counts_passes(untouched: Finished) -> None:
    assert untouched.counts().passed


@pytest.mark.parametrize("rows", [1, 50, 10_000])
def test_total_codon_count_adds_up_row_groups(
    monkeypatch: pytest.MonkeyPatch, mine: Finished, rows: int
) -> None:
    before = mine.counts()
    monkeypatch.setattr("opengenome_assets.batches.batch_files._ROWS_OF_A_GROUP", rows)
    mine.rewrite_counts(lambda table: table)
    path = mine.files.counts(BATCH).location
    assert pq.read_metadata(path).num_row_groups == -(-pq.read_metadata(path).num_rows // rows)
    assert mine.counts() == before
    mine.rewrite_counts(column_changer("count", lambda count: count + 1, row=-1))
    assert mine.counts().figures["difference"] == 1


def test_total_codon_count_adds_up_row_groups_of_sequences(mine: Finished) -> None:
    before = mine.counts()
    mine.split_sequences(rows=5)
    assert mine.counts() == before


ALL_FRAMES = {f"{strand}{frame}" for strand in "+-" for frame in range(3)}


@pytest.mark.parametrize(
    ("change", "frames", "rows_of_no_frame"),
    [
        pytest.param(column_changer("count", lambda count: count + 1), {"+0"}, 0, id="one_codon_more"),
        pytest.param(column_changer("count", lambda count: count - 1), {"+0"}, 0, id="one_codon_less"),
        pytest.param(lambda table: table.slice(1), {"+0"}, 0, id="a_codon_lost"),
        pytest.param(without("frame", 2), {"+2", "-2"}, 0, id="a_frame_lost"),
        pytest.param(without("strand", "-"), {"-0", "-1", "-2"}, 0, id="a_strand_lost"),
        pytest.param(column_changer("frame", lambda _: 3), {"+0"}, 1, id="a_frame_that_is_none"),
        pytest.param(column_changer("strand", lambda _: "?"), {"+0"}, 1, id="a_strand_that_is_none"),
        pytest.param(extra_row(frame=3), set(), 1, id="a_row_more_of_no_frame"),
        pytest.param(extra_row(strand="?"), set(), 1, id="a_row_more_of_no_strand"),
        pytest.param(extra_row(), {"+0"}, 0, id="a_row_twice"),
        pytest.param(extra_row(group="other"), {"+0"}, 0, id="a_row_more_of_another_group"),
        pytest.param(two_frames, {"+0", "+1"}, 0, id="two_frames_make_up_for_each_other"),
        pytest.param(lambda table: table.slice(0, 0), ALL_FRAMES, 0, id="nothing_counted"),
    ],
)
def test_total_codon_count_fails(
    mine: Finished, change: Callable[[pa.Table], pa.Table], frames: set[str], rows_of_no_frame: int
) -> None:
    before = mine.counts()
    mine.rewrite_counts(change)
    after = mine.counts()
    assert (before.passed, after.passed) == (True, False)
    assert changed(before, after) - {"difference"} == {f"counted {frame}" for frame in frames}
    assert set(re.findall(r"frame (..): [\d,]+ counted", after.description)) == frames
    assert ("1 row of an unknown strand or frame" in after.description) == bool(rows_of_no_frame)


def test_rows_of_no_frame_are_added_up_over_row_groups(
    monkeypatch: pytest.MonkeyPatch, mine: Finished
) -> None:
    monkeypatch.setattr("opengenome_assets.batches.batch_files._ROWS_OF_A_GROUP", 1)
    for _ in range(3):
        mine.rewrite_counts(extra_row(frame=3))
    assert mine.counts().description == "3 rows of an unknown strand or frame"


def test_total_codon_count_passes_where_a_row_is_split(mine: Finished) -> None:
    def split(table: pa.Table) -> pa.Table:
        row = table["count"].to_pylist().index(max(table["count"].to_pylist()))
        one = table.slice(row, 1)
        less = with_value(table, "count", row, lambda count: count - 1)
        return pa.concat_tables([less, with_value(one, "count", 0, lambda _: 1)])

    mine.rewrite_counts(split)
    assert mine.counts().passed


def test_total_codon_count_fails_on_sequences_changed_since(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("length", lambda length: length + 3))
    assert not mine.counts().passed


def test_frames_without_a_single_codon_pass(tmp_path: Path) -> None:
    own = finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ACG", "b": "AC"})))
    outcome = check_counts(own.files, "batch_0000")
    assert outcome.passed
    assert [outcome.figures[f"counted {strand}{frame}"] for strand in "+-" for frame in range(3)] == [
        1,
        0,
        0,
    ] * 2
