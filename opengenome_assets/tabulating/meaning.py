"""What 64 codons mean to a group whose records may have several genetic codes, and which of them count."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons.genetic_codes import STOP, GeneticCode
from opengenome_assets.tabulating.tally import GroupTally


@dataclass(frozen=True)
class Meaning:
    """What can be said of the 64 codons under one code, or under several at once.

    Attributes:
        amino_acids: 64 letters, None where the codes disagree.
        certain: bool, shape (64,): the codon and all its synonyms mean the same under every code.
        stop_everywhere: bool, shape (64,): a stop under every code.
    """

    amino_acids: tuple[str | None, ...]
    certain: NDArray[np.bool_]
    stop_everywhere: NDArray[np.bool_]


@cache
def meaning_of(codes: tuple[GeneticCode, ...]) -> Meaning:
    """Compare the codes codon by codon."""
    letters = np.array([code.letters for code in codes])
    families = np.array([code.same_family for code in codes])
    agreed = (letters == letters[0]).all(axis=0)
    return Meaning(
        amino_acids=tuple(str(x) if same else None for x, same in zip(letters[0], agreed, strict=True)),
        certain=agreed & (families == families[0]).all(axis=(0, 2)),
        stop_everywhere=(letters == STOP).all(axis=0),
    )


def counts_to_use(tally: GroupTally, *, skip_stops: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Drop the stops if they are to be dropped, from each code's counts its own.

    Returns:
        Counts, int64, shape (64,), and whether a codon stays in the table, bool, shape (64,): a codon goes
        only if it is a stop under every code of the group.
    """
    if not skip_stops:
        return tally.counts, np.ones(tally.counts.size, dtype=np.bool_)
    without = [np.where(code.letters == STOP, 0, counts) for code, counts in tally.by_code.items()]
    return np.sum(without, axis=0, dtype=np.int64), ~meaning_of(tally.codes).stop_everywhere


def nullable(values: NDArray[np.float64]) -> pa.Array:
    """NaN, which the measures use for undefined, as null."""
    return pa.array(values, type=pa.float64(), from_pandas=True)
