import csv
from itertools import product

import pyarrow as pa
import pytest
from Bio.Data.CodonTable import standard_dna_table

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.text import (
    Cell,
    cell_of,
    codon_table_markdown,
    printed_lines,
    rows_of_group,
    table_csv,
    table_tsv,
    unescaped,
)
from opengenome_assets_tests.tables.tables import counts_table, needs_genomes, oracle_counts

AWKWARD = "a\tb\nc\\<script>|*"


def table_of(codons, group="all", **parameters):
    return pooled_table(counts_table(codons, group=group), **parameters)


def pooled_table(*counts, **parameters):
    return codon_frequencies(pa.concat_tables(counts), TableParameters(**parameters))


def test_null_is_an_empty_field():
    lines = table_tsv(table_of({"ATG": 3})).splitlines()
    assert lines[0] == "group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu"
    assert "all\tTTT\tF\t0\t0.0\t0.0\t\t" in lines


def test_yes_and_no_are_lower_case():
    table = pa.table({"name": ["a", "b", "c"], "kept": [True, False, None], "share": [0.1, 1e-300, 1.0]})
    assert table_tsv(table) == "name\tkept\tshare\na\ttrue\t0.1\nb\tfalse\t1e-300\nc\t\t1.0\n"


def test_comma_separated_values_are_quoted_where_needed():
    table = pa.table({"name": ["a,b", 'c"d', None], "share": [0.1, 1e-300, None]})
    lines = '"a,b",0.1\n"c""d",1e-300\n,\n'
    assert table_csv(table) == "name,share\n" + lines
    assert table_csv(table, with_header=False) == lines


def test_text_reads_back_and_a_stray_backslash_stays():
    text = "a\tb\nc\rd\\e\\\\nf"
    written = table_tsv(pa.table({"name": [text]})).splitlines()[1]
    assert unescaped(written) == text
    assert unescaped("\\x and \\") == "\\x and \\"


@needs_genomes
def test_every_number_reads_back_exactly():
    table = table_of(oracle_counts())
    rows = list(csv.DictReader(table_tsv(table).splitlines(), delimiter="\t"))
    assert [float(row["rscu"]) for row in rows] == table["rscu"].to_pylist()


def test_tabs_and_line_breaks_in_names_add_no_field_or_row():
    table = table_of({"ATG": 1}, group=AWKWARD)
    lines = table_tsv(table).splitlines()
    assert len(lines) == 1 + table.num_rows
    assert {line.count("\t") for line in lines} == {7}
    assert "a\\tb\\nc\\\\<script>|*" in lines[-1]


def test_the_markdown_table_has_letter_rate_and_count_per_codon():
    counts = {codon: 990 + 7 * (29 * place % 64) for place, codon in enumerate(CODONS)}
    total = sum(counts.values())
    lines = [line for line in codon_table_markdown(table_of(counts)).splitlines() if line.startswith("|")]
    expected = []
    for first, third in product("TCAG", "TCAG"):
        codons = [first + second + third for second in "TCAG"]
        letters = [standard_dna_table.forward_table.get(codon, r"\*") for codon in codons]
        cells = [
            f"`{codon}` **{letter}** {1000 * counts[codon] / total:.2f} ({counts[codon]:,})"
            for codon, letter in zip(codons, letters, strict=True)
        ]
        expected.append(f"| {first} | {' | '.join(cells)} | {third} |")
    assert lines[0] == "| | T | C | A | G | |"
    assert lines[2:] == expected


def test_a_cell_shows_codon_amino_acid_rate_and_count():
    assert "`TTT` **F** 250.00 (1,000)" in codon_table_markdown(table_of({"TTT": 1000, "AAA": 3000}))


def test_a_stop_is_an_escaped_star():
    assert r"`TAA` **\*** 1000.00 (1)" in codon_table_markdown(table_of({"TAA": 1}))


def test_codons_that_the_table_leaves_out_are_dashes():
    assert "`TAA` – |" in codon_table_markdown(table_of({"AAA": 1}, skip_stops=True))


def test_a_table_without_any_codon_is_laid_out_with_dashes():
    assert "`TTT` **F** – (0)" in codon_table_markdown(table_of({}))


def test_codons_that_the_codes_read_differently_are_explained():
    text = codon_table_markdown(pooled_table(*(counts_table({"AAA": 1}, genetic_code=n) for n in (1, 4))))
    assert "`TGA` **?** 0.00 (0)" in text
    assert text.endswith("\n\n?: the genetic codes of these records read the codon differently (TGA)\n")


def test_ambiguous_codons_stand_in_a_line_below():
    text = codon_table_markdown(table_of({"AAA": 1, "NNN": 2, "RAY": 3}, skip_n=False))
    assert text.endswith("\n\nCodons with ambiguous letters: 5 of 2 kinds\n")


def test_a_groups_name_is_shown_as_it_is_and_makes_no_markup():
    heading = codon_table_markdown(table_of({"ATG": 1}, group=AWKWARD), group=AWKWARD).splitlines()[0]
    assert "<script>" not in heading
    assert heading == "**a\tb c\\\\&lt;script&gt;\\|\\*** · 1 codon"


def table_of_groups(number):
    """Groups g01, g02, …: with ``all`` there is one more."""
    return pooled_table(*(counts_table({"AAA": 1}, group=f"g{each:02}") for each in range(1, number + 1)))


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
    rows = rows_of_group(pooled_table(*counts, skip_n=False, min_count=1), "b")
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
