"""What the formats ask of the table's rows before they can be written."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.layout import rows_of_group

Row = dict[str, Any]


def rows_with_amino_acids(table: pa.Table, group: str | None, name: str) -> list[Row]:
    """One group's rows of unambiguous codons, each with an amino acid.

    Raises:
        SettingError: the table has no such group, or the group's records have codes that differ.
    """
    rows = [row for codon, row in rows_of_group(table, group or ALL).items() if codon in CODONS]
    differing = [row["codon"] for row in rows if row["amino_acid"] is None]
    if differing:
        raise SettingError(
            f"The format {name} needs one amino acid per codon, and the group {group or ALL!r} pools several "
            f"genetic codes that differ in {', '.join(differing)}. Export one of the groups that have a single "
            "code, or use tsv or spsum."
        )
    return rows


def rows_with_fractions(table: pa.Table, group: str | None, name: str) -> list[Row]:
    """The same rows, where each codon that was seen has its share of the amino acid.

    Raises:
        SettingError: as above, or the table has no fractions, as one that was read from CSV.
    """
    rows = rows_with_amino_acids(table, group, name)
    # The codons of an absent amino acid have no fraction either.
    if any(row["count"] and row["fraction"] is None for row in rows):
        raise SettingError(
            f"The format {name} needs the share of each codon in its amino acid, and the table has no fractions. "
            "Export the data set's own table, or use tsv, spsum or opengenome."
        )
    return rows


def all_64_rows(rows: list[Row], name: str) -> list[Row]:
    """The rows unchanged if no codon is missing.

    Raises:
        SettingError: the table leaves codons out, which the format would pass off as zeros.
    """
    missing = sorted(set(CODONS) - {row["codon"] for row in rows})
    if missing:
        raise SettingError(
            f"The format {name} needs all 64 codons, and the table leaves out {', '.join(missing)}. "
            "Make the table with skip_stops false and min_count 0."
        )
    return rows


def counts_of(rows: list[Row]) -> NDArray[np.int64]:
    """int64, shape (1, 64): counts in the order of ``CODONS``."""
    by_codon = {row["codon"]: row["count"] for row in rows}
    return np.array([[by_codon[codon] for codon in CODONS]], dtype=np.int64)


def one_line(text: str) -> str:
    """A group's name for a header line."""
    return " ".join(text.split())
