import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import genetic_code, genetic_codes

STANDARD = genetic_code(1)
CODES = list(genetic_codes().values())

rows_of_counts = arrays(np.int64, st.tuples(st.integers(1, 4), st.just(64)), elements=st.integers(0, 1000))
few_counts = arrays(np.int64, (1, 64), elements=st.integers(0, 2))
codes = st.sampled_from(CODES)


def row(**counts):
    return np.array([[counts.get(codon, 0) for codon in CODONS]])


def naive_sun(counts, code, *, split):
    """Sun, Yang and Xia's formula, written out family by family."""
    families = {}
    for codon, letter, count in zip(CODONS, code.amino_acids, counts, strict=True):
        if letter != "*":
            families.setdefault(letter + (codon[:2] if split else ""), []).append(count + 1)
    enc = 0
    for size in {len(family) for family in families.values()}:
        alike = [family for family in families.values() if len(family) == size]
        weighted = sum(sum(family) * sum((c / sum(family)) ** 2 for c in family) for family in alike)
        enc += len(alike) * sum(sum(family) for family in alike) / weighted
    return enc


def naive_wright(counts, code):
    """Wright's formula, written out class by class; None where a class other than that of three is missing."""
    families = {}
    for letter, count in zip(code.amino_acids, counts, strict=True):
        if letter != "*":
            families.setdefault(letter, []).append(count)
    classes = {}
    for family in families.values():
        n = sum(family)
        f = (n * sum((c / n) ** 2 for c in family) - 1) / (n - 1) if n > 1 else 0
        classes.setdefault(len(family), []).append(f)
    means = {}
    for size, members in classes.items():
        known = [f for f in members if f > 1e-9]
        means[size] = 1 if size == 1 else sum(known) / len(known) if known else None
    if 3 in means and means[3] is None and means.get(2) and means.get(4):
        means[3] = (means[2] + means[4]) / 2
    if None in means.values():
        return math.nan
    enc = sum(len(members) / means[size] for size, members in classes.items())
    return min(enc, sum(len(family) for family in families.values()))


def test_the_measures_of_no_codons_are_undefined_and_not_zero():
    nothing = row()
    for value in (
        measures.frequency(nothing),
        measures.per_thousand(nothing),
        measures.gc(nothing),
        measures.gc_by_position(nothing),
        measures.gc3s(nothing, STANDARD),
        measures.enc_wright(nothing, STANDARD),
        measures.enc_sun(nothing, STANDARD),
        measures.expected_frequency(nothing),
    ):
        assert np.isnan(value).all()


def test_frequencies_are_shares_of_their_own_row():
    counts = np.concatenate([row(AAA=3, CCC=1), row(AAA=1, GGG=9)])
    at = [CODONS.index(codon) for codon in ("AAA", "CCC", "GGG")]
    assert measures.frequency(counts)[:, at].tolist() == [[0.75, 0.25, 0], [0.1, 0, 0.9]]
    assert measures.per_thousand(counts)[:, at].tolist() == [[750, 250, 0], [100, 0, 900]]
    assert np.count_nonzero(measures.frequency(counts)) == 4


def test_gc3s_leaves_out_stops_and_sole_codons():
    # Of two leucine and one lysine codon, one ends in C. ATG, TGG and TAG end in G, and have no synonym that counts.
    counts = row(CTC=1, CTA=1, AAA=2, ATG=5, TGG=7, TAG=11)
    assert measures.gc3s(counts, STANDARD).tolist() == [0.25]


def test_every_measure_has_a_value_for_each_row_even_for_no_rows():
    none = np.zeros((0, 64), dtype=np.int64)
    assert measures.enc_wright(none, STANDARD).shape == measures.enc_sun(none, STANDARD).shape == (0,)
    assert measures.gc_by_position(none).shape == (0, 3)
    assert measures.expected_frequency(none).shape == (0, 64)


@pytest.mark.parametrize("code", CODES, ids=lambda code: str(code.id))
def test_even_use_has_as_many_effective_as_sense_codons(code):
    sense = code.amino_acids.replace("*", "")
    even = np.full((1, 64), 1000)
    assert measures.enc_wright(even, code) == len(sense)
    assert measures.enc_sun(even, code)[0] == pytest.approx(len(sense))


@pytest.mark.parametrize("code", CODES, ids=lambda code: str(code.id))
def test_one_codon_per_amino_acid_is_the_lowest_effective_number(code):
    first = {letter: codon for codon, letter in zip(CODONS, code.amino_acids, strict=True) if letter != "*"}
    assert measures.enc_wright(row(**dict.fromkeys(first.values(), 10**6)), code)[0] == len(first)


def test_one_codon_per_box_has_23_effective_codons_by_sun():
    boxes = {
        (letter, c[:2]): c for c, letter in zip(CODONS, STANDARD.amino_acids, strict=True) if letter != "*"
    }
    counts = row(**dict.fromkeys(boxes.values(), 10**7))
    assert measures.enc_sun(counts, STANDARD)[0] == pytest.approx(23, abs=1e-3)


