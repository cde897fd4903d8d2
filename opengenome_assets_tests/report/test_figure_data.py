import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.report.figure_data import (
    AminoAcid,
    CodonBar,
    FrameBar,
    PositionGC,
    SpreadBar,
    amino_acid_bars,
    codon_bars,
    codon_ends,
    frame_bars,
    gc_bars,
    pooled_codes,
    read_differently,
    rscu_stacks,
    spread_bars,
    stop_stacks,
    without_value,
)
from opengenome_assets.schemas import SEQUENCE_SPREAD
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets.tables.text import rows_of_group
from opengenome_assets_tests.tables.pooled import (
    letter_of,
    naive_amino_acids,
    naive_even_use,
    naive_readings,
    pooled_counts,
    records,
)
from opengenome_assets_tests.tables.tables import counts_table

LETTERS = sum(len(letters) // 3 for letters in records().values())


def readings_of(*counts, group="all", **parameters):
    table = report_tables([pa.concat_tables(counts)], TableParameters(**parameters))["readings"]
    return [row for row in table.to_pylist() if row["group"] == group]


def rows_of(codons):
    return rows_of_group(codon_frequencies(counts_table(codons), TableParameters()), "all")


def test_bars_of_codons_are_by_amino_acid_and_keep_their_values():
    bars = codon_bars(rows_of({"TTT": 1, "AAG": 3, "AAA": 4}), {"AAA": 0.25, "TTT": 0.0625})
    assert [bar for bar in bars if bar.per_thousand] == [
        CodonBar("TTT", "F", 125, 62.5),
        CodonBar("AAA", "K", 500, 250),
        CodonBar("AAG", "K", 375, None),
    ]
    assert [(bar.letter, bar.codon) for bar in bars] == sorted(
        (letter_of(codon, 1), codon) for codon in CODONS
    )


def test_the_ends_are_ranked_by_count():
    ends = codon_ends(rows_of({codon: 10 + place for place, codon in enumerate(CODONS)}))
    assert [bar.codon for bar in ends["most used"]] == list(CODONS[:-11:-1])
    assert [bar.codon for bar in ends["least used"]] == list(CODONS[:10])
    assert ends["least used"][0].per_thousand == pytest.approx(1000 * 10 / sum(range(10, 74)))


def test_a_codon_that_the_table_leaves_out_has_no_bar():
    table = codon_frequencies(counts_table({"AAA": 3, "TTT": 1}), TableParameters(min_count=1))
    rows = rows_of_group(table, "all")
    assert [bar.codon for bar in codon_bars(rows, {})] == ["TTT", "AAA"]
    assert [bar.codon for bar in codon_ends(rows)["least used"]] == ["TTT", "AAA"]


def test_codons_without_a_frequency_have_no_bars():
    # The frame is empty: 64 rows with a count of 0, and no frequency.
    rows = rows_of_group(codon_frequencies(counts_table({"AAA": 1}, frame=1), TableParameters()), "all")
    assert len(rows) == 64
    assert codon_bars(rows, {}) == []
    assert codon_ends(rows) == {"most used": [], "least used": []}


def test_codons_and_amino_acids_used_alike_are_by_name():
    even = dict.fromkeys(("TTT", "GGG", "CCC", "AAA"), 5)
    assert [bar.letter for bar in amino_acid_bars(readings_of(counts_table(even)))[:4]] == list("FGKP")
    assert [bar.codon for bar in codon_ends(rows_of(even))["most used"][:4]] == sorted(even)


def test_a_position_without_gc_has_no_bar():
    whole = {"gc": 0.5, "gc1": 0.125, "gc2": 0.25, "gc3": 0.75, "gc3s": None}
    group = {"gc": 0.0625, "gc1": None, "gc2": 0.375, "gc3": 1.0, "gc3s": 0.5}
    assert gc_bars([whole, group]) == [
        PositionGC("all", 50, [6.25]),
        PositionGC("first", 12.5, []),
        PositionGC("second", 25, [37.5]),
        PositionGC("third", 75, [100]),
    ]


def test_a_frame_without_codons_has_no_bar():
    keys = ("strand", "frame", "stop_frequency", "expected_stop_frequency")
    values = [("+", 0, 0.5, 0.25), ("+", 1, None, None), ("-", 2, 0.125, 0.0625)]
    assert frame_bars([dict(zip(keys, each, strict=True)) for each in values]) == [
        FrameBar("+0", 500, 250),
        FrameBar("−2", 125, 62.5),
    ]


@pytest.fixture(scope="module")
def pooled():
    return readings_of(pooled_counts())


def test_amino_acids_add_up_each_records_own_reading(pooled):
    bars = amino_acid_bars(pooled)
    assert {bar.letter: bar.codons for bar in bars} == naive_amino_acids()
    for bar in bars:
        assert bar.per_thousand == 1000 * naive_amino_acids()[bar.letter] / LETTERS
    assert sum(bar.codons for bar in bars) == LETTERS


def test_a_small_group_of_another_code_moves_no_other_amino_acid():
    # Yeast reads CTN as threonine: 5 of 605 CTG. Leucine keeps the 600 others.
    most = counts_table({"CTG": 600, "ACG": 300, "AAA": 100}, group="nuclear", genetic_code=1)
    yeast = counts_table({"CTG": 5}, group="yeast", genetic_code=3)
    bars = [bar for bar in amino_acid_bars(readings_of(most, yeast)) if bar.codons]
    assert bars == [
        AminoAcid("L", "Leu", 600, 1000 * 600 / 1005),
        AminoAcid("T", "Thr", 305, 1000 * 305 / 1005),
        AminoAcid("K", "Lys", 100, 1000 * 100 / 1005),
    ]


def test_stops_and_ambiguous_codons_have_bars_and_names():
    bars = amino_acid_bars(readings_of(counts_table({"TAA": 3, "NNN": 2, "AAA": 1}), skip_n=False))
    assert [(bar.letter, bar.name, bar.codons) for bar in bars[:3]] == [
        ("*", "stop", 3),
        ("X", "ambiguous", 2),
        ("K", "Lys", 1),
    ]


def test_no_codons_have_no_bars():
    readings = readings_of(counts_table({"AAA": 1}, frame=1))
    assert (amino_acid_bars(readings), rscu_stacks(readings), stop_stacks(readings)) == ([], {}, {})


def test_rscu_has_a_piece_for_each_reading(pooled):
    stacks = rscu_stacks(pooled)
    found = {(letter, codon): value for letter in stacks for codon, value in stacks[letter].items()}
    assert found.keys() >= naive_readings().keys()
    for (letter, codon), value in found.items():
        even = naive_even_use(letter, codon)
        assert value == pytest.approx(float(naive_readings()[letter, codon] / even), rel=1e-12)


def test_rscu_is_in_the_order_of_third_bases():
    readings = readings_of(counts_table({"AAA": 1, "AAG": 3, "GGT": 4, "GGC": 3, "GGA": 2, "GGG": 1}))
    stacks = rscu_stacks(readings)
    assert [(letter, list(codons.items())) for letter, codons in stacks.items()] == [
        ("K", [("AAA", 0.5), ("AAG", 1.5)]),
        ("G", [("GGT", 1.6), ("GGC", 1.2), ("GGA", 0.8), ("GGG", 0.4)]),
    ]


def test_stops_are_split_by_what_each_code_reads():
    plastids = counts_table({"TGA": 1, "TAA": 2, "AGA": 3, "AAA": 4}, group="plastids", genetic_code=11)
    mammals = counts_table({"TGA": 5, "AGA": 6, "TAG": 7, "AAG": 12}, group="mammals", genetic_code=2)
    stacks = stop_stacks(readings_of(plastids, mammals))
    assert [(codon, list(rates.items())) for codon, rates in stacks.items()] == [
        ("AGA", [("stop", 150), ("Arg", 75)]),
        ("AGG", [("stop", 0), ("Arg", 0)]),
        ("TAA", [("stop", 50)]),
        ("TAG", [("stop", 175)]),
        ("TGA", [("stop", 25), ("Trp", 125)]),
    ]


def test_stops_of_a_group_with_two_codes_are_all_there():
    mixed = [counts_table({"AGA": n, "TGA": 1}, group="g", genetic_code=n) for n in (1, 2)]
    assert stop_stacks(readings_of(*mixed)).keys() == {"AGA", "AGG", "TAA", "TAG", "TGA"}


def test_sequences_without_a_value_are_no_bar():
    rows = [
        ("gc3", 0.25, 0.5, 3),
        ("gc3", 0.5, 0.75, 5),
        ("gc3", None, None, 7),
        ("enc_wright", 20.0, 22.0, 11),
    ]
    spread = [dict(zip(SEQUENCE_SPREAD.names, row, strict=True)) for row in rows]
    assert without_value(spread) == {"gc3": 7}
    bars = spread_bars(spread)
    assert bars["gc3"] == [SpreadBar(0.25, 0.5, 3), SpreadBar(0.5, 0.75, 5)]
    assert bars["enc_wright"] == [SpreadBar(20.0, 22.0, 11)]


def test_no_codon_is_dropped_between_readings_and_figures(pooled):
    codes = (1, 2, 3, 11)
    differing = {codon for codon in CODONS if len({letter_of(codon, code) for code in codes}) > 1}
    assert {row["codon"] for row in read_differently(pooled)} == differing
    assert {codon for codons in rscu_stacks(pooled).values() for codon in codons} == set(CODONS)


def test_the_caption_names_the_pooled_codes(pooled):
    assert pooled_codes(pooled) == (
        "Pooled over the genetic codes 1 (Standard), 2 (Vertebrate Mitochondrial), 3 (Yeast Mitochondrial) and "
        "11 (Bacterial / Archaeal / Plant Plastid): each record is read by its own code."
    )
    assert pooled_codes([]) == "There are no codons."
    assert pooled_codes(readings_of(counts_table({"AAA": 1}))) == "Read by genetic code 1 (Standard)."
