import json

import pyarrow as pa
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code
from opengenome_assets.schemas import SIX_FRAMES
from opengenome_assets.tables.frames import six_frames
from opengenome_assets_tests.tables.skewed import skewed_counts
from opengenome_assets_tests.tables.tables import (
    GENOMES,
    all_oracle_counts,
    counts_table,
    needs_genomes,
    oracle_counts,
)

STANDARD = genetic_code(1)
FRAMES = [("+", 0), ("+", 1), ("+", 2), ("-", 0), ("-", 1), ("-", 2)]


def frames_of(*counts, code=STANDARD):
    return six_frames(pa.concat_tables(counts), code).to_pylist()


def test_the_table_has_the_declared_schema():
    assert six_frames(counts_table({"AAA": 1}), STANDARD).schema.equals(SIX_FRAMES, check_metadata=True)


def test_every_group_has_its_six_frames_in_order_even_where_one_is_empty():
    rows = frames_of(counts_table({"AAA": 1}, group="b"), counts_table({"AAA": 1}, group="a", frame=2))
    assert [(row["group"], row["strand"], row["frame"]) for row in rows] == [
        (group, strand, frame) for group in ("all", "a", "b") for strand, frame in FRAMES
    ]


@needs_genomes
def test_the_real_genomes_have_the_codons_and_stops_that_independent_counters_found():
    summary = json.loads((GENOMES / "oracle_summary.json").read_text())
    for row in frames_of(all_oracle_counts()):
        key = f"frame{row['frame']}" if row["strand"] == "+" else f"rc_frame{row['frame']}"
        oracle = oracle_counts(row["strand"], row["frame"])
        assert row["codons"] == summary[key]["counted_codons"]
        assert row["stops"] == oracle["TAA"] + oracle["TAG"] + oracle["TGA"]
        assert row["stop_frequency"] == row["stops"] / row["codons"]


def test_even_bases_expect_three_stops_in_64():
    row = frames_of(counts_table(dict.fromkeys(CODONS, 5)))[0]
    assert row["expected_stop_frequency"] == pytest.approx(3 / 64)


def test_stops_expected_in_a_pool_are_those_of_each_code():
    codons = {11: skewed_counts(1), 2: skewed_counts(2)}
    rows = {
        row["group"]: row
        for row in frames_of(*(counts_table(n, group=str(k), genetic_code=k) for k, n in codons.items()))
        if row["codons"]
    }
    expected = {}
    for code, counts in codons.items():
        letters = "".join(codon * count for codon, count in counts.items())
        share = {base: letters.count(base) / len(letters) for base in "ACGT"}
        stops = unambiguous_dna_by_id[code].stop_codons
        expected[code] = sum(share[stop[0]] * share[stop[1]] * share[stop[2]] for stop in stops)
        assert rows[str(code)]["expected_stop_frequency"] == pytest.approx(expected[code], rel=1e-12)
    total = {code: sum(counts.values()) for code, counts in codons.items()}
    pooled = sum(expected[code] * total[code] for code in codons) / sum(total.values())
    assert rows["all"]["expected_stop_frequency"] == pytest.approx(pooled, rel=1e-12)


def test_a_code_without_codons_in_a_frame_expects_nothing_there():
    # The records of code 2 are too short for frame 1.
    short = counts_table({"AGA": 3}, group="short", genetic_code=2)
    even = counts_table(dict.fromkeys(CODONS, 5), group="even", genetic_code=11, frame=1)
    row = next(row for row in frames_of(short, even) if (row["group"], row["frame"]) == ("all", 1))
    assert (row["codons"], row["stops"]) == (320, 15)
    assert row["expected_stop_frequency"] == pytest.approx(3 / 64)


def test_stops_are_those_of_each_records_own_code():
    plastids = counts_table({"TGA": 1, "AGA": 1}, group="plastids", genetic_code=11)
    mammals = counts_table({"TGA": 10, "AGA": 100}, group="mammals", genetic_code=2)
    rows = {row["group"]: row["stops"] for row in frames_of(plastids, mammals) if row["codons"]}
    assert rows == {"all": 101, "mammals": 100, "plastids": 1}


def test_codons_that_are_sense_and_stop_are_counted_apart_from_stops():
    row = frames_of(counts_table({"TGA": 3, "TAA": 4}), code=genetic_code(28))[0]
    assert (row["stops"], row["dual"]) == (0, 7)


def test_ambiguous_codons_are_counted_apart():
    row = frames_of(counts_table({"TAA": 1, "TAR": 4}))[0]
    assert (row["codons"], row["ambiguous_codons"], row["stop_frequency"]) == (1, 4, 1)


def test_a_frame_without_codons_has_null_frequencies():
    row = frames_of(counts_table({"TAA": 1}))[1]
    assert (row["codons"], row["stop_frequency"], row["expected_stop_frequency"]) == (0, None, None)
