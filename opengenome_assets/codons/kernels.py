"""The counting kernel: every codon of every frame and both strands, from one pass over the letters."""

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODE_OF_BYTE, FRAMES, REVERSE_COMPLEMENT, WINDOWS
from opengenome_assets.codons.compiled import compiled


@compiled
def _count_windows(letters, starts, ends, code_of_byte, counts):  # type: ignore[no-untyped-def]
    four = np.uint32(4)
    mask = np.uint32(0xFFF)
    for record in range(starts.size):
        start = starts[record]
        end = ends[record]
        length = end - start
        if length < 3:
            continue
        tally = counts[length % 3]
        window = np.uint32((code_of_byte[letters[start]] << four) | code_of_byte[letters[start + 1]])
        at = start + 2
        # Three frames a turn: the window ending at start + 2 is frame 0's first.
        while at < end - 2:
            window = np.uint32(((window << four) | code_of_byte[letters[at]]) & mask)
            tally[0, window] += 1
            window = np.uint32(((window << four) | code_of_byte[letters[at + 1]]) & mask)
            tally[1, window] += 1
            window = np.uint32(((window << four) | code_of_byte[letters[at + 2]]) & mask)
            tally[2, window] += 1
            at += 3
        frame = 0
        while at < end:
            window = np.uint32(((window << four) | code_of_byte[letters[at]]) & mask)
            tally[frame, window] += 1
            frame += 1
            at += 1


def count_six_frames(
    letters: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    code_of_byte: NDArray[np.uint32] = CODE_OF_BYTE,
) -> NDArray[np.int64]:
    """Count the codons of all records in the six frames.

    The reverse strand needs no pass of its own: the forward window of frame f in a record of L bases is,
    complemented and reversed, the window of frame (L - f) mod 3 counted from the record's end. So the
    forward windows are tallied apart by L mod 3, and folded here.

    Args:
        letters: uint8, any shape (n,): the records' bytes, in one buffer.
        starts: int64, shape (records,): where each record begins in ``letters``.
        ends: int64, shape (records,): where each record ends, exclusive.
        code_of_byte: uint32, shape (256,): ``CODE_OF_BYTE``, or ``MASKED_CODE_OF_BYTE`` to skip lower case.

    Returns:
        int64, shape (2, 3, 4096): windows by strand (``STRANDS``), frame and 12-bit window. A window with
        a zero nibble holds a byte that is no nucleotide letter.
    """
    by_length = np.zeros((3, 3, WINDOWS), dtype=np.int64)
    _count_windows(letters, starts, ends, code_of_byte, by_length)
    counts = np.zeros((2, 3, WINDOWS), dtype=np.int64)
    counts[0] = by_length.sum(axis=0)
    for remainder in range(3):
        for frame in FRAMES:
            counts[1, (remainder - frame) % 3] += by_length[remainder, frame, REVERSE_COMPLEMENT]
    return counts
