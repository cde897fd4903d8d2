"""The counts of all batches, added up by group and genetic code for one strand and frame."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import GeneticCode, genetic_code

ALL = "all"


@dataclass(frozen=True)
class GroupTally:
    """One group's codons of one strand and frame.

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
        """The genetic codes of the group's records; more than one make its amino acids uncertain."""
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
        strand: ``+`` or ``-``.
        frame: 0, 1 or 2.
        default_code: stands in where a row names no code.

    Raises:
        SettingError: a row names a code that NCBI does not have.
    """
    matrices: dict[str, dict[int, NDArray[np.int64]]] = defaultdict(dict)
    ambiguous: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for group, number in _pairs(counts, default_code):
        matrices[group][number] = np.zeros(len(CODONS), dtype=np.int64)
    here = counts.filter((pc.field("strand") == strand) & (pc.field("frame") == frame))
    sums = here.group_by(["group", "genetic_code", "codon"], use_threads=False).aggregate([("count", "sum")])
    position = {codon: place for place, codon in enumerate(CODONS)}
    columns = (sums[name].to_pylist() for name in ("group", "genetic_code", "codon", "count_sum"))
    for group, number, codon, count in zip(*columns, strict=True):
        if codon in position:
            # A row without a code may stand beside rows that name the default one.
            matrices[group][default_code.id if number is None else number][position[codon]] += count
        else:
            ambiguous[group][codon] += count
    groups = [_group_tally(group, matrices[group], ambiguous[group]) for group in sorted(matrices)]
    if [each.group for each in groups] == [ALL]:
        return groups
    return [_pool(groups, default_code), *(each for each in groups if each.group != ALL)]


def _pairs(counts: pa.Table, default_code: GeneticCode) -> list[tuple[str, int]]:
    pairs = counts.select(["group", "genetic_code"]).group_by(["group", "genetic_code"]).aggregate([])
    numbers = pc.fill_null(pairs["genetic_code"], default_code.id)
    return list(zip(pairs["group"].to_pylist(), numbers.to_pylist(), strict=True))


def _group_tally(group: str, matrices: dict[int, NDArray[np.int64]], ambiguous: dict[str, int]) -> GroupTally:
    by_code = {genetic_code(number): matrices[number] for number in sorted(matrices)}
    return GroupTally(group, by_code, dict(sorted(ambiguous.items())))


def _pool(groups: list[GroupTally], default_code: GeneticCode) -> GroupTally:
    """Everything in one: per code still apart, so that each code's stops stay its own."""
    matrices: dict[int, NDArray[np.int64]] = {}
    ambiguous: dict[str, int] = defaultdict(int)
    for each in groups:
        for code, counts in each.by_code.items():
            matrices[code.id] = matrices[code.id] + counts if code.id in matrices else counts
        for codon, count in each.ambiguous.items():
            ambiguous[codon] += count
    if not matrices:
        matrices[default_code.id] = np.zeros(len(CODONS), dtype=np.int64)
    return _group_tally(ALL, matrices, ambiguous)
