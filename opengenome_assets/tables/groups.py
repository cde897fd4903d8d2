"""The counts of all batches, added up by group for one strand and frame, and read by each record's genetic code."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP, GeneticCode, genetic_code
from opengenome_assets.counts.count_files import rows_of_frame

ALL = "all"
# What a codon with an ambiguous letter is read as.
AMBIGUOUS = "X"


@dataclass(frozen=True)
class GroupTally:
    """One group's codons of one frame of a strand, or of both.

    Attributes:
        group: its name, or ``all`` for everything there is.
        by_code: for each genetic code of the group's records, in order of number: int64, shape (64,).
        ambiguous: codons with an ambiguous letter that were seen, and how often, from A to Z.
    """

    group: str
    by_code: Mapping[GeneticCode, NDArray[np.int64]]
    ambiguous: Mapping[str, int]

    @cached_property
    def codes(self) -> tuple[GeneticCode, ...]:
        """The genetic codes of the group's records. With more than one, some amino acids are ambiguous."""
        return tuple(self.by_code)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """int64, shape (64,): the codes' counts together."""
        counts: NDArray[np.int64] = np.sum(list(self.by_code.values()), axis=0, dtype=np.int64)
        return counts

    @cached_property
    def ambiguous_total(self) -> int:
        """Codons with an ambiguous letter, all kinds together."""
        return sum(self.ambiguous.values())


def tally_groups(counts: pa.Table, strand: str, frame: int, default_code: GeneticCode) -> list[GroupTally]:
    """Add the batches' rows up: ``all`` first, then the groups by name.

    Groups and their codes are taken from every strand and frame, so that a group whose records are too
    short for this frame is there with zeros, and a table's codes do not depend on its frame.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of any number of batches in any order.
        strand: ``+``, ``-``, or ``both`` for their sum.
        frame: 0, 1 or 2.
        default_code: for rows that name no code.

    Raises:
        SettingError: a row names a code that NCBI does not have.
    """
    by_code: dict[str, dict[int, NDArray[np.int64]]] = {ALL: {}}
    ambiguous: dict[str, Counter[str]] = defaultdict(Counter)
    columns = ["group", "genetic_code", "codon"]
    for row in counts.group_by(columns[:2]).aggregate([]).to_pylist():
        # A record without a group is in ``all`` only.
        for group in {ALL, row["group"]}:
            by_code.setdefault(group, {})[row["genetic_code"] or default_code.id] = np.zeros(64, np.int64)
    sums = (
        rows_of_frame(counts, strand, frame)
        .group_by(columns, use_threads=False)
        .aggregate([("count", "sum")])
    )
    position = {codon: place for place, codon in enumerate(CODONS)}
    for name, number, codon, count in zip(*(column.to_pylist() for column in sums.columns), strict=True):
        for group in {ALL, name}:
            if codon in position:
                by_code[group][number or default_code.id][position[codon]] += count
            else:
                ambiguous[group][codon] += count
    if not by_code[ALL]:
        by_code[ALL][default_code.id] = np.zeros(64, np.int64)
    return [
        GroupTally(
            group,
            {genetic_code(number): by_code[group][number] for number in sorted(by_code[group])},
            dict(sorted(ambiguous[group].items())),
        )
        for group in sorted(by_code, key=lambda group: (group != ALL, group))
    ]


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
        """64 letters; None for codons with several amino acids, or none."""
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
        """float64, shape (L, 64): codons over those of even use; NaN without such codons.

        Relative synonymous codon usage: Sharp, Tuohy and Mosurski (1986), https://doi.org/10.1093/nar/14.13.5125.
        """
        return measures.ratio(self.counts, self.even)

    def of_codons(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of readings, shape (L, 64), as those of codons, shape (64,); NaN unless there is one reading."""
        only = np.array([letter is not None for letter in self.amino_acids])
        return np.where(only, values[self.exists.argmax(axis=0), np.arange(len(CODONS))], np.nan)


def read_codons(tally: GroupTally, *, skip_stops: bool) -> Readings:
    """Translate the counts of each genetic code, and sum them. With ``skip_stops``, stop codons are left out."""
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


def nullable(values: NDArray[np.float64]) -> pa.Array:
    """NaN, which means undefined in the measures, as null."""
    return pa.array(values, type=pa.float64(), from_pandas=True)
