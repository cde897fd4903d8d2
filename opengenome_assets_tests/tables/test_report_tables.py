import json
from collections import Counter
from math import prod

import numpy as np
import pyarrow as pa
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code
from opengenome_assets.schemas import CODON_COUNTS, CODON_EXPECTATIONS, CODON_MEASURES, SIX_FRAMES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets_tests.tables.skewed import share_of_gc, skewed_counts
from opengenome_assets_tests.tables.tables import (
    GENOMES,
    all_oracle_counts,
    counts_table,
    needs_genomes,
    oracle_counts,
    rows_by_codon,
)

OF_PLASTIDS, OF_MAMMALS = skewed_counts(1), skewed_counts(2)
PLASTIDS = counts_table(OF_PLASTIDS, group="plastids", genetic_code=11)
MAMMALS = counts_table(OF_MAMMALS | {"NNN": 7}, group="mammals", genetic_code=2)
CILIATES = counts_table(OF_PLASTIDS, group="ciliates", genetic_code=27)
FRAMES = [("+", 0), ("+", 1), ("+", 2), ("-", 0), ("-", 1), ("-", 2)]


def measured(*counts, **parameters):
    table = report_tables([pa.concat_tables(counts)], TableParameters(**parameters))["measures"]
    return {row["group"]: row for row in table.to_pylist()}


def expected(codons, **parameters):
    return rows_by_codon(report_tables([counts_table(codons)], TableParameters(**parameters))["expectations"])


def frames_of(*counts, genetic_code=1):
    tables = report_tables([pa.concat_tables(counts)], TableParameters(genetic_code=genetic_code))
    return tables["six_frames"].to_pylist()


def test_the_tables_have_the_declared_schemas():
    tables = report_tables([CODON_COUNTS.empty_table()], TableParameters())
    schemas = {"measures": CODON_MEASURES, "expectations": CODON_EXPECTATIONS, "six_frames": SIX_FRAMES}
    for name, schema in schemas.items():
        assert tables[name].schema.equals(schema, check_metadata=True)


def test_each_group_has_a_row_after_all():
    assert list(measured(PLASTIDS, MAMMALS)) == ["all", "mammals", "plastids"]


def with_synonyms(counts, code):
    """The codons of amino acids that have several."""
    table = unambiguous_dna_by_id[code].forward_table
    several = {letter for letter in table.values() if list(table.values()).count(letter) > 1}
    return {codon: count for codon, count in counts.items() if table.get(codon) in several}


def test_even_use_counts_all_sense_codons_of_the_groups_code():
    even = dict.fromkeys(CODONS, 100)
    groups = {"plastids": 11, "mammals": 2}
    rows = measured(*(counts_table(even, group=group, genetic_code=code) for group, code in groups.items()))
    assert (rows["plastids"]["genetic_codes"], rows["plastids"]["enc_wright"]) == ("11", 61)
    assert (rows["mammals"]["genetic_codes"], rows["mammals"]["enc_wright"]) == ("2", 60)


def test_codes_that_differ_have_gc_and_no_enc():
    row = measured(PLASTIDS, MAMMALS)["all"]
    assert row["genetic_codes"] == "2 11"
    assert (row["enc_wright"], row["enc_sun"]) == (None, None)
    synonymous = Counter(with_synonyms(OF_PLASTIDS, 11)) + Counter(with_synonyms(OF_MAMMALS, 2))
    assert row["gc3s"] == pytest.approx(share_of_gc(synonymous, 2), rel=1e-12)


def test_codons_that_are_sense_and_stop_are_named():
    rows = measured(PLASTIDS, CILIATES)
    assert rows["ciliates"]["dual_codons"] == rows["all"]["dual_codons"] == "TGA"
    assert rows["plastids"]["dual_codons"] is None


def test_ambiguous_codons_are_told_apart_and_measured_nowhere():
    row = measured(MAMMALS)["mammals"]
    assert (row["codons"], row["ambiguous_codons"]) == (sum(OF_MAMMALS.values()), 7)


def test_a_group_without_codons_has_nulls_and_no_zeros():
    row = measured(counts_table({"AAA": 1}, frame=1))["all"]
    assert row["codons"] == 0
    assert {row[name] for name in ("enc_wright", "enc_sun", "gc", "gc1", "gc2", "gc3", "gc3s")} == {None}


def test_each_group_has_the_gc_of_each_position():
    codons = {"plastids": skewed_counts(1), "mammals": skewed_counts(2)}
    codons["all"] = {codon: codons["plastids"][codon] + codons["mammals"][codon] for codon in CODONS}
    rows = measured(
        counts_table(codons["plastids"], group="plastids", genetic_code=11),
        counts_table(codons["mammals"], group="mammals", genetic_code=2),
    )
    for group, counts in codons.items():
        expected = {
            "gc": share_of_gc(counts, 0, 1, 2),
            "gc1": share_of_gc(counts, 0),
            "gc2": share_of_gc(counts, 1),
            "gc3": share_of_gc(counts, 2),
        }
        assert len({round(value, 2) for value in expected.values()}) == 4
        assert {name: rows[group][name] for name in expected} == pytest.approx(expected)


def test_a_group_is_measured_in_its_frame_by_its_code():
    # What is counted elsewhere must not reach the row.
    elsewhere = [
        counts_table(skewed_counts(9), strand=strand, frame=frame)
        for strand in "+-"
        for frame in range(3)
        if (strand, frame) != ("-", 1)
    ]
    counts = skewed_counts(3)
    parameters = {"strand": "-", "frame": 1, "genetic_code": 4}
    row = measured(counts_table(counts, strand="-", frame=1), *elsewhere, **parameters)["all"]
    forward = unambiguous_dna_by_id[4].forward_table
    sizes = Counter(forward.values())
    synonymous = {codon: counts[codon] for codon, letter in forward.items() if sizes[letter] > 1}
    array = np.array([[counts[codon] for codon in CODONS]])
    assert row["codons"] == sum(counts.values())
    assert row["gc3s"] == pytest.approx(share_of_gc(synonymous, 2))
    assert row["enc_wright"] == measures.enc_wright(array, genetic_code(4))[0]
    assert row["enc_sun"] == measures.enc_sun(array, genetic_code(4))[0]


