"""What a group's codons are read as: each record by its own genetic code, added up exactly."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.schemas import CODON_READINGS
from opengenome_assets.tables.groups import GroupTally, tally_groups
from opengenome_assets.tables.parameters import TableParameters

AMBIGUOUS = "X"


@dataclass(frozen=True)
class Readings:
    """One group's codons, split by what they are read as.

    A reading is a codon together with an amino acid (or the stop) that one of the group's genetic codes gives
    it. Under one code each codon has one reading. Under several codes it can have more.

    Attributes:
        letters: what codons are read as, L letters, sorted, the stop last.
        codes: bool, shape (L, codes, 64): whether a code reads a codon as this letter.
        counts: int64, shape (L, 64): codons of each reading.
        even: float64, shape (L, 64): codons that each reading would have if, under each code, all synonyms were
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
        """int64, shape (64,): codons of all readings together."""
        counts: NDArray[np.int64] = self.counts.sum(axis=0)
        return counts

    @cached_property
    def amino_acids(self) -> tuple[str | None, ...]:
        """64 letters; None where a codon has several readings, or none."""
        only = self.exists.sum(axis=0) == 1
        return tuple(
            self.letters[place] if is_only else None
            for place, is_only in zip(self.exists.argmax(axis=0), only, strict=True)
        )

    @cached_property
    def fraction(self) -> NDArray[np.float64]:
        """float64, shape (L, 64): share among the codons read as the same letter; NaN if there are none."""
        shares = measures.ratio(self.counts, self.counts.sum(axis=1, keepdims=True))
        return np.where(self.exists, shares, np.nan)

    @cached_property
    def rscu(self) -> NDArray[np.float64]:
        """float64, shape (L, 64): codons over those of even use; NaN if there is nothing to use."""
        return measures.ratio(self.counts, self.even)

    def of_codons(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of readings, shape (L, 64), as those of codons, shape (64,); NaN unless there is one reading."""
        only = np.array([letter is not None for letter in self.amino_acids])
        return np.where(only, values[self.exists.argmax(axis=0), np.arange(len(CODONS))], np.nan)


def read_codons(tally: GroupTally, *, skip_stops: bool) -> Readings:
    """Read each code's counts by that code, and add up; with ``skip_stops`` no codon is read as a stop."""
    by_code = np.array([code.letters for code in tally.codes])
    found = set(by_code.flat) - ({STOP} if skip_stops else set())
    letters = sorted(found, key=lambda letter: (letter == STOP, letter))
    codes = np.array(letters)[:, None, None] == by_code
    counts = np.array(list(tally.by_code.values()))
    # Shape (L, codes, 1): how often each code's records use the letter, over how many codons the code has for it.
    totals = (codes * counts).sum(axis=2, keepdims=True)
    sizes = codes.sum(axis=2, keepdims=True)
    return Readings(
        letters=tuple(str(letter) for letter in letters),
        codes=codes,
        counts=(codes * counts).sum(axis=1),
        even=(codes * (totals / np.maximum(sizes, 1))).sum(axis=1),
    )


def codon_readings(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Make a table of every reading: the frequency table, with a codon in a row for each of its readings.

    The counts of a codon's rows add up to its count in the frequency table. ``min_count`` hides nothing here.
    Ambiguous codons follow (unless ``skip_n``), with amino acid X.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code and what to leave out.

    Returns:
        Schema ``CODON_READINGS``: ``all`` first, then the groups by name; in each the amino acids by letter,
        the stop last.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, parameters) for each in tallies])


def _group_table(tally: GroupTally, parameters: TableParameters) -> pa.Table:
    readings = read_codons(tally, skip_stops=parameters.skip_stops)
    ambiguous = {} if parameters.skip_n else tally.ambiguous
    at, codons = np.nonzero(readings.exists)
    counts = np.concatenate([readings.counts[at, codons], np.array(list(ambiguous.values()), dtype=np.int64)])
    unknown = np.full(len(ambiguous), np.nan)
    numbers = np.array([code.id for code in tally.codes])
    codes = [_spaced(numbers[readings.codes[pair[0], :, pair[1]]]) for pair in zip(at, codons, strict=True)]
    return pa.table(
        {
            "group": [tally.group] * counts.size,
            "amino_acid": [*(readings.letters[place] for place in at), *(AMBIGUOUS for _ in ambiguous)],
            "codon": [*(CODONS[place] for place in codons), *ambiguous],
            "genetic_codes": [*codes, *(_spaced(numbers) for _ in ambiguous)],
            "count": counts,
            "per_thousand": nullable(measures.per_thousand(counts[None])[0]),
            "fraction": nullable(np.concatenate([readings.fraction[at, codons], unknown])),
            "rscu": nullable(np.concatenate([readings.rscu[at, codons], unknown])),
        },
        schema=CODON_READINGS,
    )


def _spaced(numbers: Sequence[int] | NDArray[np.int64]) -> str:
    return " ".join(str(number) for number in numbers)


def nullable(values: NDArray[np.float64]) -> pa.Array:
    """NaN, which the measures use for undefined, as null."""
    return pa.array(values, type=pa.float64(), from_pandas=True)
