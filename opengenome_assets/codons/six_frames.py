"""The kernel that counts many letters: all codons of many records together, in six frames, in one pass.

Letters are packed with vector instructions: two bits each, four letters in a quad. Four quads then hold the next 14
letters, in which windows of five letters begin at 0, 3, 6 and 9. Such a window holds three codons, one of each frame, and
increases one of 1,024 counters, which fit into the fastest cache. Where a quad has a letter that is not A, C, G, T or U,
the twelve codons that begin in these letters are counted one by one.
"""

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    CODON_OF_WINDOW,
    CODONS,
    FRAMES,
    REVERSE_COMPLEMENT,
    WINDOWS,
)
from opengenome_assets.codons.compiled import compiled

# Letters that are packed at a time: their codes and quads fit into the fastest cache. A multiple of 12.
_PACKED = 12_288
# Codons that begin in the letters of a step, and the letters that they and their ends need.
_STEP, _SEEN = 12, 14
# Of a quad with a letter that is not plain.
_MIXED = 0x8000
_UPPER_OR_LOWER, _EXACT = np.uint8(0xDF), np.uint8(0xFF)
# Bits 1 and 2 of the letters' bytes: A 0, C 1, T and U 2, G 3.
_BASES = "ACTG"
# int64, shape (64,): place in CODONS of the six bits of a codon.
_CODON_OF_BITS = np.array([CODONS.index(a + b + c) for a in _BASES for b in _BASES for c in _BASES])
_WINDOW_OF_CODON = np.array([CODON_OF_WINDOW.index(codon) for codon in CODONS])
# int64, shape (64,): the codon that the other strand shows at the same place.
_OPPOSITE = np.array(
    [CODONS.index(CODON_OF_WINDOW[REVERSE_COMPLEMENT[window]]) for window in _WINDOW_OF_CODON]
)


