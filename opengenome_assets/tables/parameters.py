"""What is decided when the table is made, and not before: declared once, for options, run config and metadata."""

from dataclasses import dataclass, field
from functools import cached_property

from opengenome_assets.codons.alphabet import FRAMES, STRANDS
from opengenome_assets.codons.genetic_codes import STANDARD_CODE, GeneticCode, genetic_code
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import SWITCH, Form, declared, one_of, setting, whole_number

# Counts are 64-bit integers.
MOST_COUNT = 2**63 - 1
# The parameters of a row per sequence, which shows skipped codons and hides none.
OF_SEQUENCES = ("frame", "strand", "genetic_code", "skip_stops")


def _find_code(id_or_name: int | str) -> GeneticCode:
    try:
        return genetic_code(id_or_name)
    except SettingError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class TableParameters:
    """How the counts of all batches become the table; the defaults are the contract's.

    Raises:
        SettingError: a value is outside of what is allowed.
    """

    frame: int = field(
        default=0,
        metadata=setting(
            whole_number(0, FRAMES[-1]), f"Bases skipped at the start of the strand, 0 to {FRAMES[-1]}."
        ),
    )
    strand: str = field(
        default="+",
        metadata=setting(
            one_of(*STRANDS),
            "+ as read, or - for the reverse complement, whose frames begin at the record's end.",
        ),
    )
    genetic_code: int | str = field(
        default=STANDARD_CODE,
        metadata=setting(
            Form(lambda text: _find_code(text).id, _find_code, metavar="CODE"),
            "NCBI number or name of the genetic code, for records that the metadata table gives none.",
        ),
    )
    skip_n: bool = field(
        default=True,
        metadata=setting(
            SWITCH, "Leave out codons with any letter but A, C, G, T or U, before the total is taken."
        ),
    )
    skip_stops: bool = field(
        default=False,
        metadata=setting(
            SWITCH, "Leave out the code's stop codons, before the total is taken. Dual codons stay."
        ),
    )
    min_count: int = field(
        default=0,
        metadata=setting(
            whole_number(0, MOST_COUNT), "Hide codons counted less often, after everything is computed."
        ),
    )

    def __post_init__(self) -> None:
        for name, each in declared(TableParameters).items():
            each.check(getattr(self, name))

    @cached_property
    def code(self) -> GeneticCode:
        """The genetic code for records whose own is not known."""
        return genetic_code(self.genetic_code)
