"""FASTA's compiled half: bytes of text into letters and headers, with state between blocks."""

import numpy as np

from opengenome_assets.codons.kernels import compiled

# Why `scan` returned.
NEEDS_TEXT, CHUNK_FULL, LETTERS_FULL, HEADERS_FULL, NO_HEADER = range(5)

# Where in a file the scan is.
BETWEEN, HEADER, SEQUENCE = range(3)

# Fields of the state, int64, shape (9,): letters, header bytes and records in the buffers; one of BETWEEN,
# HEADER, SEQUENCE; whether a line begins, and whether a CR ended the one before; the line's number from 1;
# letters of the line so far, and of the last whole line.
LETTERS, HEADER_BYTES, RECORDS, PLACE, LINE_BEGINS, AFTER_CR, LINE, IN_LINE, WIDTH = range(9)
STATE_FIELDS = 9

_STRIDE = 64
TAB, LF, CR, SPACE, GREATER = b"\t\n\r >"


@compiled
def scan(text, at, letters, letter_ends, headers, header_ends, state, alone):  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915 - split, its state would travel through memory at every byte
    """Parse ``text`` from ``at`` until it is used up or a buffer is full.

    Line ends may be LF, CRLF or CR. Spaces, tabs and line ends inside of sequences are dropped, all other
    bytes are kept.

    Args:
        text: uint8, shape (n,).
        at: where to begin in ``text``.
        letters: uint8, shape (bases,): letters are appended at ``state[LETTERS]``.
        letter_ends: int64, shape (records,): where each finished record ends in ``letters``.
        headers: uint8, shape (bytes,): the headers without ``>``, appended at ``state[HEADER_BYTES]``.
        header_ends: int64, shape (records,): where each finished record's header ends in ``headers``.
        state: int64, shape (STATE_FIELDS,), changed in place.
        alone: whether to return as soon as one record is finished.

    Returns:
        Where it stopped, and why.
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
            # Lines of a record are nearly always as wide as the one before, so try that many at once.
            # All letters and none of the bytes that mean something have bit 6 set, so one AND shows it.
            stride = _STRIDE
            if line_begins and width > 0 and at + width < size and text[at + width] <= CR:
                stride = width
            if at + stride <= size and filled + stride <= letters.size:
                common = np.uint8(64)
                for i in range(stride):
                    common &= text[at + i]
                    letters[filled + i] = text[at + i]
                if common:
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
def _is_blank(byte):  # type: ignore[no-untyped-def]
    return byte == SPACE or TAB <= byte <= CR


@compiled
def split_headers(headers, header_ends, ids, id_offsets, rest, rest_offsets):  # type: ignore[no-untyped-def]
    """Split each header into its first word and what follows, both without blanks around them.

    Args:
        headers: uint8, shape (n,).
        header_ends: int64, shape (records,).
        ids: uint8, shape (n,): receives the first words.
        id_offsets: int32, shape (records + 1,): receives where they begin and end.
        rest: uint8, shape (n,): receives what follows them.
        rest_offsets: int32, shape (records + 1,): receives where that begins and ends.
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
