"""Counts codons by class of records, and by record, for two purposes that share no counting code: each checks the other.

``count_by_class`` counts every frame of both strands in one pass over the letters: large classes with
``SixFrames``, many small ones together. ``count_by_record`` is simpler: one frame of each record apart.
"""

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    CODON_OF_WINDOW,
    CODONS,
    LETTER_OF_CODE,
    REVERSE_COMPLEMENT,
    STRANDS_OF,
    WINDOWS,
)
from opengenome_assets.codons.compiled import compiled
from opengenome_assets.codons.six_frames import SixFrames

# Number of a base in A, C, G, T, by its 4-bit code; 4 for every other letter.
_BASE_OF_CODE = np.array(["ACGT".find(letter) % 5 for letter in LETTER_OF_CODE], dtype=np.int64)
# Column of the codons with any other letter.
AMBIGUOUS = len(CODONS)


# A smaller class is counted faster together with others.
SMALL_CLASS_BASES = 1 << 16
# Limits of small classes that are counted together: 13 MB of counters, and 16 MB of ambiguous windows.
_CLASSES_TOGETHER = 4096
_BASES_TOGETHER = 1 << 20
PLACES = 2 * 3 * WINDOWS
# Column of a window in the counters of small classes: the 64 codons, then NNN; -1 for all others.
_NNN = len(CODONS)
_COLUMN_OF_WINDOW = np.full(WINDOWS, -1, dtype=np.int8)
_WINDOW_OF_COLUMN = np.array([CODON_OF_WINDOW.index(codon) for codon in (*CODONS, "NNN")])
_COLUMN_OF_WINDOW[_WINDOW_OF_COLUMN] = np.arange(_NNN + 1)


@compiled
def _count_small_classes(
    letters: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    classes: NDArray[np.int64],
    code_of_byte: NDArray[np.uint32],
    reverse_complement: NDArray[np.int64],
    counts: NDArray[np.int64],
    others: NDArray[np.int64],
) -> int:
    mask = np.uint32(0xFFF)
    four = np.uint32(4)
    found = 0
    for record in range(starts.size):
        start = starts[record]
        length = ends[record] - start
        if length < 3:
            continue
        tally = counts[classes[record]]
        first = classes[record] * 6
        window = np.uint32((code_of_byte[letters[start]] << four) | code_of_byte[letters[start + 1]])
        frame = 0
        # The window at position p begins length - 3 - p bases from the end of the record.
        backward = length % 3
        for at in range(start + 2, ends[record]):
            window = np.uint32(((window << four) | code_of_byte[letters[at]]) & mask)
            other = reverse_complement[window]
            column = _COLUMN_OF_WINDOW[window]
            if column >= 0:
                tally[frame, column] += 1
                tally[3 + backward, _COLUMN_OF_WINDOW[other]] += 1
            else:
                others[found] = (first + frame) * WINDOWS + window
                others[found + 1] = (first + 3 + backward) * WINDOWS + other
                found += 2
            frame = frame + 1 if frame < 2 else 0
            backward = backward - 1 if backward > 0 else 2
    return found


