"""The comparison agrees with slow implementations in the tests and with scipy, and has its general properties."""

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.compare import ComparedTable, allowed_difference, compare

ONE = {"AAA": 10, "ACG": 30, "TTT": 60}
OTHER = {"AAA": 20, "ACG": 30, "GGG": 50}

counts = st.dictionaries(st.sampled_from(CODONS), st.integers(0, 10**12), min_size=1)


def table(found, records=None, name="one", **parameters):
    return ComparedTable(name, found, records, TableParameters(**parameters) if parameters else None)


def compared(one, other, **options):
    return compare(table(one, **options), table(other, **options))


def frequencies(one, other):
    codons = sorted({*one, *other})
    return [[found.get(codon, 0) / sum(found.values()) for codon in codons] for found in (one, other)]


def naive_correlation(p, q):
    n = len(p)
    mean_p, mean_q = sum(p) / n, sum(q) / n
    covariance = sum((a - mean_p) * (b - mean_q) for a, b in zip(p, q, strict=True))
    return covariance / math.sqrt(sum((a - mean_p) ** 2 for a in p) * sum((b - mean_q) ** 2 for b in q))


def naive_divergence(p, q):
    def entropy(values):
        return -sum(value * math.log2(value) for value in values if value)

    mean = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return entropy(mean) - (entropy(p) + entropy(q)) / 2


def test_the_ratio_is_of_the_first_total_to_the_second():
    assert compared(ONE, {codon: 20 * count for codon, count in ONE.items()}).ratio == 0.05


def test_the_largest_difference_has_its_codon():
    found = compared(ONE, OTHER)
    assert (found.codon, found.largest_difference) == ("TTT", 0.6)


def test_the_correlation_is_that_of_the_definition():
    assert compared(ONE, OTHER).correlation == pytest.approx(naive_correlation(*frequencies(ONE, OTHER)))


def test_the_divergence_is_that_of_the_definition():
    assert compared(ONE, OTHER).divergence == pytest.approx(naive_divergence(*frequencies(ONE, OTHER)))


@given(counts, counts)
def test_correlation_and_divergence_are_those_of_scipy(one, other):
    from scipy import stats
    from scipy.spatial import distance

    assume(sum(one.values()) and sum(other.values()))
    p, q = frequencies(one, other)
    found = compared(one, other)
    # Its square root is taken of what may be a rounding error.
    assert found.divergence == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2, abs=1e-12)
    if min(max(p) - min(p), max(q) - min(q)) > 1e-6:
        assert found.correlation == pytest.approx(stats.pearsonr(p, q).statistic, abs=1e-9)


@given(counts, counts)
def test_a_comparison_the_other_way_round_says_the_same(one, other):
    assume(sum(one.values()) and sum(other.values()))
    there = compare(table(one, 30.0), table(other, 7.0))
    back = compare(table(other, 7.0), table(one, 30.0))
    assert back.ratio == pytest.approx(1 / there.ratio, rel=1e-12)
    assert (back.codon, back.largest_difference) == (there.codon, there.largest_difference)
    assert (back.correlation, back.divergence) == (there.correlation, there.divergence)
    assert (back.bound, back.agrees) == (there.bound, there.agrees)


@given(counts)
def test_a_table_is_no_distance_from_itself(found):
    assume(sum(found.values()))
    same = compared(found, found, records=3.0)
    assert (same.largest_difference, same.divergence, same.agrees) == (0, 0, True)


@given(counts, st.integers(2, 1000))
def test_equal_shares_of_more_codons_are_no_distance_away(found, factor):
    assume(sum(found.values()))
    larger = {codon: factor * count for codon, count in found.items()}
    assert compared(found, larger).largest_difference == pytest.approx(0, abs=1e-12)


@given(counts, counts)
def test_the_divergence_lies_between_0_and_1(one, other):
    assume(sum(one.values()) and sum(other.values()))
    assert 0 <= compared(one, other).divergence <= 1


def test_tables_without_a_common_codon_are_one_bit_apart():
    assert compared({"AAA": 3}, {"TTT": 1000}).divergence == 1


def test_equally_frequent_codons_have_no_correlation():
    assert compared(ONE, {"AAA": 5, "ACG": 5, "TTT": 5}).correlation is None


