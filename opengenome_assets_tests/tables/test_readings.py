from collections import Counter

import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.schemas import CODON_COUNTS, CODON_READINGS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets_tests.tables.pooled import (
    CODE_OF_GROUP,
    codons_for,
    codons_of,
    letter_of,
    naive_amino_acids,
    naive_even_use,
    naive_readings,
    pooled_counts,
    records,
)
from opengenome_assets_tests.tables.tables import (
    counts_table,
    genome_records,
    naive_counts,
    needs_genomes,
    rows_by_codon,
)


def readings_of(counts, group="all", **parameters):
    """(Amino acid, codon) → row."""
    table = report_tables([counts], TableParameters(**parameters))["readings"]
    return {(row["amino_acid"], row["codon"]): row for row in table.to_pylist() if row["group"] == group}


@pytest.fixture(scope="module")
def pooled():
    return readings_of(pooled_counts())


def test_the_readings_have_the_declared_schema():
    table = report_tables([CODON_COUNTS.empty_table()], TableParameters())["readings"]
    assert table.schema.equals(CODON_READINGS, check_metadata=True)


def test_amino_acids_come_first_and_stops_last(pooled):
    letters = list(dict.fromkeys(letter for letter, _ in pooled))
    assert letters == [*"ACDEFGHIKLMNPQRSTVWY", "*"]


def test_each_record_is_read_by_its_own_code(pooled):
    naive = naive_readings()
    assert {pair: row["count"] for pair, row in pooled.items() if row["count"]} == dict(naive)
    assert naive["W", "TGA"]
    assert naive["*", "TGA"]
    assert naive["T", "CTA"]


def test_amino_acids_of_all_are_those_of_the_groups_added_up(pooled):
    counts = pooled_counts()
    of_groups = Counter()
    for group in CODE_OF_GROUP:
        for row in rows_by_codon(codon_frequencies(counts, TableParameters()), group).values():
            of_groups[row["amino_acid"]] += row["count"]
    of_all = Counter()
    for (letter, _), row in pooled.items():
        of_all[letter] += row["count"]
    assert of_all == of_groups == naive_amino_acids()


def test_fractions_are_shares_of_the_amino_acids_codons(pooled):
    totals = naive_amino_acids()
    for (letter, codon), row in pooled.items():
        assert row["fraction"] == naive_readings()[letter, codon] / totals[letter]


def test_rscu_is_the_count_over_that_of_even_use_in_each_code(pooled):
    for (letter, codon), row in pooled.items():
        expected = naive_readings()[letter, codon] / naive_even_use(letter, codon)
        assert row["rscu"] == pytest.approx(float(expected), rel=1e-12)


def test_readings_name_the_codes_that_read_so(pooled):
    assert pooled["W", "TGA"]["genetic_codes"] == "2 3"
    assert pooled["*", "TGA"]["genetic_codes"] == "1 11"
    assert pooled["*", "TAA"]["genetic_codes"] == "1 2 3 11"


def test_the_table_has_the_sole_reading_of_each_codon(pooled):
    rows = rows_by_codon(codon_frequencies(pooled_counts(), TableParameters()))
    for codon, row in rows.items():
        meanings = {letter_of(codon, code) for code in CODE_OF_GROUP.values()}
        assert row["count"] == sum(naive_readings()[letter, codon] for letter in meanings)
        if len(meanings) > 1:
            assert (row["amino_acid"], row["fraction"], row["rscu"]) == (None, None, None)
        else:
            reading = pooled[row["amino_acid"], codon]
            assert (row["fraction"], row["rscu"]) == (reading["fraction"], reading["rscu"])


def test_one_code_gives_fraction_times_family_size():
    counts = pooled_counts()
    for row in rows_by_codon(codon_frequencies(counts, TableParameters()), "yeast").values():
        if row["fraction"] is not None:
            size = codons_for(row["amino_acid"], CODE_OF_GROUP["yeast"])
            assert row["rscu"] == pytest.approx(row["fraction"] * size, rel=1e-12)


def test_skip_stops_leaves_the_other_readings_of_a_codon():
    counts = pooled_counts()
    rows = rows_by_codon(codon_frequencies(counts, TableParameters(skip_stops=True)))
    assert "*" not in {letter for letter, _ in readings_of(counts, skip_stops=True)}
    assert rows["TGA"]["amino_acid"] == "W"
    assert rows["TGA"]["count"] == naive_readings()["W", "TGA"]
    assert rows["TGA"]["fraction"] == naive_readings()["W", "TGA"] / naive_amino_acids()["W"]
    assert rows["ATA"]["amino_acid"] is None


def test_ambiguous_codons_are_readings_of_x():
    counts = pooled_counts(extra={"NNN": 2, "ACR": 1})
    rows = readings_of(counts, skip_n=False)
    assert [pair for pair in rows if pair[0] == "X"] == [("X", "ACR"), ("X", "NNN")]
    assert rows["X", "NNN"]["count"] == 2 * len(CODE_OF_GROUP)
    assert sum(row["per_thousand"] for row in rows.values()) == pytest.approx(1000)


def test_min_count_hides_no_reading():
    counts = pooled_counts()
    assert readings_of(counts, min_count=10**6) == readings_of(counts)


def test_a_family_that_is_absent_has_neither_fraction_nor_rscu():
    row = readings_of(counts_table({"AAA": 1}))["W", "TGG"]
    assert (row["count"], row["fraction"], row["rscu"]) == (0, None, None)


def test_gc3s_takes_synonyms_from_each_records_code():
    synonymous = Counter()
    for group, letters in records().items():
        code = CODE_OF_GROUP[group]
        for codon, count in codons_of(letters).items():
            letter = letter_of(codon, code)
            if letter != "*" and codons_for(letter, code) > 1:
                synonymous[codon[2]] += count
    row = report_tables([pooled_counts()], TableParameters())["measures"].to_pylist()[0]
    assert row["gc3s"] == (synonymous["G"] + synonymous["C"]) / synonymous.total()
    assert (row["enc_wright"], row["enc_sun"]) == (None, None)


@needs_genomes
def test_real_genomes_of_three_codes_are_read_apart():
    files = {"plant_mito.fasta": 1, "human_chrM_softmasked.fa": 2, "yeast_chrM.fa": 3}
    plain = {
        file: Counter({c: n for c, n in naive_counts(genome_records(file)).items() if c in CODONS})
        for file in files
    }
    counts = pa.concat_tables(
        counts_table(plain[file], group=file, genetic_code=files[file]) for file in files
    )
    expected = Counter()
    for file, code in files.items():
        for codon, count in plain[file].items():
            expected[letter_of(codon, code), codon] += count
    assert {pair: row["count"] for pair, row in readings_of(counts).items() if row["count"]} == expected
