"""Assigns rows to batches. Pure arithmetic on row numbers and lengths."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.errors import SettingError
from opengenome_assets.settings import DEFAULT_BATCH_SIZE, MOST_BATCHES, BatchSize

# Limits of a batch with batch size `auto`. Ids of a batch are held in memory while it is checked.
AUTO_BATCH_BASES = 512_000_000
AUTO_BATCH_ROWS = 1_000_000


def batch_key(number: int) -> str:
    """Partition key of a batch: at least four digits."""
    return f"batch_{number:04d}"


def batch_number(key: str) -> int:
    """Number of a partition key."""
    return int(key.removeprefix("batch_"))


def in_order(keys: list[str]) -> list[str]:
    """Keys sorted by number. Sorted as strings, batch_10001 would come before batch_9998."""
    return sorted(keys, key=batch_number)


def stretches(keys: list[str]) -> list[list[str]]:
    """Contiguous ranges of keys, in order; a range run processes one range."""
    runs: list[list[str]] = []
    for key in in_order(keys):
        if runs and batch_number(runs[-1][-1]) + 1 == batch_number(key):
            runs[-1].append(key)
        else:
            runs.append([key])
    return runs


@dataclass(frozen=True)
class BatchPlan:
    """Boundaries of the batches: batch k has the rows [boundaries[k], boundaries[k + 1])."""

    boundaries: tuple[int, ...]

    @property
    def rows(self) -> int:
        return self.boundaries[-1]

    @property
    def keys(self) -> list[str]:
        return [batch_key(number) for number in range(len(self.boundaries) - 1)]

    def range_of(self, key: str) -> tuple[int, int]:
        """First row of a batch and the row after its last."""
        number = batch_number(key)
        return self.boundaries[number], self.boundaries[number + 1]


EMPTY_PLAN = BatchPlan((0,))


def plan_by_rows(rows: int, batch_size: int) -> BatchPlan:
    """Batches of ``batch_size`` rows each; the last one may be shorter.

    Raises:
        SettingError: there would be more batches than Dagster can handle.
    """
    if rows > batch_size * MOST_BATCHES:
        least = -(-rows // MOST_BATCHES)
        msg = (
            f"OPENGENOME_BATCH_SIZE: {rows:,} rows in batches of {batch_size:,} need more than {MOST_BATCHES:,} "
            f"partitions, which Dagster cannot handle. Set {least:,} or more, or 'auto'."
        )
        raise SettingError(msg)
    return BatchPlan((*range(0, rows, batch_size), rows))


def plan_by_bases(
    lengths: Iterable[NDArray[np.uint32]],
    most_bases: int = AUTO_BATCH_BASES,
    most_rows: int = AUTO_BATCH_ROWS,
) -> BatchPlan:
    """Batches of about ``most_bases`` bases, at least one row each.

    Args:
        lengths: uint32: length of each row in bases, in pieces.
        most_bases: maximum size of a batch in bases, except for a single longer row.
        most_rows: maximum number of rows in a batch.
    """
    boundaries = [0]
    row = held = 0
    for piece in lengths:
        ends = np.cumsum(piece, dtype=np.int64)
        at = before = 0
        while at < piece.size:
            fits = int(np.searchsorted(ends, before + most_bases - held, side="right"))
            fits = max(min(fits, boundaries[-1] + most_rows - row), at)
            if boundaries[-1] == row + at:
                fits = max(fits, at + 1)
            if fits > at:
                held += int(ends[fits - 1]) - before
                at, before = fits, int(ends[fits - 1])
            if at < piece.size:
                boundaries.append(row + at)
                held = 0
        row += piece.size
    return BatchPlan((*boundaries, row) if row > boundaries[-1] else tuple(boundaries))


def bases_between(lengths: Iterable[NDArray[np.uint32]], boundaries: tuple[int, ...]) -> tuple[int, ...]:
    """Number of bases in each batch.

    Args:
        lengths: uint32: length of each row in bases, in pieces.
        boundaries: of a plan of these rows.
    """
    sums = [0] * (len(boundaries) - 1)
    row = batch = 0
    for piece in lengths:
        end = row + piece.size
        while batch < len(sums):
            first, last = max(boundaries[batch], row), min(boundaries[batch + 1], end)
            sums[batch] += int(piece[first - row : last - row].sum(dtype=np.int64))
            if boundaries[batch + 1] > end:
                break
            batch += 1
        row = end
    return tuple(sums)


def plan_batches(lengths: Iterable[NDArray[np.uint32]], rows: int, batch_size: BatchSize) -> BatchPlan:
    """The plan of an input.

    Args:
        lengths: uint32: length of each row in bases, in pieces. Read only for batch size ``auto``.
        rows: number of rows.
        batch_size: rows per batch, or ``auto``.
    """
    return plan_by_bases(lengths) if batch_size == "auto" else plan_by_rows(rows, batch_size)


def plan_declared(rows: int | None, batch_size: BatchSize | None) -> BatchPlan:
    """The plan before registration; empty if the number of rows or the boundaries are unknown."""
    size = batch_size or DEFAULT_BATCH_SIZE
    if rows is None or size == "auto":
        return EMPTY_PLAN
    return plan_by_rows(rows, size)


def effective_records(lengths: Iterable[NDArray[np.uint32]]) -> float:
    """Kish's effective number of records: N records of equal length would give the same amount of information.

    (ΣL)² / ΣL². It is 1 if one record outweighs all others, the number of records if all have the same length, and 0
    without any bases. Kish, Survey Sampling, Wiley 1965.

    Args:
        lengths: uint32: length of each row in bases, in pieces.
    """
    total = squares = 0.0
    for piece in lengths:
        # The sum of squares of long records overflows 64 bits.
        part = piece.astype(np.float64)
        total += float(part.sum())
        squares += float(np.square(part).sum())
    return total**2 / squares if squares else 0.0


SEED = 20_240_915
_ROWS_AT_ONCE = 1 << 20


# Writing and checking a batch use the same rows.
@lru_cache(maxsize=1)
def draw_rows(rows: int, sample: int, seed: int = SEED) -> NDArray[np.int64]:
    """Draw rows without replacement: those with the smallest hashes of their row numbers.

    The hash (SplitMix64: Steele, Lea, Flood 2014, https://doi.org/10.1145/2660193.2660195) does not depend on a
    library's random numbers, or on how the input is read.

    Args:
        rows: number of rows in the whole input.
        sample: number of rows to draw; all rows if there are fewer.
        seed: seed of the hash.

    Returns:
        int64, shape (min(sample, rows),): row numbers, increasing.
    """
    kept_rows = np.zeros(0, dtype=np.int64)
    kept_ranks = np.zeros(0, dtype=np.uint64)
    for first in range(0, rows, _ROWS_AT_ONCE):
        numbers = np.arange(first, min(first + _ROWS_AT_ONCE, rows), dtype=np.int64)
        kept_rows = np.concatenate([kept_rows, numbers])
        kept_ranks = np.concatenate([kept_ranks, _hash(numbers.astype(np.uint64), seed)])
        if kept_rows.size > sample:
            smallest = np.argpartition(kept_ranks, sample)[:sample]
            kept_rows, kept_ranks = kept_rows[smallest], kept_ranks[smallest]
    drawn = np.sort(kept_rows)
    drawn.flags.writeable = False
    return drawn


def _hash(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    # The hash is defined by arithmetic modulo 2^64, so overflow is intended.
    with np.errstate(over="ignore"):
        mixed = (numbers + np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