def count_by_class(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.int64],
    code_of_byte: NDArray[np.uint32] = CODE_OF_BYTE,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the codons of each class of records in the six frames.

    Args:
        letters: uint8: the records' bytes, in one buffer.
        offsets: int64, shape (records + 1,): where each record begins and the last one ends.
        classes: int64, shape (records,): the class of each record, a number from 0.
        code_of_byte: uint32, shape (256,), as for ``SixFrames``.

    Returns:
        The counts that are not 0, in no order: int64, shape (n,), ``class * PLACES + place`` where ``place`` is the
        position in an array of shape (2, 3, 4096) by strand, frame and window; and int64, shape (n,), the counts.
    """
    six_frames = SixFrames(code_of_byte)
    order = np.argsort(classes, kind="stable")
    starts, ends, classes = offsets[:-1][order], offsets[1:][order], classes[order]
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(classes)) + 1, [classes.size]])
    bases = np.concatenate([[0], np.cumsum(ends - starts)])
    keys, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    at, last = 0, firsts.size - 1 if classes.size else 0
    while at < last:
        end = at + 1
        rows = slice(firsts[at], firsts[end])
        if bases[firsts[end]] - bases[firsts[at]] >= SMALL_CLASS_BASES:
            places, times = six_frames.count(letters, starts[rows], ends[rows])
            keys.append(classes[firsts[at]] * PLACES + places)
            counts.append(times)
        else:
            while (
                end < min(last, at + _CLASSES_TOGETHER)
                and bases[firsts[end + 1]] - bases[firsts[end]] < SMALL_CLASS_BASES
                and bases[firsts[end + 1]] - bases[firsts[at]] <= _BASES_TOGETHER
            ):
                end += 1
            rows = slice(firsts[at], firsts[end])
            numbers = classes[firsts[at:end]]
            compact = np.searchsorted(numbers, classes[rows])
            small_keys, small_counts = _small_classes(
                letters, starts[rows], ends[rows], compact, code_of_byte
            )
            keys.append(numbers[small_keys // PLACES] * PLACES + small_keys % PLACES)
            counts.append(small_counts)
        at = end
    return np.concatenate(keys), np.concatenate(counts)


def _small_classes(
    letters: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    classes: NDArray[np.int64],
    code_of_byte: NDArray[np.uint32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As ``count_by_class``, for sorted classes that are counted together."""
    dense = np.zeros((int(classes[-1]) + 1, 6, _NNN + 1), dtype=np.int64)
    others = np.empty(2 * int((ends - starts).sum()), dtype=np.int64)
    found = _count_small_classes(
        letters, starts, ends, classes, code_of_byte, REVERSE_COMPLEMENT, dense, others
    )
    plain = np.flatnonzero(dense)
    ambiguous, times = np.unique(others[:found], return_counts=True)
    keys = plain // (_NNN + 1) * WINDOWS + _WINDOW_OF_COLUMN[plain % (_NNN + 1)]
    return np.concatenate([keys, ambiguous]), np.concatenate([dense.ravel()[plain], times])


@compiled
def _count_records(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    base_of_byte: NDArray[np.uint8],
    frame: int,
    reverse: bool,  # noqa: FBT001 (numba takes arguments by position)
    counts: NDArray[np.int64],
) -> None:
    for record in range(offsets.size - 1):
        start = offsets[record]
        end = offsets[record + 1]
        row = counts[record]
        for number in range((end - start - frame) // 3):
            if reverse:
                at = end - 1 - frame - 3 * number
                first = base_of_byte[letters[at]]
                second = base_of_byte[letters[at - 1]]
                third = base_of_byte[letters[at - 2]]
            else:
                at = start + frame + 3 * number
                first = base_of_byte[letters[at]]
                second = base_of_byte[letters[at + 1]]
                third = base_of_byte[letters[at + 2]]
            if first == 4 or second == 4 or third == 4:
                row[AMBIGUOUS] += 1
            elif reverse:
                # A, C, G, T are 0 to 3, so the complement is what is missing to 3.
                row[(3 - first) * 16 + (3 - second) * 4 + 3 - third] += 1
            else:
                row[first * 16 + second * 4 + third] += 1


def count_by_record(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    frame: int,
    strand: str,
    code_of_byte: NDArray[np.uint32] = CODE_OF_BYTE,
) -> NDArray[np.int64]:
    """Count each record's codons in one frame of a strand, or of both strands together.

    Args:
        letters: uint8: the records' bytes, in one buffer.
        offsets: int64, shape (records + 1,): where each record begins and the last one ends.
        frame: 0, 1 or 2 bases from the strand's start.
        strand: ``+``, ``-`` or ``both``.
        code_of_byte: uint32, shape (256,), as for ``SixFrames``.

    Returns:
        int64, shape (records, 65): the 64 codons in the order of ``CODONS``, then all others together.
    """
    counts = np.zeros((offsets.size - 1, len(CODONS) + 1), dtype=np.int64)
    for each in STRANDS_OF[strand]:
        _count_records(letters, offsets, _BASE_OF_CODE[code_of_byte], frame, each == "-", counts)
    return counts
