"""Codons of each record apart, in one frame: a kernel of its own, simpler than that of the batch counts."""

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODE_OF_BYTE, CODONS, LETTER_OF_CODE
from opengenome_assets.codons.compiled import compiled

# Number of a base in A, C, G, T, by its 4-bit code; 4 for every other letter.
_BASE_OF_CODE = np.array(["ACGT".find(letter) % 5 for letter in LETTER_OF_CODE], dtype=np.int64)
AMBIGUOUS = len(CODONS)


@compiled
def _count_records(letters, offsets, base_of_byte, frame, reverse, counts):  # type: ignore[no-untyped-def]
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
    """Count each record's codons in one frame of one strand.

    Args:
        letters: uint8: the records' bytes, in one buffer.
        offsets: int64, shape (records + 1,): where each record begins and the last one ends.
        frame: 0, 1 or 2 bases from the strand's start.
        strand: ``+`` or ``-``.
        code_of_byte: uint32, shape (256,), as for ``count_six_frames``.

    Returns:
        int64, shape (records, 65): the 64 codons in the order of ``CODONS``, then all others together.
    """
    counts = np.zeros((offsets.size - 1, len(CODONS) + 1), dtype=np.int64)
    _count_records(letters, offsets, _BASE_OF_CODE[code_of_byte], frame, strand == "-", counts)
    return counts
