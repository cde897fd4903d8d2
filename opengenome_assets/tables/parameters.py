"""What is decided when the table is made, and not before."""

from dataclasses import dataclass
from functools import cached_property

from opengenome_assets.codons.alphabet import FRAMES, STRANDS
from opengenome_assets.codons.genetic_codes import STANDARD_CODE, GeneticCode, genetic_code
from opengenome_assets.errors import SettingError

# Counts are 64-bit integers.
MOST_COUNT = 2**63 - 1


@dataclass(frozen=True)
class TableParameters:
    """How the counts of all batches become the table; the defaults are the contract's.

    Attributes:
        frame: bases skipped at the strand's start: 0, 1 or 2.
        strand: ``+``, or ``-`` for the reverse complement, whose frames begin at the record's end.
        genetic_code: NCBI's number or name, for records whose own code is not known.
        skip_n: drop codons with any letter but A, C, G, T before the total is taken.
        skip_stops: drop each code's stops before the total is taken; dual codons stay.
        min_count: hide rows below this many codons, after everything is computed.

    Raises:
        SettingError: a value is outside of what is allowed.
    """

    frame: int = 0
    strand: str = "+"
    genetic_code: int | str = STANDARD_CODE
    skip_n: bool = True
    skip_stops: bool = False
    min_count: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.frame, bool) or self.frame not in FRAMES:
            raise SettingError(
                f"frame is {self.frame!r}; allowed are 0, 1 and 2, the bases skipped before the first codon."
            )
        if self.strand not in STRANDS:
            raise SettingError(
                f"strand is {self.strand!r}; allowed are '+' (as read) and '-' (reverse complement)."
            )
        is_whole = isinstance(self.min_count, int) and not isinstance(self.min_count, bool)
        if not is_whole or not 0 <= self.min_count <= MOST_COUNT:
            raise SettingError(
                f"min_count is {self.min_count!r}; allowed is a whole number from 0, which hides nothing, to 2^63 - 1."
            )
        genetic_code(self.genetic_code)

    @cached_property
    def code(self) -> GeneticCode:
        """The genetic code for records whose own is not known."""
        return genetic_code(self.genetic_code)
