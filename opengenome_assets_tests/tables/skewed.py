"""Letters and counts whose GC, GC1, GC2 and GC3 all differ: a measure in another's place is seen."""

from collections import Counter
from random import Random

from opengenome_assets.codons.alphabet import CODONS

# Weights of A, C, G and T at the positions of a codon.
_WEIGHTS = ((5, 1, 6, 2), (4, 3, 1, 5), (1, 6, 2, 8))


def skewed_letters(length: int, seed: int) -> str:
    """Letters of chance whose composition depends on the position in the codon."""
    chance = Random(seed)
    return "".join(chance.choices("ACGT", _WEIGHTS[at % 3])[0] for at in range(length))


def skewed_counts(seed: int = 1) -> dict[str, int]:
    """A count for each codon, none twice."""
    chance = Random(seed)
    counts = {}
    for place, codon in enumerate(CODONS):
        weight = 1
        for base, weights in zip(codon, _WEIGHTS, strict=True):
            weight *= weights["ACGT".index(base)]
        counts[codon] = 64 * (weight + chance.randrange(9)) + place
    return counts


def share_of_gc(codons: dict[str, int] | Counter[str], *positions: int) -> float:
    """Share of G and C at some positions of codons."""
    found = sum(count for codon, count in codons.items() for at in positions if codon[at] in "GC")
    return found / (len(positions) * sum(codons.values()))
