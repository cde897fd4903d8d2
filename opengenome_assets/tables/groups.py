"""The counts of all batches, added up by group and genetic code for some frames."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import GeneticCode, genetic_code
from opengenome_assets.counts.count_files import rows_of_frame

ALL = "all"
# What a codon with an ambiguous letter is read as.
AMBIGUOUS = "X"
# Groups that are computed together: their readings take about 10 MB.
_TOGETHER = 1000
# Rows of ambiguous codons that are held before they are added up: 16 MB.
_AMBIGUOUS_HELD = 1 << 20


class Frame(NamedTuple):
    """A frame of a strand, or of ``both``."""

    strand: str
    frame: int


@dataclass(frozen=True)
class GroupTally:
    """One group's codons of one frame.

    Attributes:
        group: its name, or ``all`` for everything there is.
        codes: the genetic codes of the group's records, in order of number. With more than one, some amino acids are
            ambiguous.
        by_code: int64, shape (codes, 64): codons of the records of each code.
        ambiguous: codons with an ambiguous letter that were seen, and how often, from A to Z.
    """

    group: str
    codes: tuple[GeneticCode, ...]
    by_code: NDArray[np.int64]
    ambiguous: Mapping[str, int]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """int64, shape (64,): the codes' counts together."""
        counts: NDArray[np.int64] = self.by_code.sum(axis=0)
        return counts

    @cached_property
    def ambiguous_total(self) -> int:
        """Codons with an ambiguous letter, all kinds together."""
        return sum(self.ambiguous.values())


@dataclass(frozen=True)
class GroupBlock:
    """Codons of one frame, of several groups with the same genetic codes.

    Attributes:
        places: int64, shape (groups,): positions of the groups in the order of the tallies.
        codes: the genetic codes, in order of number.
        by_code: int64, shape (groups, codes, 64).
    """

    places: NDArray[np.int64]
    codes: tuple[GeneticCode, ...]
    by_code: NDArray[np.int64]


class Ambiguous(NamedTuple):
    """Codons with an ambiguous letter, ordered by group, then from A to Z.

    Attributes:
        places: int64, shape (n,): positions of the groups in the order of the tallies.
        codons: n strings.
        counts: int64, shape (n,).
    """

    places: NDArray[np.int64]
    codons: NDArray[np.str_]
    counts: NDArray[np.int64]


