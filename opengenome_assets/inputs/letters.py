"""Lengths of the records in a chunk, and the check that all letters are nucleotides."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODE_OF_BYTE, INVALID_CODE
from opengenome_assets.codons.compiled import compiled

_IS_LETTER = CODE_OF_BYTE != INVALID_CODE
_MASKED = np.where(_IS_LETTER, np.arange(256), ord("N")).astype(np.uint8)
_BAR, _UNDERSCORE = ord("|"), ord("_")
_LONGEST_SHOWN = 60


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


def masked(chunk: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """The records with N for each byte that is not a nucleotide letter, and the number of these bytes."""
    letters, offsets = letters_and_offsets(chunk)
    found = letters[offsets[0] : offsets[-1]]
    sequences = pa.LargeStringArray.from_buffers(
        chunk.num_rows, pa.py_buffer(offsets - offsets[0]), pa.py_buffer(_MASKED[found])
    )
    column = chunk.schema.get_field_index("sequence")
    return chunk.set_column(column, chunk.schema.field(column), sequences), invalid_letters(chunk)


def invalid_letters(chunk: pa.RecordBatch) -> int:
    """Number of bytes that are not nucleotide letters."""
    letters, offsets = letters_and_offsets(chunk)
    return int(np.count_nonzero(~_IS_LETTER[letters[offsets[0] : offsets[-1]]]))


def lineage_prompt(chunk: pa.RecordBatch) -> tuple[int, str] | None:
    """The first row with a lineage such as ``|D__BACTERIA;P__…|`` in its letters, and the begin of that; None without one.

    Sets for training language models have them between the sequences.
    """
    letters, offsets = letters_and_offsets(chunk)
    found = letters[offsets[0] : offsets[-1]]
    bars = np.flatnonzero(found[:-3] == _BAR)
    prompts = bars[(found[bars + 2] == _UNDERSCORE) & (found[bars + 3] == _UNDERSCORE)]
    for at in prompts + offsets[0]:
        row = int(np.searchsorted(offsets, at, side="right")) - 1
        if at + 3 < offsets[row + 1]:
            end = min(at + _LONGEST_SHOWN, offsets[row + 1])
            return row, letters[at:end].tobytes().decode("utf-8", "replace")
    return None


def letter_name(byte: int) -> str:
    """Name of a byte in messages: ``'E'``, or ``byte 0x07`` if it is not printable."""
    if 0x21 <= byte < 0x7F:
        return f"'{chr(byte)}'"
    return f"byte 0x{byte:02X}"
