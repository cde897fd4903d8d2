"""The assignment of rows to batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from opengenome_assets.batches.plan import (
    EMPTY_PLAN,
    bases_between,
    batch_key,
    batch_number,
    in_order,
    plan_batches,
    plan_by_bases,
    plan_by_rows,
    plan_declared,
    stretches,
)
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import MOST_BATCHES


def test_the_demo_has_exactly_three_batches() -> None:
    assert plan_declared(12_345, None).boundaries == (0, 5000, 10_000, 12_345)


def test_the_organelles_have_seven_batches() -> None:
    assert plan_declared(32_240, None).keys == [f"batch_000{number}" for number in range(7)]


def test_keys_have_at_least_four_digits() -> None:
    assert [batch_key(7), batch_key(12_345)] == ["batch_0007", "batch_12345"]


def test_keys_are_ordered_by_number_and_not_as_strings() -> None:
    assert in_order(["batch_10001", "batch_9998"]) == ["batch_9998", "batch_10001"]


def test_a_plan_of_more_than_10_000_batches_is_in_order() -> None:
    plan = plan_by_rows(20_003, 2)
    assert plan.keys[9_998:] == ["batch_9998", "batch_9999", "batch_10000", "batch_10001"]
    assert plan.range_of("batch_10000") == (20_000, 20_002)
    assert plan.range_of("batch_10001") == (20_002, 20_003)
    assert [batch_number(key) for key in plan.keys] == list(range(10_002))


def test_a_stretch_goes_on_from_four_digits_to_five() -> None:
    keys = ["batch_10000", "batch_10002", "batch_9998", "batch_9999", "batch_1000"]
    assert stretches(keys) == [["batch_1000"], ["batch_9998", "batch_9999", "batch_10000"], ["batch_10002"]]


def test_contiguous_keys_make_one_stretch() -> None:
    keys = ["batch_0004", "batch_0000", "batch_0001", "batch_0003"]
    assert stretches(keys) == [["batch_0000", "batch_0001"], ["batch_0003", "batch_0004"]]


def test_nothing_known_makes_an_empty_plan() -> None:
    assert plan_declared(None, 5000) == plan_declared(100, "auto") == EMPTY_PLAN


@pytest.mark.parametrize(("rows", "size"), [(100_000, 1), (99_999, 1), (1_000_000, 10), (999_991, 10)])
def test_as_many_batches_as_dagster_holds_are_planned(rows: int, size: int) -> None:
    assert MOST_BATCHES == 100_000
    plan = plan_by_rows(rows, size)
    assert len(plan.keys) == -(-rows // size)
    assert plan.range_of(plan.keys[-1]) == ((rows - 1) // size * size, rows)


@pytest.mark.parametrize(("rows", "size", "least"), [(100_001, 1, 2), (1_000_001, 10, 11), (300_001, 2, 4)])
def test_more_batches_than_dagster_holds_are_refused(rows: int, size: int, least: int) -> None:
    with pytest.raises(SettingError, match=rf"OPENGENOME_BATCH_SIZE: .* Set {least} or more"):
        plan_by_rows(rows, size)
    assert len(plan_by_rows(rows, least).keys) <= 100_000


@pytest.mark.parametrize(
    ("target", "boundaries"),
    [(6, (0, 1, 2, 3, 5)), (7, (0, 2, 3, 5)), (8, (0, 2, 3, 5)), (11, (0, 2, 5)), (12, (0, 3, 5))],
)
def test_a_batch_that_fits_auto_exactly_is_one_batch(target: int, boundaries: tuple[int, ...]) -> None:
    # 3 + 4 = 7, 5 + 6 = 11 and 3 + 4 + 5 = 12. A record without bases fits in any batch.
    lengths = np.array([3, 4, 5, 6, 0], dtype=np.uint32)
    assert plan_by_bases([lengths], target).boundaries == boundaries


def test_auto_aims_at_512_million_bases() -> None:
    half = 256_000_000
    assert auto([half, half, half - 1, half, 1]) == (0, 2, 5)
    assert auto([half, half + 1, half]) == (0, 1, 2, 3)


def auto(lengths: list[int]) -> tuple[int, ...]:
    return plan_batches([np.array(lengths, dtype=np.uint32)], len(lengths), "auto").boundaries


def test_a_batch_of_auto_has_a_million_rows_at_most() -> None:
    short = [np.full(700_000, 100, dtype=np.uint32)] * 3
    assert plan_batches(short, 2_100_000, "auto").boundaries == (0, 1_000_000, 2_000_000, 2_100_000)


def test_known_lengths_are_cut_by_rows_where_a_number_is_given() -> None:
    assert plan_batches([], 5, 2).boundaries == (0, 2, 4, 5)


@given(st.integers(0, 10_000), st.integers(1, 3_000))
def test_batches_by_rows_cover_every_row_once(rows: int, size: int) -> None:
    plan = plan_by_rows(rows, size)
    covered = [row for key in plan.keys for row in range(*plan.range_of(key))]
    assert covered == list(range(rows))
    assert all(end - first <= size for first, end in map(plan.range_of, plan.keys))


@st.composite
def pieces(draw: st.DrawFn) -> tuple[list[int], list[NDArray[np.uint32]]]:
    """Lengths, and the same in pieces, some of them empty."""
    lengths = draw(st.lists(st.integers(0, 500), max_size=200))
    cuts = sorted(draw(st.lists(st.integers(0, len(lengths)), max_size=5)))
    return lengths, np.split(np.array(lengths, dtype=np.uint32), cuts)


@given(pieces(), st.integers(1, 1000), st.integers(1, 50))
def test_batches_by_bases_hold_as_much_as_fits_the_limits(
    known: tuple[list[int], list[NDArray[np.uint32]]], bases: int, rows: int
) -> None:
    lengths, cut = known
    plan = plan_by_bases(cut, bases, rows)
    assert plan.rows == len(lengths)
    for first, end in map(plan.range_of, plan.keys):
        assert end - first == 1 or sum(lengths[first:end]) <= bases
        assert end - first <= rows
        assert end == len(lengths) or sum(lengths[first : end + 1]) > bases or end - first == rows


@pytest.mark.parametrize("pieces", [[], [np.zeros(0, np.uint32)]])
def test_no_records_are_no_batches(pieces: list[NDArray[np.uint32]]) -> None:
    assert plan_by_bases(pieces).boundaries == (0,)


def test_a_batch_over_many_pieces_holds_no_more_bases() -> None:
    cut = [np.array([1], np.uint32)] * 4
    assert plan_by_bases(cut, 3, 10).boundaries == (0, 3, 4)


@given(pieces(), st.integers(1, 30))
def test_bases_of_batches_are_sums_of_their_lengths(
    known: tuple[list[int], list[NDArray[np.uint32]]], size: int
) -> None:
    lengths, cut = known
    plan = plan_by_rows(len(lengths), size)
    expected = tuple(sum(lengths[first:end]) for first, end in map(plan.range_of, plan.keys))
    assert bases_between(cut, plan.boundaries) == expected
