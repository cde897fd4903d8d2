"""Lengths of the records in a chunk, and the check that all letters are nucleotides."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODE_OF_BYTE, INVALID_CODE
from opengenome_assets.codons.compiled import compiled

_IS_LETTER = CODE_OF_BYTE != INVALID_CODE


@dataclass(frozen=True)
class InvalidLetter:
    """The first byte of a record that is not a nucleotide letter."""

    row: int
    """row within the chunk, from 0"""
    position: int
    """position within the record, from 1"""
    byte: int
    """the byte itself, 0 to 255"""


@compiled
def _is_common(letters: NDArray[np.uint8]) -> bool:
    """Whether all letters are A, C, G, T, U or N, in upper or lower case."""
    other = np.uint8(0)
    # Without a table or an exit, the loop compiles to vector instructions.
    for at in range(letters.size):
        byte = letters[at] & np.uint8(0xDF)
        other |= np.uint8(
            (byte != np.uint8(65))
            & (byte != np.uint8(67))
            & (byte != np.uint8(71))
            & (byte != np.uint8(84))
            & (byte != np.uint8(85))
            & (byte != np.uint8(78))
        )
    return not other


@compiled
def _first_invalid(
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    is_letter: NDArray[np.bool_],
    found: NDArray[np.int64],
) -> None:
    stride = 4096
    for record in range(offsets.size - 1):
        at = offsets[record]
        end = offsets[record + 1]
        found[record] = -1
        while at < end:
            stop = min(at + stride, end)
            if not _is_common(letters[at:stop]):
                while at < stop and is_letter[letters[at]]:
                    at += 1
                if at < stop:
                    found[record] = at
                    break
            at = stop


def letters_and_offsets(chunk: pa.RecordBatch) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The buffers of a chunk's sequences, without a copy.

    Returns:
        uint8, shape (n,): the letters of all records, possibly with others before and after them;
        int64, shape (records + 1,): the begin of each record, and the end of the last one.
    """
    sequences = chunk.column("sequence")
    _, offset_buffer, letter_buffer = sequences.buffers()
    if len(sequences) == 0 or letter_buffer is None:
        return np.empty(0, np.uint8), np.zeros(len(sequences) + 1, np.int64)
    offsets = np.frombuffer(offset_buffer, np.int64, len(sequences) + 1, 8 * sequences.offset)
    return np.frombuffer(letter_buffer, np.uint8), offsets


def lengths(chunk: pa.RecordBatch) -> NDArray[np.int64]:
    """Lengths of the records in bases: int64, shape (records,)."""
    return np.diff(letters_and_offsets(chunk)[1])


def find_invalid(chunk: pa.RecordBatch) -> list[InvalidLetter]:
    """Find the first byte that is not a nucleotide letter in each record that has one, in order of rows."""
    letters, offsets = letters_and_offsets(chunk)
    found = np.empty(chunk.num_rows, np.int64)
    _first_invalid(letters, offsets, _IS_LETTER, found)
    return [
        InvalidLetter(int(row), int(found[row] - offsets[row]) + 1, int(letters[found[row]]))
        for row in np.flatnonzero(found >= 0)
    ]


def letter_name(byte: int) -> str:
    """Name of a byte in messages: ``'E'``, or ``byte 0x07`` if it is not printable."""
    if 0x21 <= byte < 0x7F:
        return f"'{chr(byte)}'"
    return f"byte 0x{byte:02X}"
