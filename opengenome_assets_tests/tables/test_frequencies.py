from itertools import pairwise

import pyarrow as pa
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.schemas import CODON_COUNTS, CODON_FREQUENCIES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets_tests.tables.tables import (
    all_oracle_counts,
    counts_table,
    needs_genomes,
    oracle_counts,
    rows_by_codon,
)

codon_counts = st.dictionaries(st.sampled_from([*CODONS, "NNN", "RAY", "ACN"]), st.integers(1, 10**12))


def table_of(codons, **parameters):
    return codon_frequencies(counts_table(codons), TableParameters(**parameters))


def naive_table(codons, code):
    """Frequency, fraction and RSCU of unambiguous codons, by the definition."""
    meaning = {codon: unambiguous_dna_by_id[code].forward_table.get(codon, "*") for codon in CODONS}
    total = sum(codons.get(codon, 0) for codon in CODONS)
    rows = {}
    for codon in CODONS:
        family = [other for other in CODONS if meaning[other] == meaning[codon]]
        of_family = sum(codons.get(other, 0) for other in family)
        share = codons.get(codon, 0) / of_family if of_family else None
        rscu = share * len(family) if of_family else None
        rows[codon] = (meaning[codon], codons.get(codon, 0), codons.get(codon, 0) / total, share, rscu)
    return rows


def test_the_table_has_the_declared_schema():
    assert table_of({"ATG": 3}).schema.equals(CODON_FREQUENCIES, check_metadata=True)


def test_all_64_codons_have_a_row_in_order_even_unseen():
    assert table_of({"TTT": 1})["codon"].to_pylist() == list(CODONS)


@needs_genomes
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_real_genomes_have_the_sum_of_both_strands(frame):
    strands = [oracle_counts(strand, frame) for strand in "+-"]
    table = codon_frequencies(all_oracle_counts(), TableParameters(frame=frame, strand="both"))
    found = {codon: row["count"] for codon, row in rows_by_codon(table).items()}
    assert found == {codon: sum(each[codon] for each in strands) for codon in CODONS}


@pytest.mark.parametrize("code", sorted(unambiguous_dna_by_id))
@needs_genomes
def test_real_genomes_give_the_naive_table_under_every_code(code):
    rows = rows_by_codon(table_of(oracle_counts(), genetic_code=code))
    for codon, (letter, count, frequency, fraction, rscu) in naive_table(oracle_counts(), code).items():
        row = rows[codon]
        assert (row["amino_acid"], row["count"]) == (letter, count)
        assert row["frequency"] == pytest.approx(frequency, rel=1e-12)
        assert row["per_thousand"] == pytest.approx(1000 * frequency, rel=1e-12)
        assert row["fraction"] == pytest.approx(fraction, rel=1e-12)
        assert row["rscu"] == pytest.approx(rscu, rel=1e-12)


@given(codon_counts.filter(lambda codons: not codons.keys().isdisjoint(CODONS)))
def test_frequencies_and_fractions_sum_to_one(codons):
    rows = table_of(codons).to_pylist()
    assert sum(row["frequency"] for row in rows) == pytest.approx(1, abs=1e-9)
    for letter in {row["amino_acid"] for row in rows}:
        fractions = [row["fraction"] for row in rows if row["amino_acid"] == letter]
        assert all(x is None for x in fractions) or sum(fractions) == pytest.approx(1, abs=1e-9)


@given(codon_counts, st.lists(st.integers(0, 64), max_size=4), st.randoms(use_true_random=False))
def test_batches_in_any_split_and_order_give_the_same_table(codons, cuts, random):
    whole = counts_table(codons)
    doubled = counts_table({codon: 2 * count for codon, count in codons.items()})
    edges = [0, *sorted(min(cut, whole.num_rows) for cut in cuts), whole.num_rows]
    parts = [whole.slice(a, b - a) for a, b in pairwise(edges)] + [whole]
    random.shuffle(parts)
    assert codon_frequencies(pa.concat_tables(parts), TableParameters()).equals(
        codon_frequencies(doubled, TableParameters())
    )


def test_an_absent_amino_acid_has_neither_fraction_nor_rscu():
    row = rows_by_codon(table_of({"ATG": 3}))["TTT"]
    assert (row["count"], row["frequency"], row["fraction"], row["rscu"]) == (0, 0.0, None, None)


def test_rscu_takes_the_family_size_of_the_code():
    assert rows_by_codon(table_of({"CTG": 5}))["CTG"]["rscu"] == 6


def test_no_codons_at_all_give_64_zeros_without_frequencies():
    table = codon_frequencies(CODON_COUNTS.empty_table(), TableParameters())
    assert (table.num_rows, set(table["group"].to_pylist())) == (64, {"all"})
    assert table["frequency"].null_count == table["per_thousand"].null_count == 64


def test_only_the_chosen_strand_and_frame_are_counted():
    counts = pa.concat_tables(
        [
            counts_table({"AAA": 1}),
            counts_table({"AAA": 10}, frame=1),
            counts_table({"AAA": 100}, strand="-"),
            counts_table({"AAA": 1000}, strand="-", frame=1),
        ]
    )
    table = codon_frequencies(counts, TableParameters(strand="-", frame=1))
    assert rows_by_codon(table)["AAA"]["count"] == 1000


def test_ambiguous_codons_are_left_out_of_the_total_by_default():
    table = table_of({"AAA": 1, "NNN": 99})
    assert (table.num_rows, rows_by_codon(table)["AAA"]["frequency"]) == (64, 1)


def test_kept_ambiguous_codons_come_last_and_count_in_the_total():
    table = table_of({"NNN": 2, "TTT": 1, "AAR": 1}, skip_n=False)
    assert table["codon"].to_pylist()[64:] == ["AAR", "NNN"]
    row = rows_by_codon(table)["NNN"]
    assert (row["amino_acid"], row["count"], row["frequency"]) == ("X", 2, 0.5)
    assert (row["fraction"], row["rscu"]) == (None, None)
    assert rows_by_codon(table)["TTT"]["frequency"] == 0.25


def test_stops_are_dropped_before_the_total():
    table = table_of({"TAA": 9, "TGA": 3, "AAA": 1}, skip_stops=True)
    rows = rows_by_codon(table)
    assert table.num_rows == 61
    assert rows["AAA"]["frequency"] == 1
    assert rows.keys().isdisjoint({"TAA", "TAG", "TGA"})


def test_the_stops_dropped_are_those_of_the_chosen_code():
    rows = rows_by_codon(table_of({"AGA": 9, "TGA": 3}, skip_stops=True, genetic_code=2))
    assert "AGA" not in rows
    assert rows["TGA"]["frequency"] == 1


def test_dual_codons_are_no_stops_to_skip_stops():
    rows = rows_by_codon(table_of({"TGA": 3}, skip_stops=True, genetic_code=28))
    assert (rows["TGA"]["amino_acid"], rows["TGA"]["frequency"]) == ("W", 1)


def test_min_count_hides_rows_and_changes_no_number():
    codons = {"AAA": 10, "AAG": 1}
    hidden, shown = rows_by_codon(table_of(codons, min_count=2)), rows_by_codon(table_of(codons))
    assert hidden == {"AAA": shown["AAA"]}


def test_min_count_hides_rare_ambiguous_codons_too():
    codons = {"AAA": 10, "NNN": 2, "RAY": 1}
    assert list(rows_by_codon(table_of(codons, min_count=2, skip_n=False))) == ["AAA", "NNN"]
