"""Which rows a sample holds: drawn over the whole input, the same ones on every machine."""

import numpy as np
from numpy.typing import NDArray

SEED = 20_240_915
_ROWS_AT_ONCE = 1 << 20


def draw_rows(rows: int, sample: int, seed: int = SEED) -> NDArray[np.int64]:
    """Draw rows without replacement: those whose hashed numbers are the smallest.

    A hash of the row's number (SplitMix64: Steele, Lea, Flood 2014, https://doi.org/10.1145/2660193.2660195)
    does not depend on any library's generator, nor on how the input is read.

    Args:
        rows: of the whole input.
        sample: how many to draw; all of them if there are fewer.
        seed: another one draws other rows.

    Returns:
        int64, shape (min(sample, rows),): row numbers, rising.
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
    return np.sort(kept_rows)


def _hash(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    # Arithmetic modulo 2^64 is what the hash is made of, so wrapping around is meant.
    with np.errstate(over="ignore"):
        mixed = (numbers + np.uint64(seed) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
