"""Tables of more groups than are computed at once: each row equals the one computed from its group alone."""

import random
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from opengenome_assets.codons.genetic_codes import genetic_code
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables import groups
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.groups import Frame, Tallies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets_tests.tables.tables import counts_table

CODES = (1, 2, None, 11)


def made_up_counts(number: int) -> dict[str, int]:
    chance = random.Random(number)
    codons = ["".join(chance.choices("ACGTN", (9, 9, 9, 9, 1), k=3)) for _ in range(40)]
    return {codon: chance.randrange(1, 1000) for codon in codons}


def many(count: int = 50) -> dict[str, pa.Table]:
    """Groups with one code or two."""
    found = {}
    for number in range(count):
        name = f"g{(number * 37) % count:03}"
        tables = [counts_table(made_up_counts(number), group=name, genetic_code=CODES[number % 4])]
        if number % 5 == 0:
            tables.append(counts_table(made_up_counts(-1 - number), group=name, genetic_code=3))
        found[name] = pa.concat_tables(tables)
    return found


@pytest.fixture(params=[1, 7, 1000])
def together(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_TOGETHER", request.param)


@pytest.mark.usefixtures("together")
@pytest.mark.parametrize(
    "parameters",
    [{}, {"skip_n": False}, {"skip_stops": True, "skip_n": False, "genetic_code": 4}, {"min_count": 500}],
)
def test_each_groups_rows_are_those_of_the_group_alone(parameters: dict[str, int]) -> None:
    chosen = TableParameters(**parameters)
    by_group = many()
    table = codon_frequencies(pa.concat_tables(by_group.values()), chosen)
    assert list(dict.fromkeys(table["group"].to_pylist())) == ["all", *sorted(by_group)]
    for name, counts in by_group.items():
        alone = codon_frequencies(counts, chosen).filter(pc.field("group") == name)
        assert table.filter(pc.field("group") == name).equals(alone)


def test_tables_of_counts_may_come_in_any_order_and_size() -> None:
    rows = pa.concat_tables(many().values())
    shuffled = rows.take(pa.array(random.Random(1).sample(range(rows.num_rows), rows.num_rows)))
    frame = Frame("+", 0)
    parts = [shuffled.slice(first, 13) for first in range(0, rows.num_rows, 13)]
    whole, split = (Tallies(tables, [frame], genetic_code(1)) for tables in ([rows], parts))
    for one, other in zip(whole.of(frame), split.of(frame), strict=True):
        assert (one.group, one.codes, one.ambiguous) == (other.group, other.codes, other.ambiguous)
        assert one.by_code.tolist() == other.by_code.tolist()


def test_ambiguous_codons_are_added_up_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_AMBIGUOUS_HELD", 3)
    tables = list(many().values())
    expected: Counter[str] = Counter()
    for table in tables:
        for row in table.to_pylist():
            if "N" in row["codon"]:
                expected[row["codon"]] += row["count"]
    pooled = Tallies(tables, [Frame("+", 0)], genetic_code(1)).of(Frame("+", 0))[0]
    assert list(pooled.ambiguous.items()) == sorted(expected.items())


def test_the_total_is_that_of_all_rows() -> None:
    rows = pa.concat_tables(many().values())
    tallies = Tallies([rows], [Frame("+", 0), Frame("-", 0)], genetic_code(1))
    assert tallies.total(Frame("+", 0)) == pc.sum(rows["count"]).as_py()
    assert tallies.total(Frame("-", 0)) == 0


def test_the_total_of_one_group_has_its_ambiguous_codons() -> None:
    tallies = Tallies([counts_table({"AAA": 3, "NNN": 5})], [Frame("+", 0)], genetic_code(1))
    assert tallies.total(Frame("+", 0)) == 8


def test_a_report_of_some_groups_keeps_all_of_them_together() -> None:
    rows = pa.concat_tables(many().values())
    whole, some = (report_tables([rows], TableParameters(), only) for only in (None, {"g003", "g011"}))
    for name, table in some.items():
        assert list(dict.fromkeys(table["group"].to_pylist())) == ["all", "g003", "g011"]
        kept = pc.field("group").isin(["all", "g003", "g011"])
        assert table.equals(whole[name].filter(kept))


def test_no_counts_make_an_empty_group_of_all() -> None:
    (tally,) = Tallies([CODON_COUNTS.empty_table()], [Frame("+", 0)], genetic_code(2)).of(Frame("+", 0))
    assert (tally.group, [code.id for code in tally.codes], tally.counts.sum()) == ("all", [2], 0)
