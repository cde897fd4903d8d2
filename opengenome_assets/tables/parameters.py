"""What is decided when the table is made, and not before: declared once, for options, run config and metadata."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from opengenome_assets.codons.alphabet import FRAMES, STRANDS_OF
from opengenome_assets.codons.genetic_codes import STANDARD_CODE, GeneticCode, genetic_code
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import SWITCH, Form, declared, one_of, whole_number

# Counts are 64-bit integers.
MOST_COUNT = 2**63 - 1
# The parameters of a row per sequence, which shows skipped codons and hides none.
OF_SEQUENCES = ("frame", "strand", "genetic_code", "skip_stops")


def _code(id_or_name: object) -> int:
    if not isinstance(id_or_name, int | str):
        raise ValueError
    try:
        return genetic_code(id_or_name).id
    except SettingError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class TableParameters:
    """Parameters of the table.

    A genetic code may be given by name.

    Raises:
        SettingError: a value is outside of what is allowed.
    """

    frame: Annotated[
        int, whole_number(0, FRAMES[-1]), "Bases skipped at the start of the strand, 0 to 2."
    ] = 0
    strand: Annotated[
        str,
        one_of(*STRANDS_OF),
        "+ as read, - for the reverse complement, whose frames begin at the record's end, or both for their sum.",
    ] = "+"
    genetic_code: Annotated[
        int,
        Form(_code, "an NCBI number or name", "CODE"),
        "NCBI number or name of the genetic code, for records that the metadata table gives none.",
    ] = STANDARD_CODE
    skip_n: Annotated[
        bool,
        SWITCH,
        "Leave out codons with any letter but A, C, G, T or U, before the total is taken.",
        "yes",
    ] = True
    skip_stops: Annotated[
        bool, SWITCH, "Leave out the code's stop codons, before the total is taken. Dual codons stay.", "no"
    ] = False
    min_count: Annotated[
        int, whole_number(0, MOST_COUNT), "Hide codons counted less often, after everything is computed."
    ] = 0

    def __post_init__(self) -> None:
        for name, setting in PARAMETERS.items():
            object.__setattr__(self, name, setting.convert(getattr(self, name), name))

    @cached_property
    def code(self) -> GeneticCode:
        """The genetic code for records whose own is not known."""
        return genetic_code(self.genetic_code)


PARAMETERS = declared(TableParameters)
