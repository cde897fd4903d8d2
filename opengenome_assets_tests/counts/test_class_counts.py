"""The compact form of counts: its sums, its table and its message to another process lose nothing."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import CODON_OF_WINDOW
from opengenome_assets.codons.kernels import PLACES
from opengenome_assets.counts.class_counts import ClassCounts, add_up, from_bytes
from opengenome_assets.schemas import CODON_COUNTS

Rows = dict[tuple[str, int | None, str, int, str], int]


def made_up(seed: int, classes: int = 4, counts: int = 200) -> tuple[ClassCounts, Rows]:
    """Counts of some classes, which also occur in those of other seeds; and the rows that they mean."""
    chance = random.Random(seed)
    named = [(group, code) for group in ("b", "a", "all", "ä") for code in (2, None, 11)]
    chosen = chance.sample(named, classes)
    keys = sorted(chance.sample(range(classes * PLACES), counts))
    found = [chance.choice([1, 7, 2**40]) for _ in keys]
    rows: Rows = {}
    for key, count in zip(keys, found, strict=True):
        number, place = divmod(key, PLACES)
        strand, rest = divmod(place, 3 * 4096)
        rows[(*chosen[number], "+-"[strand], rest // 4096, CODON_OF_WINDOW[rest % 4096])] = count
    groups, codes = zip(*chosen, strict=True)
    made = ClassCounts(pa.array(groups), pa.array(codes, pa.int32()), np.array(keys), np.array(found))
    return made, rows


def rows_of(counts: ClassCounts) -> Rows:
    table = counts.table()
    assert table.schema == CODON_COUNTS
    rows = [tuple(row.values()) for row in table.to_pylist()]
    # Null is last, as in the files that earlier versions wrote.
    assert rows == sorted(rows, key=lambda row: (row[0].encode(), row[1] or 99, *row[2:]))
    found = {row[:-1]: row[-1] for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_table_has_a_row_for_each_count() -> None:
    counts, rows = made_up(1)
    assert rows_of(counts) == rows


@pytest.mark.parametrize("parts", [1, 2, 9])
def test_classes_of_equal_group_and_code_are_added_up(parts: int) -> None:
    expected: Counter[tuple[str, int | None, str, int, str]] = Counter()
    made = [made_up(seed, counts=10_000) for seed in range(parts)]
    for _, rows in made:
        expected.update(rows)
    summed = add_up([counts for counts, _ in made])
    assert rows_of(summed) == expected
    assert (np.diff(summed.keys) > 0).all()


def test_the_table_does_not_depend_on_the_order_of_parts() -> None:
    parts = [made_up(seed)[0] for seed in range(5)]
    assert add_up(parts).table().equals(add_up(parts[::-1]).table())


def test_nothing_adds_up_to_an_empty_table() -> None:
    assert rows_of(add_up([])) == {}


def test_a_message_holds_everything_in_few_bytes() -> None:
    counts, rows = made_up(3, counts=60_000)
    message = counts.to_bytes()
    assert rows_of(from_bytes(message)) == rows
    assert len(message) < 16 * 60_000 / 3


def test_an_empty_message_is_read() -> None:
    assert rows_of(from_bytes(add_up([]).to_bytes())) == {}


def test_a_counted_window_is_found() -> None:
    counts, rows = made_up(5)
    wanted = next(iter(rows))[-1]
    assert counts.has_window(np.array([codon == wanted for codon in CODON_OF_WINDOW]))
    unseen = set(CODON_OF_WINDOW) - {row[-1] for row in rows}
    assert not counts.has_window(np.array([codon in unseen for codon in CODON_OF_WINDOW]))
