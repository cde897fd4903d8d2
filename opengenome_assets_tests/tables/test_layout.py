import pyarrow as pa
import pytest

from opengenome_assets.errors import SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.layout import Cell, cell_of, printed_lines, rows_of_group
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets_tests.tables.tables import counts_table


def table_of(*counts, **parameters):
    return codon_frequencies(pa.concat_tables(counts), TableParameters(**parameters))


def table_of_groups(number):
    """Groups g01, g02, …: with ``all`` there is one more."""
    return table_of(*(counts_table({"AAA": 1}, group=f"g{each:02}") for each in range(1, number + 1)))


def test_up_to_20_groups_are_all_named_where_one_is_not_there():
    with pytest.raises(SettingError) as refused:
        rows_of_group(table_of_groups(19), "yeast")
    names = ", ".join(["all", *(f"g{each:02}" for each in range(1, 20))])
    assert str(refused.value) == f"The table has no group 'yeast'. It has: {names}."


def test_of_more_than_20_groups_the_first_20_are_named():
    with pytest.raises(SettingError) as refused:
        rows_of_group(table_of_groups(20), "yeast")
    assert str(refused.value).endswith(", g18, g19, ….")


def test_a_table_without_rows_is_said_to_have_none():
    with pytest.raises(SettingError, match=r"no group 'all'\. It has: no rows at all\."):
        rows_of_group(CODON_FREQUENCIES.empty_table(), "all")


def test_rows_of_a_group_are_those_of_the_table_in_its_order():
    counts = [counts_table({"TTT": 2, "AAN": 1}, group=group) for group in "ab"]
    rows = rows_of_group(table_of(*counts, skip_n=False, min_count=1), "b")
    assert [(codon, row["group"], row["count"]) for codon, row in rows.items()] == [
        ("TTT", "b", 2),
        ("AAN", "b", 1),
    ]


def test_a_cell_says_letter_rate_and_count():
    rows = {
        "AAA": {"amino_acid": "K", "per_thousand": 250.0, "count": 3},
        "TGA": {"amino_acid": None, "per_thousand": 750.0, "count": 9},
        "CCC": {"amino_acid": "P", "per_thousand": None, "count": 0},
    }
    assert [cell_of(codon, rows) for codon in (*rows, "GGG")] == [
        Cell("AAA", "K", 250.0, 3),
        Cell("TGA", "?", 750.0, 9),
        Cell("CCC", "P", None, 0),
        Cell("GGG", "–", None, None),
    ]


def test_lines_run_down_first_and_third_base():
    lines = printed_lines({})
    assert [[cell.codon for cell in line] for line in lines] == [
        [first + second + third for second in "TCAG"] for first in "TCAG" for third in "TCAG"
    ]
