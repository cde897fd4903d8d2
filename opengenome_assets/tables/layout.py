"""The layout of a printed codon table, and one group's rows as a mapping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.errors import SettingError

# Textbooks order bases so, since it puts synonyms and the pyrimidines side by side.
BASES = "TCAG"
UNKNOWN = "?"
ABSENT = "–"


@dataclass(frozen=True)
class Cell:
    """A codon's cell in a printed table.

    Attributes:
        codon: its three letters.
        letter: its amino acid, ``?`` where the genetic codes differ, a dash where the table leaves it out.
        per_thousand: None where the group has no codons, or the table leaves it out.
        count: None where the table leaves it out.
    """

    codon: str
    letter: str
    per_thousand: float | None
    count: int | None


def cell_of(codon: str, rows: Mapping[str, Mapping[str, Any]]) -> Cell:
    """The cell of one codon of a group's rows."""
    row = rows.get(codon)
    if row is None:
        return Cell(codon, ABSENT, None, None)
    return Cell(codon, row["amino_acid"] or UNKNOWN, row["per_thousand"], row["count"])


def printed_lines(rows: Mapping[str, Mapping[str, Any]]) -> list[list[Cell]]:
    """16 lines of 4 cells: first and third base run down, the second across, each in the order T, C, A, G."""
    return [[cell_of(first + second + third, rows) for second in BASES] for first in BASES for third in BASES]


def rows_of_group(table: pa.Table, group: str) -> dict[str, dict[str, Any]]:
    """One group's rows of a ``CODON_FREQUENCIES`` table, by codon, in the table's order.

    Raises:
        SettingError: the table has no such group.
    """
    rows = table.filter(pc.field("group") == group).to_pylist()
    if not rows:
        names = pc.unique(table["group"]).to_pylist()
        shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise SettingError(f"The table has no group {group!r}. It has: {shown or 'no rows at all'}.")
    return {row["codon"]: row for row in rows}
