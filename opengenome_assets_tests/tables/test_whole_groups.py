"""Tables in parts: wherever they are cut, each group comes whole, once, and with its rows in their order."""

import random
import re
from collections import defaultdict

import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import InputFormatError, SettingError
from opengenome_assets.tables.whole_groups import find_group, groups_of, whole_groups


def table_of(rows: list[tuple[str, str]]) -> pa.Table:
    groups, codons = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({"group": pa.array(groups, pa.string()), "codon": pa.array(codons, pa.string())})


def cut(table: pa.Table, *places: int) -> list[pa.Table]:
    ends = [*places, table.num_rows]
    return [table.slice(first, end - first) for first, end in zip([0, *places], ends, strict=True)]


def listed(parts: list[pa.Table]) -> list[tuple[str, list[str]]]:
    """Groups and their codons, over all parts that come of it."""
    whole = whole_groups(parts, "x.parquet")
    return [(name, rows["codon"].to_pylist()) for part in whole for name, rows in groups_of(part)]


BY_GROUP = [(group, codon) for group in ("b", "a", "c") for codon in CODONS]


@pytest.mark.parametrize("places", [(), (1,), (64,), (63, 65), (10, 20, 30, 100, 191), (0, 0, 192)])
def test_each_group_is_whole_wherever_the_table_is_cut(places: tuple[int, ...]) -> None:
    assert listed(cut(table_of(BY_GROUP), *places)) == [(group, list(CODONS)) for group in ("b", "a", "c")]


def test_rows_of_a_group_keep_their_order_among_those_of_others() -> None:
    rows = list(BY_GROUP)
    random.Random(3).shuffle(rows)
    expected: dict[str, list[str]] = defaultdict(list)
    for group, codon in rows:
        expected[group].append(codon)
    assert listed([table_of(rows)]) == list(expected.items())


@pytest.mark.parametrize(("groups", "again"), [(("a", "bc", "ac"), "a"), (("a", "bc", "b"), "b")])
def test_a_group_in_parts_that_are_apart_is_refused(groups: tuple[str, ...], again: str) -> None:
    parts = [table_of([(group, CODONS[number]) for group in part]) for number, part in enumerate(groups)]
    message = (
        f"x.parquet: group '{again}' is in row group 3 and, after other groups, in earlier ones. "
        "Sort the table by group."
    )
    with pytest.raises(InputFormatError, match=f"^{re.escape(message)}$"):
        list(whole_groups(parts, "x.parquet"))


@pytest.mark.parametrize("more", [[], [("b", "AAA")]])
def test_a_codon_in_two_parts_of_its_group_is_refused(more: list[tuple[str, str]]) -> None:
    parts = cut(table_of([("a", "AAA"), ("a", "CCC"), ("a", "AAA"), *more]), 2)
    message = "x.parquet: codon AAA of group 'a' has two rows. Keep one of them."
    with pytest.raises(InputFormatError, match=f"^{re.escape(message)}$"):
        list(whole_groups(parts, "x.parquet"))


def test_a_table_without_rows_is_one_part() -> None:
    (part,) = whole_groups([table_of([])], "x.parquet")
    assert (part.num_rows, list(groups_of(part))) == (0, [])


@pytest.mark.parametrize(
    ("groups", "shown"), [(0, "no rows at all"), (20, "g00, .*, g19"), (21, "g00, .*, g19, …")]
)
def test_an_unknown_group_is_refused_with_the_first_twenty(groups: int, shown: str) -> None:
    parts = [table_of([(f"g{number:02}", "AAA")]) for number in range(groups)] or [table_of([])]
    with pytest.raises(SettingError, match=rf"^The table has no group 'g'\. It has: {shown}\.$"):
        find_group(parts, "g")


def test_a_group_is_found_in_any_part() -> None:
    parts = list(whole_groups(cut(table_of(BY_GROUP), 100), "x.parquet"))
    assert find_group(parts, "c")["codon"].to_pylist() == list(CODONS)