def test_both_strands_are_measured_together():
    strands = [
        counts_table(skewed_counts(seed), strand=strand, frame=1) for seed, strand in ((3, "+"), (4, "-"))
    ]
    together = counts_table(Counter(skewed_counts(3)) + Counter(skewed_counts(4)), frame=1)
    elsewhere = counts_table(skewed_counts(9), frame=2)
    assert measured(*strands, elsewhere, strand="both", frame=1) == measured(together, frame=1)


def test_each_codon_is_expected_by_the_shares_of_its_bases():
    rows = expected(OF_PLASTIDS)
    total = sum(OF_PLASTIDS.values())
    shares = []
    for at in range(3):
        letters = "".join(codon[at] * count for codon, count in OF_PLASTIDS.items())
        shares.append({base: letters.count(base) / total for base in "ACGT"})
    overall = {base: sum(share[base] for share in shares) / 3 for base in "ACGT"}
    assert list(rows) == list(CODONS)
    for codon, row in rows.items():
        frequency = OF_PLASTIDS[codon] / total
        drawn = prod(overall[base] for base in codon)
        by_position = prod(share[base] for share, base in zip(shares, codon, strict=True))
        assert [row[name] for name in list(row)[2:]] == pytest.approx(
            [frequency, drawn, frequency / drawn, by_position, frequency / by_position], rel=1e-12
        )


def test_by_position_takes_out_what_positions_differ_in():
    row = expected({"AAT": 1})["AAT"]
    assert row["observed_over_expected"] == pytest.approx(27 / 4)
    assert row["observed_over_expected_by_position"] == 1


def test_a_codon_that_cannot_be_expected_has_no_ratio():
    row = expected({"AAT": 1})["CCC"]
    assert (row["frequency"], row["expected"], row["observed_over_expected"]) == (0, 0, None)


def test_a_codon_is_expected_only_where_it_is_no_stop():
    stops = {2: {"TAA", "TAG", "AGA", "AGG"}, 11: {"TAA", "TAG", "TGA"}}
    times = {2: 5, 11: 3}
    kept = {code: [codon for codon in CODONS if codon not in stops[code]] for code in stops}
    letters = "".join(codon * times[code] for code in kept for codon in kept[code])
    share = {base: letters.count(base) / len(letters) for base in "ACGT"}
    drawn = {codon: share[codon[0]] * share[codon[1]] * share[codon[2]] for codon in CODONS}
    codons = {code: times[code] * len(kept[code]) for code in kept}
    # Under code 11 TGA is a stop, so only the codons of code 2 can be TGA.
    of_kept = drawn["TGA"] / sum(drawn[codon] for codon in kept[2])
    expected = of_kept * codons[2] / sum(codons.values())

    counts = [
        counts_table(dict.fromkeys(CODONS, n), group=str(code), genetic_code=code)
        for code, n in times.items()
    ]
    rows = rows_by_codon(
        report_tables([pa.concat_tables(counts)], TableParameters(skip_stops=True))["expectations"]
    )
    assert rows["TGA"]["expected"] == pytest.approx(expected, rel=1e-12)
    assert sum(row["expected"] for row in rows.values()) == pytest.approx(1)
    assert sum(row["expected_by_position"] for row in rows.values()) == pytest.approx(1)


def test_expected_frequencies_without_stops_sum_to_one():
    rows = expected(OF_PLASTIDS, skip_stops=True)
    assert len(rows) == 61
    assert sum(row["expected"] for row in rows.values()) == pytest.approx(1)
    assert sum(row["expected_by_position"] for row in rows.values()) == pytest.approx(1)


def test_every_group_has_six_frames_in_order():
    rows = frames_of(counts_table({"AAA": 1}, group="b"), counts_table({"AAA": 1}, group="a", frame=2))
    assert [(row["group"], row["strand"], row["frame"]) for row in rows] == [
        (group, strand, frame) for group in ("all", "a", "b") for strand, frame in FRAMES
    ]


@needs_genomes
def test_frames_of_real_genomes_are_those_of_other_counters():
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


def test_dual_codons_are_counted_apart_from_stops():
    row = frames_of(counts_table({"TGA": 3, "TAA": 4}), genetic_code=28)[0]
    assert (row["stops"], row["dual"]) == (0, 7)


def test_dual_codons_of_several_codes_are_added_up():
    ciliates = counts_table({"TGA": 3, "TAA": 4}, group="ciliates", genetic_code=28)
    others = counts_table({"TGA": 10, "TAA": 100}, group="others", genetic_code=27)
    rows = {row["group"]: row["dual"] for row in frames_of(ciliates, others) if row["codons"]}
    assert rows == {"all": 17, "ciliates": 7, "others": 10}


def test_ambiguous_codons_are_counted_apart():
    row = frames_of(counts_table({"TAA": 1, "TAR": 4}))[0]
    assert (row["codons"], row["ambiguous_codons"], row["stop_frequency"]) == (1, 4, 1)


def test_a_frame_without_codons_has_null_frequencies():
    row = frames_of(counts_table({"TAA": 1}))[1]
    assert (row["codons"], row["stop_frequency"], row["expected_stop_frequency"]) == (0, None, None)
