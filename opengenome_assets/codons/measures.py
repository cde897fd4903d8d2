"""Measures of codon usage, over many rows of 64 counts at once.

Everywhere ``counts`` has shape (n, 64), any real dtype, codons in the order of ``CODONS``; the results are
float64 with NaN where a measure is undefined, never 0 and never an exception. Dual codons of codes 27, 28
and 31 count as their amino acid.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP, GeneticCode

Counts = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
Floats = NDArray[np.float64]

_BASES = "ACGT"
# bool, shape (4, 3, 64): whether a codon has this base at this position.
_BASE_AT = np.array([[[codon[at] == base for codon in CODONS] for at in range(3)] for base in _BASES])
# bool, shape (3, 64): whether a codon has G or C at this position.
_GC_AT = _BASE_AT[_BASES.index("C")] | _BASE_AT[_BASES.index("G")]
# Below this an F is 0 but for rounding, and its inverse is noise.
_TINY = 1e-9


def ratio(part: Counts, whole: Counts) -> Floats:
    """Divide; NaN if the denominator is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    result = np.full(part.shape, np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def frequency(counts: Counts) -> Floats:
    """Each codon's share of all codons in its row, shape (n, 64)."""
    return ratio(counts, counts.sum(axis=1, keepdims=True))


def per_thousand(counts: Counts) -> Floats:
    """Codons per thousand, shape (n, 64)."""
    return frequency(counts) * 1000


def gc(counts: Counts) -> Floats:
    """Share of G and C among all bases of the codons, shape (n,), including stop codons."""
    return ratio((counts @ _GC_AT.T).sum(axis=1), 3 * counts.sum(axis=1))


def gc_by_position(counts: Counts) -> Floats:
    """GC1, GC2 and GC3: share of G and C at each codon position, shape (n, 3), including stop codons."""
    return ratio(counts @ _GC_AT.T, counts.sum(axis=1, keepdims=True))


def gc3s(counts: Counts, code: GeneticCode) -> Floats:
    """Share of G or C at the third position of codons that have a synonym, shape (n,).

    Leaves out the stops and the amino acids with one codon, as codonW does (methionine and tryptophan under
    the standard code).
    """
    return ratio(counts @ (code.synonymous & _GC_AT[2]), counts @ code.synonymous)


def expected_frequency(counts: Counts, *, by_position: bool = False) -> Floats:
    """Share of each codon if its three bases were drawn one by one, shape (n, 64).

    Args:
        counts: see above.
        by_position: draw each position from the composition of that position, which takes out what the
            positions differ in; otherwise all three from the row's overall composition.
    """
    tallies = (counts @ _BASE_AT.reshape(-1, len(CODONS)).T).reshape(-1, len(_BASES), 3)
    if not by_position:
        tallies = np.repeat(tallies.sum(axis=2, keepdims=True), 3, axis=2)
    shares = ratio(tallies, tallies.sum(axis=1, keepdims=True))
    first, second, third = (shares[:, :, at] @ _BASE_AT[:, at] for at in range(3))
    expected: Floats = first * second * third
    return expected


def enc_wright(counts: Counts, code: GeneticCode) -> Floats:
    """Effective number of codons, shape (n,): 20 if one codon serves each amino acid, 61 if all do alike.

    For each amino acid seen n > 1 times, F = (n Σp² − 1) / (n − 1) over its codons' shares p. F is averaged
    over the amino acids with equally many codons, and each such class adds its number of amino acids over
    that average. F of 0 is left out. Where isoleucine, alone in its class, is too rare, the class of three
    takes the mean of the classes of two and four; another missing class leaves the measure undefined. More
    than there are sense codons is cut to that. Wright (1990), https://doi.org/10.1016/0378-1119(90)90491-9.
    """
    classes: dict[int, list[Floats]] = {}
    for family in _families(code, split=False):
        of_family = counts[:, family]
        n = of_family.sum(axis=1)
        homozygosity = ratio(n * (ratio(of_family, n[:, None]) ** 2).sum(axis=1) - 1, n - 1)
        usable = (n > 1) & (homozygosity > _TINY)
        classes.setdefault(family.size, []).append(np.where(usable, homozygosity, np.nan))
    means = {size: _mean_of_known(np.array(members)) for size, members in classes.items()}
    # Every code has amino acids of two and of four codons.
    if 3 in means:
        means[3] = np.where(np.isnan(means[3]), (means[2] + means[4]) / 2, means[3])
    # A class of single codons is 1 each, seen or not.
    total = np.zeros(len(counts))
    for size, members in classes.items():
        total += len(members) if size == 1 else len(members) / means[size]
    return np.minimum(total, np.count_nonzero(code.letters != STOP))


def enc_sun(counts: Counts, code: GeneticCode, *, split_families: bool = True) -> Floats:
    """Effective number of codons as improved for short sequences, shape (n,).

    With one added to every count, F = Σp² for each family, F is averaged over the families of one size
    weighted by their counts, and each size adds its number of families over that average. Defined for any
    row with a codon; where a family is unseen it counts as evenly used.
    Sun, Yang and Xia (2013), https://doi.org/10.1093/molbev/mss201.

    Args:
        counts: see above.
        code: the genetic code.
        split_families: count an amino acid whose codons differ in their first two bases (leucine, serine
            and arginine under the standard code) as one family for each such pair, as the authors do.
    """
    sizes: dict[int, list[NDArray[np.intp]]] = {}
    for family in _families(code, split=split_families):
        sizes.setdefault(family.size, []).append(family)
    total = np.zeros(len(counts))
    for families in sizes.values():
        n = np.array([(counts[:, family] + 1.0).sum(axis=1) for family in families])
        squares = np.array([((counts[:, family] + 1.0) ** 2).sum(axis=1) for family in families])
        # n F = n Σ(c/n)² = Σc² / n. In floats, since squares of billions are beyond 64 bits.
        total += len(families) * n.sum(axis=0) / (squares / n).sum(axis=0)
    return np.where(counts.sum(axis=1) > 0, total, np.nan)


def _families(code: GeneticCode, *, split: bool) -> Iterator[NDArray[np.intp]]:
    """Positions of the codons of each amino acid, or of each box of four within it, without stop codons."""
    names = [
        letter + (codon[:2] if split else "") for letter, codon in zip(code.letters, CODONS, strict=True)
    ]
    for name in sorted(set(names)):
        if not name.startswith(STOP):
            yield np.flatnonzero([each == name for each in names])


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the first axis without NaN; NaN if all values are NaN."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))