def test_wrights_number_without_isoleucine_takes_the_mean():
    # T in the third place three times as often as the others, so that the number stays below 61.
    counts = np.array([[300 if codon.endswith("T") else 100 for codon in CODONS]])
    counts[0, [CODONS.index(codon) for codon in ("ATA", "ATC", "ATT")]] = 0

    def homozygosity(*hundreds: int) -> float:
        n = 100 * sum(hundreds)
        return (n * sum((100 * each / n) ** 2 for each in hundreds) - 1) / (n - 1)

    # Six of nine amino acids with two codons have T and C.
    two = (6 * homozygosity(3, 1) + 3 * homozygosity(1, 1)) / 9
    four = homozygosity(3, 1, 1, 1)
    leucine, serine = homozygosity(1, 1, 3, 1, 1, 1), homozygosity(3, 1, 3, 1, 1, 1)
    six = (2 * leucine + serine) / 3
    expected = 2 + 9 / two + 2 / (two + four) + 5 / four + 3 / six
    assert expected < 61
    assert measures.enc_wright(counts, STANDARD)[0] == pytest.approx(expected)


def test_wrights_number_takes_an_amino_acid_seen_twice():
    counts = np.full((1, 64), 10)
    counts[0, [CODONS.index(codon[:2] + "T") for codon in CODONS]] = 50
    counts[0, [CODONS.index("TTT"), CODONS.index("TTC")]] = [2, 0]
    # F of the nine amino acids with two codons: 1 for that one; 50 and 10 (C, T), or 10 and 10 (A, G), for others.
    skewed, even = ((n * squares - 1) / (n - 1) for n, squares in ((60, (50**2 + 10**2) / 60**2), (20, 0.5)))
    of_two = (1 + 5 * skewed + 3 * even) / 9
    assert measures.enc_wright(counts, STANDARD)[0] == pytest.approx(
        naive_wright(counts[0].tolist(), STANDARD)
    )
    without = counts.copy()
    without[0, CODONS.index("TTT")] = 0
    others = (5 * skewed + 3 * even) / 8
    gained = measures.enc_wright(without, STANDARD)[0] - measures.enc_wright(counts, STANDARD)[0]
    assert gained == pytest.approx(9 / others - 9 / of_two)


def test_suns_number_is_defined_for_a_single_codon():
    counts = row(AAA=1)
    assert measures.enc_sun(counts, STANDARD)[0] == pytest.approx(
        naive_sun(counts[0].tolist(), STANDARD, split=True)
    )


def test_wrights_number_is_undefined_without_a_class_of_four():
    counts = np.full((1, 64), 100)
    counts[0, np.isin(STANDARD.letters, list("VPTAG"))] = 0
    assert np.isnan(measures.enc_wright(counts, STANDARD)).all()


@given(rows_of_counts | few_counts, codes)
def test_wrights_number_is_its_formula(counts, code):
    expected = [naive_wright(row.tolist(), code) for row in counts]
    np.testing.assert_allclose(measures.enc_wright(counts, code), expected)


@given(rows_of_counts, codes, st.booleans())
def test_suns_number_is_its_formula(counts, code, split):
    for counted, enc in zip(counts, measures.enc_sun(counts, code, split_families=split), strict=True):
        if counted.any():
            assert enc == pytest.approx(naive_sun(counted.tolist(), code, split=split))
        else:
            assert math.isnan(enc)


def test_suns_number_holds_for_billions_of_codons():
    # Their squares are beyond 64 bits.
    counts = [4_000_000_000 + 10_000_000 * place for place in range(64)]
    found = measures.enc_sun(np.array([counts]), STANDARD)[0]
    assert found == pytest.approx(naive_sun(counts, STANDARD, split=True), rel=1e-12)


@given(rows_of_counts, codes)
def test_a_row_has_the_same_measures_alone_as_among_others(counts, code):
    for measure in (measures.enc_wright, measures.enc_sun, measures.gc3s):
        together = measure(counts, code)
        alone = np.concatenate([measure(counts[i : i + 1], code) for i in range(len(counts))])
        np.testing.assert_allclose(together, alone, rtol=1e-12)


def naive_gc(counts, positions):
    """Share of G and C at some positions of one row's codons, letter by letter."""
    letters = Counter()
    for codon, count in zip(CODONS, counts.tolist(), strict=True):
        for at in positions:
            letters[codon[at]] += count
    return (letters["G"] + letters["C"]) / letters.total() if letters.total() else math.nan


@given(rows_of_counts)
def test_gc_is_each_rows_own_at_every_position(counts):
    np.testing.assert_allclose(measures.gc(counts), [naive_gc(row, range(3)) for row in counts])
    by_position = [[naive_gc(row, [at]) for at in range(3)] for row in counts]
    np.testing.assert_allclose(measures.gc_by_position(counts), by_position)


@given(rows_of_counts, st.booleans())
def test_expected_frequencies_sum_to_one(counts, by_position):
    sums = measures.expected_frequency(counts, by_position=by_position).sum(axis=1)
    np.testing.assert_allclose(sums, np.where(counts.any(axis=1), 1, np.nan), atol=1e-9)


@given(rows_of_counts)
def test_expected_frequency_is_the_product_of_base_shares(counts):
    bases = Counter()
    for codon, count in zip(CODONS, counts[0].tolist(), strict=True):
        bases.update({base: codon.count(base) * count for base in codon})
    total = sum(bases.values())
    expected = [math.prod(bases[base] / total for base in codon) if total else math.nan for codon in CODONS]
    np.testing.assert_allclose(measures.expected_frequency(counts)[0], expected)


def test_bases_are_drawn_from_all_positions_unless_asked():
    counts = row(AAC=1, ACG=2, GGT=3)
    whole = measures.expected_frequency(counts, by_position=False)
    np.testing.assert_array_equal(measures.expected_frequency(counts), whole)
    assert (measures.expected_frequency(counts, by_position=True) != whole).any()
