"""Codons of groups, split by what their genetic codes read them as."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP, GeneticCode


@dataclass(frozen=True)
class Readings:
    """Codons of one group, or of several with the same genetic codes, split by what they are read as.

    A reading is a codon together with an amino acid (or the stop) that one of the genetic codes gives it. Under one
    code each codon has one reading. Under several codes it can have more. For several groups, shapes that begin with
    ``…`` begin with the number of groups.

    Attributes:
        letters: what codons are read as, L letters, sorted, the stop last.
        codes: bool, shape (L, codes, 64): whether a code reads a codon as this letter.
        counts: int64, shape (…, L, 64): codons of each reading.
        even: float64, shape (…, L, 64): codons that each reading would have if, under each code, all synonyms were
            used alike.
    """

    letters: tuple[str, ...]
    codes: NDArray[np.bool_]
    counts: NDArray[np.int64]
    even: NDArray[np.float64]

    @cached_property
    def exists(self) -> NDArray[np.bool_]:
        """bool, shape (L, 64): whether any code reads a codon as this letter."""
        exists: NDArray[np.bool_] = np.any(self.codes, axis=1)
        return exists

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """bool, shape (64,): whether a codon has a reading. Without stops, some codons have none."""
        kept: NDArray[np.bool_] = np.any(self.exists, axis=0)
        return kept

    @cached_property
    def codon_counts(self) -> NDArray[np.int64]:
        """int64, shape (…, 64): codons of all readings together."""
        counts: NDArray[np.int64] = self.counts.sum(axis=-2)
        return counts

    @cached_property
    def amino_acids(self) -> tuple[str | None, ...]:
        """64 letters; None for codons with several amino acids, or none."""
        only = self.exists.sum(axis=0) == 1
        return tuple(
            self.letters[place] if is_only else None
            for place, is_only in zip(self.exists.argmax(axis=0), only, strict=True)
        )

    @cached_property
    def fraction(self) -> NDArray[np.float64]:
        """float64, shape (…, L, 64): share among the codons read as the same letter; NaN if there are none."""
        shares = measures.ratio(self.counts, self.counts.sum(axis=-1, keepdims=True))
        return np.where(self.exists, shares, np.nan)

    @cached_property
    def rscu(self) -> NDArray[np.float64]:
        """float64, shape (…, L, 64): codons over those of even use; NaN without such codons.

        Relative synonymous codon usage: Sharp, Tuohy and Mosurski (1986), https://doi.org/10.1093/nar/14.13.5125.
        """
        return measures.ratio(self.counts, self.even)

    def of_codons(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of readings, shape (…, L, 64), as those of codons, shape (…, 64); NaN unless there is one reading."""
        only = np.array([letter is not None for letter in self.amino_acids])
        return np.where(only, values[..., self.exists.argmax(axis=0), np.arange(len(CODONS))], np.nan)


def read_codons(counts: NDArray[np.int64], codes: Sequence[GeneticCode], *, skip_stops: bool) -> Readings:
    """Translate the counts of each genetic code, and sum them.

    Args:
        counts: int64, shape (…, codes, 64): codons of the records of each code.
        codes: the genetic codes.
        skip_stops: leave each code's stop codons out.
    """
    by_code = np.array([code.letters for code in codes])
    found = set(by_code.flat) - ({STOP} if skip_stops else set())
    letters = sorted(found, key=lambda letter: (letter == STOP, letter))
    reads = np.array(letters)[:, None, None] == by_code
    read = reads * counts[..., None, :, :]
    # Shape (…, L, codes, 1): how often each code's records use the letter, over how many codons the code has for it.
    totals = read.sum(axis=-1, keepdims=True)
    sizes = reads.sum(axis=-1, keepdims=True)
    return Readings(
        letters=tuple(str(letter) for letter in letters),
        codes=reads,
        counts=read.sum(axis=-2),
        even=(reads * (totals / np.maximum(sizes, 1))).sum(axis=-2),
    )


def nullable(values: NDArray[np.float64]) -> pa.Array:
    """NaN, which means undefined in the measures, as null."""
    return pa.array(values, type=pa.float64(), from_pandas=True)