@compiled
def _pack(
    letters: NDArray[np.uint8],
    fold: np.uint8,
    codes: NDArray[np.uint8],
    words: NDArray[np.uint32],
    quads: NDArray[np.uint16],
) -> None:
    """Pack letters. ``words`` are the bytes of ``codes``; the last quad may contain codes of earlier letters."""
    # Without tables and exits, these loops compile to vector instructions.
    for at in range(letters.size):
        byte = letters[at] & fold
        other = (
            (byte != np.uint8(65))
            & (byte != np.uint8(67))
            & (byte != np.uint8(71))
            & (byte != np.uint8(84))
            & (byte != np.uint8(85))
        )
        codes[at] = ((byte >> np.uint8(1)) & np.uint8(3)) | (np.uint8(other) << np.uint8(7))
    for at in range((letters.size + 3) // 4):
        word = words[at]
        # The first letter of four is in the lowest byte, and becomes the highest bits of the quad.
        quad = (
            ((word & np.uint32(3)) << np.uint32(6))
            | ((word >> np.uint32(4)) & np.uint32(0x30))
            | ((word >> np.uint32(14)) & np.uint32(0xC))
            | ((word >> np.uint32(24)) & np.uint32(3))
        )
        mixed = (word & np.uint32(0x80808080)) != np.uint32(0)
        quads[at] = np.uint16(quad) | (np.uint16(mixed) << np.uint16(15))


@compiled
def _count_singly(
    letters: NDArray[np.uint8], code_of_byte: NDArray[np.uint32], tally: NDArray[np.int64]
) -> None:
    """Count the codons that begin in the letters, each in its frame."""
    four, mask = np.uint32(4), np.uint32(0xFFF)
    window = np.uint32((code_of_byte[letters[0]] << four) | code_of_byte[letters[1]])
    frame = 0
    for at in range(2, letters.size):
        window = np.uint32(((window << four) | code_of_byte[letters[at]]) & mask)
        tally[frame, window] += 1
        frame = frame + 1 if frame < 2 else 0


@compiled
def _count(
    letters: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    code_of_byte: NDArray[np.uint32],
    fold: np.uint8,
    fives: NDArray[np.uint32],
    windows: NDArray[np.int64],
) -> None:
    codes = np.zeros(_PACKED, dtype=np.uint8)
    words = codes.view(np.uint32)
    quads = np.zeros(_PACKED // 4, dtype=np.uint16)
    ten = np.uint32(0x3FF)
    for record in range(starts.size):
        at, end = starts[record], ends[record]
        length = end - at
        if length < 3:
            continue
        five, tally = fives[length % 3], windows[length % 3]
        while end - at >= _SEEN:
            size = min(_PACKED, end - at)
            _pack(letters[at : at + size], fold, codes, words, quads)
            steps = (size - 2) // _STEP
            for step in range(steps):
                place = np.uint64(3 * step)
                one = np.uint32(quads[place])
                two = np.uint32(quads[place + np.uint64(1)])
                three = np.uint32(quads[place + np.uint64(2)])
                four = np.uint32(quads[place + np.uint64(3)])
                if (one | two | three | four) & np.uint32(_MIXED):
                    here = at + _STEP * step
                    _count_singly(letters[here : here + _SEEN], code_of_byte, tally)
                else:
                    bits = (one << np.uint32(24)) | (two << np.uint32(16)) | (three << np.uint32(8)) | four
                    five[np.uint64(bits >> np.uint32(22))] += np.uint32(1)
                    five[np.uint64((bits >> np.uint32(16)) & ten)] += np.uint32(1)
                    five[np.uint64((bits >> np.uint32(10)) & ten)] += np.uint32(1)
                    five[np.uint64((bits >> np.uint32(4)) & ten)] += np.uint32(1)
            at += _STEP * steps
        if end - at >= 3:
            _count_singly(letters[at:end], code_of_byte, tally)


@compiled
def _fold(fives: NDArray[np.uint32], windows: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Add the counters of plain codons up, by strand and frame, and set them to 0."""
    for remainder in range(3):
        for five in range(4**5):
            count = fives[remainder, five]
            if count:
                fives[remainder, five] = 0
                for frame in range(3):
                    codon = _CODON_OF_BITS[(five >> (4 - 2 * frame)) & 63]
                    counts[frame, codon] += count
                    counts[3 + (remainder - frame) % 3, _OPPOSITE[codon]] += count
        for frame in range(3):
            for codon in range(64):
                window = _WINDOW_OF_CODON[codon]
                counts[frame, codon] += windows[remainder, frame, window]
                counts[3 + (remainder - frame) % 3, _OPPOSITE[codon]] += windows[remainder, frame, window]
                windows[remainder, frame, window] = 0


class SixFrames:
    """Counts all codons of records in the six frames, again and again with the same counters.

    The reverse strand needs no second pass: the forward window of frame f in a record of L bases is,
    complemented and reversed, the window of frame (L - f) mod 3 counted from the record's end. So the
    forward windows are tallied apart by L mod 3, and folded at the end.

    Args:
        code_of_byte: uint32, shape (256,): ``CODE_OF_BYTE``, or ``MASKED_CODE_OF_BYTE`` to skip lower case.
    """

    def __init__(self, code_of_byte: NDArray[np.uint32] = CODE_OF_BYTE) -> None:
        self._code_of_byte = code_of_byte
        is_lower_plain = code_of_byte[ord("a")] == code_of_byte[ord("A")]
        self._fold = _UPPER_OR_LOWER if is_lower_plain else _EXACT
        self._fives = np.zeros((3, 4**5), dtype=np.uint32)
        self._windows = np.zeros((3, len(FRAMES), WINDOWS), dtype=np.int64)

    def count(
        self, letters: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the codons of all records together.

        Args:
            letters: uint8, any shape (n,): the records' bytes, in one buffer; fewer than 2^32 of them.
            starts: int64, shape (records,): where each record begins in ``letters``.
            ends: int64, shape (records,): where each record ends, exclusive.

        Returns:
            The counts that are not 0, in no order: int64, shape (n,), places in an array of shape (2, 3, 4096) by strand
            (``STRANDS``), frame and 12-bit window; and int64, shape (n,), the counts. A window with a zero nibble holds a
            byte that is no nucleotide letter.
        """
        _count(letters, starts, ends, self._code_of_byte, self._fold, self._fives, self._windows)
        plain = np.zeros((6, len(CODONS)), dtype=np.int64)
        _fold(self._fives, self._windows, plain)
        found = np.flatnonzero(plain)
        places, counts = found // 64 * WINDOWS + _WINDOW_OF_CODON[found % 64], plain.ravel()[found]
        windows = self._windows.ravel()
        others = np.flatnonzero(windows)
        if others.size:
            times = windows[others]
            windows[others] = 0
            remainder, frame, window = others // (3 * WINDOWS), others // WINDOWS % 3, others % WINDOWS
            backward = (3 + (remainder - frame) % 3) * WINDOWS + REVERSE_COMPLEMENT[window]
            both, where = np.unique(np.concatenate([others % (3 * WINDOWS), backward]), return_inverse=True)
            summed = np.zeros(both.size, dtype=np.int64)
            np.add.at(summed, where, np.concatenate([times, times]))
            places, counts = np.concatenate([places, both]), np.concatenate([counts, summed])
        return places, counts
