"""The checks of a batch's sequences fail on each kind of tampering, and on nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from opengenome_assets_tests.graph.tampering import BATCH, Finished, changed, column_changer

CHECKS = ("rows_as_planned", "only_nucleotide_letters", "unique_ids", "rows_assigned")


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_untouched_sequences_pass(untouched: Finished, check: str) -> None:
    assert untouched.sequences(check).passed


# rows_as_planned


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        pytest.param(
            lambda table: table.slice(1), {"rows", "bases", "row_numbers_as_planned"}, id="first_row_lost"
        ),
        pytest.param(
            lambda table: table.slice(0, table.num_rows - 1),
            {"rows", "bases", "row_numbers_as_planned"},
            id="last_row_lost",
        ),
        pytest.param(
            lambda table: pa.concat_tables([table, table.slice(0, 1)]),
            {"rows", "bases", "row_numbers_as_planned"},
            id="row_twice",
        ),
        pytest.param(
            column_changer("row", lambda row: row - 1, row=14),
            {"row_numbers_as_planned"},
            id="row_number_twice",
        ),
        pytest.param(
            lambda table: table.take(list(range(table.num_rows))[::-1]),
            {"row_numbers_as_planned"},
            id="rows_reversed",
        ),
        pytest.param(
            column_changer("row", lambda row: row + 1), {"row_numbers_as_planned"}, id="row_number_wrong"
        ),
        pytest.param(
            column_changer("row", lambda row: row + 1, row=14),
            {"row_numbers_as_planned"},
            id="last_row_number_wrong",
        ),
        pytest.param(
            column_changer("length", lambda length: length + 1),
            {"bases", "rows_whose_length_disagrees"},
            id="length_wrong",
        ),
        pytest.param(
            column_changer("sequence", lambda letters: letters + "A"),
            {"rows_whose_length_disagrees"},
            id="a_letter_more",
        ),
        pytest.param(
            lambda table: column_changer("length", lambda length: length - 1, row=4)(
                column_changer("length", lambda length: length + 1, row=3)(table)
            ),
            {"rows_whose_length_disagrees"},
            id="two_wrong_lengths_add_up",
        ),
        pytest.param(
            lambda table: column_changer("length", lambda length: length + 1)(
                column_changer("sequence", lambda letters: letters + "A")(table)
            ),
            {"bases"},
            id="letter_and_length_more",
        ),
    ],
)
def test_rows_as_planned_fails(
    mine: Finished, change: Callable[[pa.Table], pa.Table], figures: set[str]
) -> None:
    before = mine.sequences("rows_as_planned")
    mine.rewrite_sequences(change)
    after = mine.sequences("rows_as_planned")
    assert (before.passed, after.passed) == (True, False)
    assert changed(before, after) == figures
    assert mine.sequences("only_nucleotide_letters").passed


def test_rows_as_planned_fails_where_the_file_is_missing(mine: Finished) -> None:
    Path(mine.files.sequences(BATCH).location).unlink()
    outcome = mine.sequences("rows_as_planned")
    assert not outcome.passed
    assert ": missing. Materialize mine/sequences for batch_0001." in outcome.description


def test_rows_as_planned_fails_on_another_batchs_file(mine: Finished) -> None:
    shutil.copy(mine.files.sequences("batch_0000").location, mine.files.sequences(BATCH).location)
    outcome = mine.sequences("rows_as_planned")
    assert not outcome.passed
    assert "batch_0000" in outcome.description


# only_nucleotide_letters


@pytest.mark.parametrize("letter", "ACGTURYSWKMBDHVNacgturyswkmbdhvn")
def test_every_nucleotide_letter_passes(mine: Finished, letter: str) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letter + letters[1:]))
    assert mine.sequences("only_nucleotide_letters").passed


@pytest.mark.parametrize(
    ("letter", "named"),
    [
        ("E", "E"),
        ("*", "*"),
        ("-", "-"),
        (" ", "byte 0x20"),
        ("\x00", "byte 0x00"),
        ("\x7f", "byte 0x7f"),
        ("é", "byte 0xa9, byte 0xc3"),
    ],
)
def test_only_nucleotide_letters_fails(mine: Finished, letter: str, named: str) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letter + letters[1:]))
    outcome = mine.sequences("only_nucleotide_letters")
    assert not outcome.passed
    assert outcome.figures == {"foreign_letters": len(letter.encode()), "which": named}


def test_only_nucleotide_letters_finds_one_in_the_last_record(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letters[:-1] + "E", row=14))
    assert not mine.sequences("only_nucleotide_letters").passed


# unique_ids


def test_unique_ids_fails(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "record_16"))
    outcome = mine.sequences("unique_ids")
    assert not outcome.passed
    assert outcome.figures == {"repeated_ids": 1, "rows_with_a_repeated_id": 2, "examples": "record_16"}


def test_unique_ids_passes_where_only_the_case_differs(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "RECORD_16"))
    assert mine.sequences("unique_ids").passed


# rows_assigned


def test_rows_assigned_fails_on_one_row_without_an_entry(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "unassigned"))
    outcome = mine.sequences("rows_assigned")
    assert not outcome.passed
    assert outcome.figures == {"unassigned_rows": 1, "groups": 2}


def test_rows_assigned_passes_on_a_group_of_a_like_name(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "Unassigned"))
    assert mine.sequences("rows_assigned").figures == {"unassigned_rows": 0, "groups": 2}
    assert mine.sequences("rows_assigned").passed


# Batches of several row groups


@pytest.mark.parametrize("check", CHECKS)
def test_row_groups_change_nothing_in_what_is_reported(mine: Finished, check: str) -> None:
    before = mine.sequences(check)
    mine.split_sequences(rows=5)
    assert mine.sequences(check) == before


@pytest.mark.parametrize("row", [0, 14])
@pytest.mark.parametrize(
    ("column", "change", "check"),
    [
        # The id of row 7.
        ("seq_id", lambda _: "record_22", "unique_ids"),
        ("group", lambda _: "unassigned", "rows_assigned"),
        ("sequence", lambda letters: "E" + letters[1:], "only_nucleotide_letters"),
    ],
)
def test_a_fault_in_any_row_group_is_noticed(
    mine: Finished, column: str, change: Callable[[str], str], check: str, row: int
) -> None:
    mine.rewrite_sequences(column_changer(column, change, row=row))
    mine.split_sequences(rows=5)
    assert [name for name in CHECKS if not mine.sequences(name).passed] == [check]
