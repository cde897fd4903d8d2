"""The compiled part of the FASTA parser: splits bytes of text into letters and headers, with state between blocks."""

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.compiled import compiled

# Why `scan` returned.
NEEDS_TEXT, CHUNK_FULL, LETTERS_FULL, HEADERS_FULL, NO_HEADER = range(5)

# Position of the scan in the file.
BETWEEN, HEADER, SEQUENCE = range(3)

# Fields of the state, int64, shape (9,): number of letters, header bytes and records in the buffers; one of BETWEEN,
# HEADER, SEQUENCE; whether a line begins, and whether a CR ended the one before; the line number from 1; number of
# letters in the current line so far, and in the last complete line.
LETTERS, HEADER_BYTES, RECORDS, PLACE, LINE_BEGINS, AFTER_CR, LINE, IN_LINE, WIDTH = range(9)
STATE_FIELDS = 9

_STRIDE = 64
TAB, LF, CR, SPACE, GREATER = b"\t\n\r >"


@compiled
def _copy(text: NDArray[np.uint8], letters: NDArray[np.uint8]) -> bool:
    """Copy bytes of equal number. Whether all of them have bit 6 set, as letters do and bytes with a meaning do not."""
    common = np.uint8(64)
    for at in range(letters.size):
        byte = text[at]
        common &= byte
        letters[at] = byte
    return bool(common)


@compiled
def scan(  # noqa: PLR0912, PLR0915 - split, its state would travel through memory at every byte
    text: NDArray[np.uint8],
    at: int,
    letters: NDArray[np.uint8],
    letter_ends: NDArray[np.int64],
    headers: NDArray[np.uint8],
    header_ends: NDArray[np.int64],
    state: NDArray[np.int64],
    alone: bool,  # noqa: FBT001 (numba takes arguments by position)
) -> tuple[int, int]:
    """Parse ``text`` from ``at`` to its end, or until a buffer is full.

    Line ends may be LF, CRLF or CR. Spaces, tabs and line ends in sequences are removed; all other bytes are kept.

    Args:
        text: uint8, shape (n,).
        at: first position in ``text``.
        letters: uint8, shape (bases,): letters are appended at ``state[LETTERS]``.
        letter_ends: int64, shape (records,): end of each complete record in ``letters``.
        headers: uint8, shape (bytes,): headers without ``>`` are appended at ``state[HEADER_BYTES]``.
        header_ends: int64, shape (records,): end of the header of each complete record in ``headers``.
        state: int64, shape (STATE_FIELDS,), changed in place.
        alone: whether to return after one complete record.

    Returns:
        Position where it stopped, and the reason.
    """
    size = text.size
    filled = state[LETTERS]
    header_filled = state[HEADER_BYTES]
    records = state[RECORDS]
    place = state[PLACE]
    line_begins = state[LINE_BEGINS] != 0
    after_cr = state[AFTER_CR] != 0
    line = state[LINE]
    in_line = state[IN_LINE]
    width = state[WIDTH]
    byte_by_byte_until = at
    why = NEEDS_TEXT
    while at < size:
        byte = text[at]
        if byte in (LF, CR):
            if byte == CR or not after_cr:
                line += 1
            if in_line > 0:
                width = in_line
                in_line = 0
            after_cr = byte == CR
            line_begins = True
            if place == HEADER:
                place = SEQUENCE
            at += 1
            byte_by_byte_until = at
            continue
        after_cr = False
        if place == HEADER:
            if header_filled == headers.size:
                why = HEADERS_FULL
                break
            headers[header_filled] = byte
            header_filled += 1
            at += 1
            continue
        if line_begins and byte == GREATER:
            if place == SEQUENCE:
                letter_ends[records] = filled
                header_ends[records] = header_filled
                records += 1
                place = BETWEEN
                if alone or records == letter_ends.size:
                    why = CHUNK_FULL
                    break
            place = HEADER
            line_begins = False
            at += 1
            continue
        if place == SEQUENCE and at >= byte_by_byte_until:
            # The lines of a record nearly always have the same width, so try to copy a whole line.
            stride = _STRIDE
            if line_begins and width > 0 and at + width < size and text[at + width] <= CR:
                stride = width
            fits = at + stride <= size and filled + stride <= letters.size
            if fits and _copy(text[at : at + stride], letters[filled : filled + stride]):
                at += stride
                filled += stride
                in_line += stride
                line_begins = False
                continue
            byte_by_byte_until = at + stride
        if byte not in (SPACE, TAB):
            if place != SEQUENCE:
                why = NO_HEADER
                break
            if filled == letters.size:
                why = LETTERS_FULL
                break
            letters[filled] = byte
            filled += 1
            in_line += 1
        line_begins = False
        at += 1
    state[LETTERS] = filled
    state[HEADER_BYTES] = header_filled
    state[RECORDS] = records
    state[PLACE] = place
    state[LINE_BEGINS] = line_begins
    state[AFTER_CR] = after_cr
    state[LINE] = line
    state[IN_LINE] = in_line
    state[WIDTH] = width
    return at, why


@compiled
def _is_blank(byte: int) -> bool:
    return byte == SPACE or TAB <= byte <= CR


@compiled
def split_headers(
    headers: NDArray[np.uint8],
    header_ends: NDArray[np.int64],
    ids: NDArray[np.uint8],
    id_offsets: NDArray[np.int32],
    rest: NDArray[np.uint8],
    rest_offsets: NDArray[np.int32],
) -> None:
    """Split each header into its first word and the rest, both without surrounding blanks.

    Args:
        headers: uint8, shape (n,).
        header_ends: int64, shape (records,).
        ids: uint8, shape (n,): receives the first words.
        id_offsets: int32, shape (records + 1,): receives their offsets in ``ids``.
        rest: uint8, shape (n,): receives the rest of the headers.
        rest_offsets: int32, shape (records + 1,): receives the offsets in ``rest``.
    """
    id_filled = 0
    rest_filled = 0
    begin = 0
    id_offsets[0] = 0
    rest_offsets[0] = 0
    for record in range(header_ends.size):
        end = header_ends[record]
        at = begin
        begin = end
        while end > at and _is_blank(headers[end - 1]):
            end -= 1
        while at < end and _is_blank(headers[at]):
            at += 1
        while at < end and not _is_blank(headers[at]):
            ids[id_filled] = headers[at]
            id_filled += 1
            at += 1
        while at < end and _is_blank(headers[at]):
            at += 1
        while at < end:
            rest[rest_filled] = headers[at]
            rest_filled += 1
            at += 1
        id_offsets[record + 1] = id_filled
        rest_offsets[record + 1] = rest_filled
