"""NCBI's genetic codes, by number or name, as 64 letters in the order of ``CODONS``.

The tables are Biopython's, which follow NCBI's gc.prt. Codes 27, 28 and 31 have dual codons, read as an
amino acid or as a stop depending on their place. A dual codon carries its amino acid's letter here,
belongs to that amino acid's family, is no stop (``skip_stops`` keeps it), and is named in ``dual``.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError

STOP = "*"
STANDARD_CODE = 1


@dataclass(frozen=True)
class GeneticCode:
    """What each codon means under one NCBI code.

    Attributes:
        id: NCBI's number (transl_table).
        name: NCBI's name; several are joined by " / ".
        amino_acids: 64 letters in the order of ``CODONS``, ``*`` for a stop.
        dual: codons that are both sense and stop; their letter is the amino acid's.
    """

    id: int
    name: str
    amino_acids: str
    dual: tuple[str, ...]

    @cached_property
    def letters(self) -> NDArray[np.str_]:
        """str, shape (64,): ``amino_acids`` as an array."""
        return np.array(list(self.amino_acids))

    @cached_property
    def synonymous(self) -> NDArray[np.bool_]:
        """bool, shape (64,): whether a codon has a synonym; never the stops."""
        synonymous: NDArray[np.bool_] = (self.letters != STOP) & (
            (self.letters[:, None] == self.letters).sum(axis=1) > 1
        )
        return synonymous


@cache
def genetic_codes() -> dict[int, GeneticCode]:
    """All of NCBI's codes, by number, ascending."""
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    codes = {}
    for number in sorted(unambiguous_dna_by_id):
        table = unambiguous_dna_by_id[number]
        codes[number] = GeneticCode(
            id=number,
            name=" / ".join(_full_names(table.names)),
            amino_acids="".join(table.forward_table.get(codon, STOP) for codon in CODONS),
            dual=tuple(c for c in CODONS if c in table.forward_table and c in table.stop_codons),
        )
    return codes


@cache
def _numbers_by_name() -> dict[str, int]:
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    names = {
        name.lower(): number
        for number, table in unambiguous_dna_by_id.items()
        for name in table.names
        if name is not None
    }
    by_number = {str(number): number for number in genetic_codes()}
    return names | by_number | {code.name.lower(): number for number, code in genetic_codes().items()}


def _full_names(names: list[str | None]) -> list[str]:
    """NCBI's names without the abbreviation (SGC0, …) that ends the list."""
    return [name for name in names if name is not None and not name.startswith("SGC")]


def genetic_code(id_or_name: int | str) -> GeneticCode:
    """Find a code by NCBI's number (2 or "2") or by name ("Vertebrate Mitochondrial", "SGC1", any case).

    Raises:
        SettingError: there is no such code; the message lists all there are.
    """
    number: int | None
    if isinstance(id_or_name, str):
        wanted = id_or_name.strip()
        number = _numbers_by_name().get(wanted.lower())
    else:
        number = id_or_name
    # True is 1 to Python, and a mistake here.
    if number is None or isinstance(number, bool) or number not in genetic_codes():
        allowed = ", ".join(f"{code.id} {code.name}" for code in genetic_codes().values())
        raise SettingError(
            f"{id_or_name!r} is none of NCBI's genetic codes. Give one of these by number or by name: {allowed}."
        )
    return genetic_codes()[number]
