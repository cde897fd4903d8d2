"""Which rows make which batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.batching.plan import (
    EMPTY_PLAN,
    batch_key,
    in_order,
    plan_by_bases,
    plan_by_rows,
    plan_declared,
    stretches,
)
from opengenome_assets.errors import SettingError


def test_the_demo_has_exactly_three_batches() -> None:
    assert plan_declared(12_345, None).boundaries == (0, 5000, 10_000, 12_345)


def test_the_organelles_have_seven_batches() -> None:
    assert plan_declared(32_240, None).keys == [f"batch_000{number}" for number in range(7)]


def test_keys_have_at_least_four_digits() -> None:
    assert [batch_key(7), batch_key(12_345)] == ["batch_0007", "batch_12345"]


def test_keys_are_ordered_by_number_and_not_as_strings() -> None:
    assert in_order(["batch_10001", "batch_9998"]) == ["batch_9998", "batch_10001"]


def test_contiguous_keys_make_one_stretch() -> None:
    keys = ["batch_0004", "batch_0000", "batch_0001", "batch_0003"]
    assert stretches(keys) == [["batch_0000", "batch_0001"], ["batch_0003", "batch_0004"]]


def test_nothing_known_makes_an_empty_plan() -> None:
    assert plan_declared(None, 5000) == plan_declared(100, "auto") == EMPTY_PLAN


def test_more_batches_than_dagster_holds_are_refused_with_a_size_that_works() -> None:
    with pytest.raises(SettingError, match=r"OPENGENOME_BATCH_SIZE: .* Give 11 or more"):
        plan_by_rows(1_000_001, 10)


@given(st.integers(0, 10_000), st.integers(1, 3_000))
def test_batches_by_rows_cover_every_row_once(rows: int, size: int) -> None:
    plan = plan_by_rows(rows, size)
    covered = [row for key in plan.keys for row in range(*plan.range_of(key))]
    assert covered == list(range(rows))
    assert all(end - first <= size for first, end in map(plan.range_of, plan.keys))


@given(st.lists(st.integers(0, 500), max_size=200), st.integers(1, 1000))
def test_batches_by_bases_cover_every_row_and_hold_at_most_the_target(
    lengths: list[int], target: int
) -> None:
    plan = plan_by_bases(np.array(lengths, dtype=np.uint32), target)
    assert plan.rows == len(lengths)
    for first, end in map(plan.range_of, plan.keys):
        assert end - first == 1 or sum(lengths[first:end]) <= target