class Tallies:
    """Sums of counts by group and genetic code, for some frames: ``all`` first, then the groups by name.

    Groups and their codes are taken from every strand and frame, so that a group whose records are too short for a
    frame is there with zeros, and a table's codes do not depend on its frame.

    Memory: for each frame, 512 bytes per group and genetic code, and 16 bytes per kind of ambiguous codon in it.

    Args:
        counts: tables of schema ``CODON_COUNTS``, in any order.
        frames: the frames.
        default_code: for rows that name no code.
        only: groups to keep; other groups are in ``all`` only. Every group by default.

    Raises:
        SettingError: a row names a code that NCBI does not have.
    """

    def __init__(
        self,
        counts: Iterable[pa.Table],
        frames: Sequence[Frame],
        default_code: GeneticCode,
        only: Collection[str] | None = None,
    ) -> None:
        self._frames = list(frames)
        self._default = default_code.id
        self._only = only
        # (group, number of its code) → position in _plain. None is a group that is in ``all`` only.
        self._classes: dict[tuple[str | None, int], int] = {}
        self._plain = np.zeros((0, len(self._frames), len(CODONS)), dtype=np.int64)
        self._codons = {codon: number for number, codon in enumerate(CODONS)}
        self._ambiguous = [pa.table({"key": pa.array([], pa.int64()), "count": pa.array([], pa.int64())})]
        for table in counts:
            self._add(table)
        self._pool()

    def _add(self, counts: pa.Table) -> None:
        if not counts.num_rows:
            return
        classes = self._classes_of(counts)
        if len(self._classes) > len(self._plain):
            grown = np.zeros((2 * len(self._classes), *self._plain.shape[1:]), dtype=np.int64)
            grown[: len(self._plain)] = self._plain
            self._plain = grown
        numbered = pa.table(
            {
                "class": classes,
                "strand": counts["strand"],
                "frame": counts["frame"],
                "codon": self._numbers_of(counts["codon"]),
                "count": counts["count"],
            }
        )
        for place, frame in enumerate(self._frames):
            here = rows_of_frame(numbered, *frame)
            at, codons, times = (here[name].to_numpy() for name in ("class", "codon", "count"))
            is_plain = codons < len(CODONS)
            np.add.at(self._plain, (at[is_plain], place, codons[is_plain]), times[is_plain])
            keys = (at[~is_plain] * len(self._frames) + place) << 32 | codons[~is_plain]
            self._ambiguous.append(pa.table({"key": keys, "count": times[~is_plain]}))
        if sum(table.num_rows for table in self._ambiguous[1:]) > max(
            self._ambiguous[0].num_rows, _AMBIGUOUS_HELD
        ):
            self._ambiguous = [self._summed_ambiguous()]

    def _classes_of(self, counts: pa.Table) -> NDArray[np.int64]:
        groups = counts["group"].combine_chunks().dictionary_encode()
        names = groups.dictionary.to_pylist()
        codes = pc.fill_null(counts["genetic_code"], self._default).to_numpy().astype(np.int64)
        keys = groups.indices.to_numpy(zero_copy_only=False).astype(np.int64) << 32 | codes
        # The rows of a class are beside each other in a file of counts.
        runs = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1])
        numbers = np.empty(runs.size, dtype=np.int64)
        for run, key in enumerate(keys[runs].tolist()):
            name = names[key >> 32]
            kept = name if self._only is None or name in self._only else None
            numbers[run] = self._classes.setdefault((kept, key & 0xFFFFFFFF), len(self._classes))
        return np.repeat(numbers, np.diff([*runs, keys.size]))

    def _numbers_of(self, codons: pa.ChunkedArray) -> pa.Array:
        encoded = codons.combine_chunks().dictionary_encode()
        numbers = [
            self._codons.setdefault(codon, len(self._codons)) for codon in encoded.dictionary.to_pylist()
        ]
        return pa.array(numbers, pa.int64()).take(encoded.indices)

    def _summed_ambiguous(self) -> pa.Table:
        summed = (
            pa.concat_tables(self._ambiguous).group_by("key", use_threads=False).aggregate([("count", "sum")])
        )
        return summed.select(["key", "count_sum"]).rename_columns(["key", "count"])

    def _pool(self) -> None:
        """Sum everything up as ``all``, and order the groups."""
        by_group: dict[str, dict[int, int]] = {}
        pooled: dict[int, list[int]] = {}
        for (name, code), number in self._classes.items():
            pooled.setdefault(code, []).append(number)
            if name not in (None, ALL):
                by_group.setdefault(str(name), {})[code] = number
        pooled = pooled or {self._default: []}
        first = len(self._classes)
        of_all = [self._plain[pooled[code]].sum(axis=0) for code in sorted(pooled)]
        self._plain = np.concatenate([self._plain[:first], of_all])
        self.groups = [ALL, *sorted(by_group)]
        codes = [sorted(pooled), *(sorted(by_group[name]) for name in self.groups[1:])]
        members = [[*range(first, first + len(pooled))]]
        members += [[by_group[name][code] for code in sorted(by_group[name])] for name in self.groups[1:]]
        self._codes = [tuple(genetic_code(number) for number in each) for each in codes]
        self._members = members

    def blocks(self, frame: Frame) -> Iterator[list[GroupBlock]]:
        """The groups in blocks of equal codes. The blocks of a list cover the next thousand groups of the order."""
        at = self._frames.index(frame)
        for first in range(0, len(self.groups), _TOGETHER):
            alike: dict[tuple[GeneticCode, ...], list[int]] = {}
            for place in range(first, min(first + _TOGETHER, len(self.groups))):
                alike.setdefault(self._codes[place], []).append(place)
            yield [
                GroupBlock(
                    np.array(places), codes, self._plain[[self._members[place] for place in places], at]
                )
                for codes, places in alike.items()
            ]

    def ambiguous(self, frame: Frame) -> Ambiguous:
        """The ambiguous codons of all groups."""
        found = self._summed_ambiguous()
        keys, counts = found["key"].to_numpy(), found["count"].to_numpy()
        here = (keys >> 32) % len(self._frames) == self._frames.index(frame)
        classes, numbers, counts = (
            (keys[here] >> 32) // len(self._frames),
            keys[here] & 0xFFFFFFFF,
            counts[here],
        )
        place_of = np.zeros(len(self._plain), dtype=np.int64)
        for place, members in enumerate(self._members):
            place_of[members] = place
        names = np.array(list(self._codons), dtype=np.str_)
        rank = np.argsort(np.argsort(names))
        # Every codon is one of ``all``, whose place is 0, and of its group.
        places = np.concatenate([np.zeros(numbers.size, np.int64), place_of[classes]])
        in_group = np.concatenate([np.ones(numbers.size, np.bool_), place_of[classes] > 0])
        sums = pa.table(
            {"place": places, "rank": np.tile(rank[numbers], 2), "count": np.tile(counts, 2)}
        ).filter(pa.array(in_group))
        summed = sums.group_by(["place", "rank"], use_threads=False).aggregate([("count", "sum")])
        summed = summed.sort_by([("place", "ascending"), ("rank", "ascending")])
        return Ambiguous(
            summed["place"].to_numpy(),
            np.sort(names)[summed["rank"].to_numpy()],
            summed["count_sum"].to_numpy(),
        )

    def total(self, frame: Frame) -> int:
        """Codons of all groups, ambiguous ones included."""
        ambiguous = self.ambiguous(frame)
        plain = self._plain[self._members[0], self._frames.index(frame)]
        return int(plain.sum()) + int(ambiguous.counts[ambiguous.places == 0].sum())

    def of(self, frame: Frame) -> list[GroupTally]:
        """The tally of each group, in order. For few groups."""
        at = self._frames.index(frame)
        kinds: list[dict[str, int]] = [{} for _ in self.groups]
        for place, codon, count in zip(*(column.tolist() for column in self.ambiguous(frame)), strict=True):
            kinds[place][codon] = count
        return [
            GroupTally(group, codes, self._plain[members, at], of_group)
            for group, codes, members, of_group in zip(
                self.groups, self._codes, self._members, kinds, strict=True
            )
        ]
