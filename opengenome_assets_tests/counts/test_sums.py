"""Sums of tables of counts do not depend on how often the tables were added up in between."""

import random
from collections import Counter

import pyarrow as pa
import pytest

from opengenome_assets.counts import sums
from opengenome_assets.counts.sums import CountsSum
from opengenome_assets.schemas import CODON_COUNTS


def tables(count: int) -> list[pa.Table]:
    chance = random.Random(5)
    return [
        pa.Table.from_pylist(
            [
                {
                    "group": chance.choice(["a", "b"]),
                    "genetic_code": chance.choice([1, 2, None]),
                    "strand": chance.choice("+-"),
                    "frame": chance.randrange(3),
                    "codon": chance.choice(["AAA", "CCN", "GGT"]),
                    "count": chance.randrange(1, 10**12),
                }
                for _ in range(7)
            ],
            schema=CODON_COUNTS,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("held", [1, 20, 10**6])
def test_sums_do_not_depend_on_when_they_are_taken(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(sums, "_FEWEST_ROWS", held)
    total, expected = CountsSum(), Counter[tuple[object, ...]]()
    for table in tables(60):
        total.add(table)
        for row in table.to_pylist():
            expected[tuple(value for name, value in row.items() if name != "count")] += row["count"]
    found = total.counts()
    assert found.schema == CODON_COUNTS
    rows = found.to_pylist()
    assert {tuple(row[name] for name in row if name != "count"): row["count"] for row in rows} == expected
    assert len(rows) == len(expected)


def test_few_rows_are_held_beside_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_FEWEST_ROWS", 50)
    total = CountsSum()
    for table in tables(100):
        total.add(table)
        # There are at most 108 different rows.
        assert sum(each.num_rows for each in total._held) <= 2 * 108 + 7
