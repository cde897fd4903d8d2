"""Nucleotide letters as 4-bit codes, and codons as 12-bit windows of three codes.

A code is the set of bases that a letter stands for (A=1, C=2, G=4, T=8), so R (A or G) is 5 and N is 15,
and a complement is the code with its bits in reverse. Code 0 stands for no letter at all. Letters and sets:
Nomenclature Committee of the IUB (1985), https://doi.org/10.1093/nar/13.9.3021.
"""

import numpy as np
from numpy.typing import NDArray

# Position in the string is the code.
LETTER_OF_CODE = "?ACMGRSVTWYHKDBN"
NUCLEOTIDE_LETTERS = LETTER_OF_CODE[1:] + "U"
WINDOWS = 4096
INVALID_CODE = 0
STRANDS = ("+", "-")
# What the parameter "strand" can be → the strands whose codons are added up.
STRANDS_OF = {"+": ("+",), "-": ("-",), "both": STRANDS}
FRAMES = (0, 1, 2)


def _codes(*, masked: bool) -> NDArray[np.uint32]:
    table = np.zeros(256, dtype=np.uint32)
    for letter in NUCLEOTIDE_LETTERS:
        code = LETTER_OF_CODE.index("T" if letter == "U" else letter)
        table[ord(letter)] = code
        table[ord(letter.lower())] = LETTER_OF_CODE.index("N") if masked else code
    return table


# uint32, shape (256,): the code of every byte; lower case counts as upper, U as T, the rest is 0.
CODE_OF_BYTE = _codes(masked=False)
# The same, with soft-masked (lower-case) letters taken for N.
MASKED_CODE_OF_BYTE = _codes(masked=True)


def codon_of_window(window: int) -> str:
    """Three letters of a 12-bit window, upper case, U written as T."""
    return "".join(LETTER_OF_CODE[(window >> shift) & 15] for shift in (8, 4, 0))


def _reverse_complements() -> NDArray[np.int64]:
    def complement(code: int) -> int:
        return int(f"{code:04b}"[::-1], 2)

    return np.array(
        [complement(w & 15) << 8 | complement(w >> 4 & 15) << 4 | complement(w >> 8) for w in range(WINDOWS)],
        dtype=np.int64,
    )


# int64, shape (4096,): the window that the other strand shows at the same place.
REVERSE_COMPLEMENT = _reverse_complements()

CODON_OF_WINDOW = tuple(codon_of_window(w) for w in range(WINDOWS))

# The 64 codons without ambiguous letters, in order A, C, G, T.
CODONS = tuple(a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT")