def test_the_bound_is_that_of_its_definition():
    # The two-sided normal quantile of 0.001 / 64, from a table of the normal distribution.
    assert allowed_difference(0.02, (100.0, 50.0), 64) == pytest.approx(
        4.3165 * math.sqrt(0.02 * 0.98 * (1 / 100 + 1 / 50)), rel=1e-3
    )


def test_more_records_make_the_bound_narrower():
    few, many = (allowed_difference(0.02, (records, 1e6), 64) for records in (10.0, 1000.0))
    assert few / many == pytest.approx(10, rel=1e-3)


def test_tables_beyond_the_bound_do_not_agree():
    assert compared(ONE, OTHER, records=1000.0).agrees is False


def test_tables_within_the_bound_agree():
    assert compared(ONE, {"AAA": 11, "ACG": 29, "TTT": 60}, records=1000.0).agrees is True


def test_the_bounds_codon_need_not_differ_most_in_its_frequency():
    found = compared({"AAA": 500, "CCC": 500, "GGG": 10}, {"AAA": 500, "CCC": 520}, records=1e4)
    assert (found.codon, found.bound.codon) == ("CCC", "GGG")


def test_a_bound_beyond_the_codons_frequency_is_wide():
    assert [compared(ONE, ONE, records=records).bound.is_wide for records in (2.0, 1e6)] == [True, False]


@pytest.mark.parametrize("records", [(None, 9.0), (9.0, None), (None, None)])
def test_without_a_number_of_records_there_is_no_verdict(records):
    found = compare(table(ONE, records[0]), table(OTHER, records[1]))
    assert (found.bound, found.agrees) == (None, None)


@pytest.mark.parametrize(
    ("parameters", "reported"),
    [
        ({"frame": 1}, "frame 1 and 0"),
        ({"strand": "-"}, r"strand - and \+"),
        ({"skip_n": False}, "skip_n false and true"),
        ({"skip_stops": True}, "skip_stops true and false, genetic_code 1 and "),
    ],
)
def test_tables_of_different_parameters_are_refused(parameters, reported):
    with pytest.raises(SettingError, match=f"one and other were made with different parameters: {reported}"):
        compare(table(ONE, **parameters), ComparedTable("other", OTHER, None, TableParameters()))


def test_a_table_that_does_not_say_how_it_was_made_is_compared():
    expected = compare(table(ONE), table(OTHER))
    assert compare(table(ONE, frame=1), table(OTHER)).divergence == expected.divergence
    assert compare(table(ONE), table(OTHER, frame=1)).divergence == expected.divergence


def test_the_code_matters_only_where_its_stops_are_dropped():
    compare(table(ONE, genetic_code=2), table(OTHER, genetic_code=1))
    with pytest.raises(SettingError, match="genetic_code 2 and 1"):
        compare(table(ONE, genetic_code=2, skip_stops=True), table(OTHER, genetic_code=1, skip_stops=True))


def test_a_table_that_hides_codons_is_refused():
    with pytest.raises(SettingError, match="one: min_count 2 hides codons"):
        compare(table(ONE, min_count=2), table(OTHER))


def test_hiding_codons_never_seen_is_no_difference():
    assert compare(table(ONE, min_count=1), table(ONE, min_count=0)).agrees is None


def test_a_table_without_codons_is_refused():
    with pytest.raises(SettingError, match="other: holds no codons"):
        compare(table(ONE), table({"AAA": 0}, name="other"))


def test_samples_of_records_that_differ_most_keep_the_bound():
    # Records of two kinds that share no codon: nothing scatters more.
    chance = random.Random(7)
    whole = table({"AAA": 50_000, "TTT": 50_000}, 1000.0)
    beyond = 0
    for _ in range(2000):
        of_one_kind = sum(chance.random() < 0.5 for _ in range(100))
        sample = table({"AAA": 100 * of_one_kind, "TTT": 100 * (100 - of_one_kind)}, 100.0)
        beyond += compare(sample, whole).agrees is False
    assert beyond <= 5


def test_a_collection_of_another_composition_goes_beyond_it():
    whole = table({"AAA": 50_000, "TTT": 50_000}, 1000.0)
    assert compare(table({"AAA": 8_000, "TTT": 2_000}, 100.0), whole).agrees is False
