import pyarrow as pa
import pytest

from opengenome_assets.errors import SettingError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets_tests.tables.tables import counts_table, rows_by_codon

# TGA is a stop in the plastid's code 11 and tryptophan in the vertebrate mitochondrion's code 2.
PLASTIDS = counts_table({"TGA": 1, "TGG": 3, "AAA": 4}, group="plastids", genetic_code=11)
MAMMALS = counts_table({"TGA": 6, "TGG": 2, "AAG": 8}, group="mammals", genetic_code=2)


def table_of(*counts, **parameters):
    return codon_frequencies(pa.concat_tables(counts), TableParameters(**parameters))


def test_all_comes_first_and_then_the_groups_by_name():
    groups = table_of(PLASTIDS, MAMMALS)["group"].to_pylist()
    assert list(dict.fromkeys(groups)) == ["all", "mammals", "plastids"]


def test_without_a_metadata_all_is_the_only_group():
    assert set(table_of(counts_table({"AAA": 1}))["group"].to_pylist()) == {"all"}


def test_all_counts_every_group_once():
    assert rows_by_codon(table_of(PLASTIDS, MAMMALS))["TGA"]["count"] == 7


def test_each_group_is_read_by_its_own_code():
    table = table_of(PLASTIDS, MAMMALS)
    assert rows_by_codon(table, "plastids")["TGA"]["amino_acid"] == "*"
    assert rows_by_codon(table, "mammals")["TGA"]["amino_acid"] == "W"
    assert rows_by_codon(table, "mammals")["TGA"]["fraction"] == 0.75


def test_a_group_without_a_code_is_read_by_the_chosen_one():
    plain = counts_table({"TGA": 1}, group="yeast")
    assert rows_by_codon(table_of(plain, genetic_code=3), "yeast")["TGA"]["amino_acid"] == "W"


def test_codes_that_differ_have_a_count_and_no_amino_acid():
    row = rows_by_codon(table_of(PLASTIDS, MAMMALS))["TGA"]
    assert (row["amino_acid"], row["fraction"], row["rscu"]) == (None, None, None)
    assert row["frequency"] == 7 / 24


def test_where_a_synonym_differs_the_shares_are_exact():
    # Tryptophan: 3 TGG in plastids, 6 TGA and 2 TGG in mammals. Even use: 3 / 1 + 8 / 2 = 7 TGG.
    row = rows_by_codon(table_of(PLASTIDS, MAMMALS))["TGG"]
    assert (row["amino_acid"], row["fraction"], row["rscu"]) == ("W", 5 / 11, 5 / 7)


def test_where_all_synonyms_agree_the_pooled_table_is_complete():
    row = rows_by_codon(table_of(PLASTIDS, MAMMALS))["AAA"]
    assert (row["amino_acid"], row["fraction"], row["rscu"]) == ("K", 1 / 3, 2 / 3)


def test_stops_of_both_codes_are_one_family():
    # Stops: 5 TAA and 1 TGA in plastids (3 codons), 2 AGA in mammals (4 codons). Even use: 6 / 3 + 2 / 4 TAA.
    stops = counts_table({"TAA": 5}, group="plastids", genetic_code=11)
    others = counts_table({"AGA": 2}, group="mammals", genetic_code=2)
    row = rows_by_codon(table_of(PLASTIDS, stops, MAMMALS, others))["TAA"]
    assert (row["amino_acid"], row["fraction"], row["rscu"]) == ("*", 5 / 8, 2)


def test_skip_stops_drops_from_each_code_its_own_stops():
    rows = rows_by_codon(table_of(PLASTIDS, MAMMALS, skip_stops=True))
    assert rows["TGA"]["count"] == 6
    assert sum(row["count"] for row in rows.values()) == 23
    assert rows.keys().isdisjoint({"TAA", "TAG"})
    assert "AGA" in rows


def test_skip_stops_leaves_a_codon_its_other_meaning():
    row = rows_by_codon(table_of(PLASTIDS, MAMMALS, skip_stops=True))["TGA"]
    assert (row["amino_acid"], row["fraction"], row["rscu"]) == ("W", 6 / 11, 1.5)


def test_codes_that_read_alike_pool_without_a_null():
    # Codes 1 and 11 differ in their starts only.
    standard = counts_table({"AAA": 1}, group="nuclear", genetic_code=1)
    table = table_of(PLASTIDS, standard)
    assert table["amino_acid"].null_count == 0


def test_one_group_of_records_with_two_codes_is_pooled_like_all():
    mixed = counts_table({"TGA": 1}, group="plastids", genetic_code=2)
    assert rows_by_codon(table_of(PLASTIDS, mixed), "plastids")["TGA"]["amino_acid"] is None


def test_a_group_too_short_for_the_frame_is_there_with_zeros():
    short = counts_table({"ATG": 1}, group="short", genetic_code=1)
    rows = rows_by_codon(table_of(short, counts_table({"AAA": 1}, group="long", frame=1), frame=1), "short")
    assert len(rows) == 64
    assert {row["frequency"] for row in rows.values()} == {None}


def test_rows_without_a_code_add_to_those_of_the_chosen_code():
    named = counts_table({"AAA": 1}, group="g", genetic_code=1)
    plain = counts_table({"AAA": 2}, group="g")
    assert rows_by_codon(table_of(named, plain), "g")["AAA"]["count"] == 3


def test_an_unknown_code_in_the_counts_is_refused():
    with pytest.raises(SettingError, match="7 is none of NCBI"):
        table_of(counts_table({"AAA": 1}, genetic_code=7))
