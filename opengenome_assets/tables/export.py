"""The frequency table in the formats that other tools read.

Each format is a function: the table (schema ``CODON_FREQUENCIES``) and a group's name or None in, text out.
Without a group, formats that can hold several write all there are; the others write ``all``. Formats that
have no null write 0 where an amino acid is absent.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.errors import SettingError
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.text import rows_of_group, table_tsv

Row = dict[str, Any]

# CUTG's SPSUM_LABEL: the order of a species' 64 counts.
_SPSUM_LABEL = (
    "CGA CGC CGG CGT AGA AGG CTA CTC CTG CTT TTA TTG TCA TCC TCG TCT AGC AGT ACA ACC ACG ACT "
    "CCA CCC CCG CCT GCA GCC GCG GCT GGA GGC GGG GGT GTA GTC GTG GTT AAA AAG AAC AAT CAA CAG "
    "CAC CAT GAA GAG GAC GAT TAC TAT TGC TGT TTC TTT ATA ATC ATT ATG TGG TAA TAG TGA"
)
SPSUM_ORDER = tuple(_SPSUM_LABEL.split())


def tsv(table: pa.Table, group: str | None = None) -> str:
    """Write the table itself, or one group's rows of it.

    Raises:
        SettingError: the table has no such group.
    """
    if group is not None:
        rows_of_group(table, group)
        table = table.filter(pc.field("group") == group)
    return table_tsv(table)


def emboss_cut(table: pa.Table, group: str | None = None) -> str:
    """Write EMBOSS's codon usage table (``.cut``), as cusp does and as codcmp, cai, syco and others read.

    Rates per thousand are of the 64 codons. ``CdsCount`` is 0: no coding sequences were looked for. EMBOSS
    holds counts in 32 bits and takes larger ones for 2,147,483,647; their fractions and rates stay right.

    Raises:
        SettingError: no such group, codons left out of the table, no fractions, or codes that differ.
    """
    rows = _all_64_rows(_rows_with_fractions(table, group, "cut"), "cut")
    counts = _counts_of(rows)
    rates = dict(zip(CODONS, np.nan_to_num(measures.per_thousand(counts)[0]), strict=True))
    gc1, gc2, gc3 = 100 * np.nan_to_num(measures.gc_by_position(counts)[0])
    head = [
        f"#Species: {_one_line(group or ALL)}",
        "#CdsCount: 0",
        "",
        f"#Coding GC {(gc1 + gc2 + gc3) / 3:5.2f}%",
        f"#1st letter GC {gc1:5.2f}%",
        f"#2nd letter GC {gc2:5.2f}%",
        f"#3rd letter GC {gc3:5.2f}%",
        "",
        "#Codon AA Fraction Frequency Number",
    ]
    rows.sort(key=lambda row: (row["amino_acid"] == STOP, row["amino_acid"], row["codon"]))
    body = [
        f"{row['codon']}    {row['amino_acid']}  {row['fraction'] or 0:8.3f} {rates[row['codon']]:9.3f} "
        f"{row['count']:6d}"
        for row in rows
    ]
    return "\n".join(head + body) + "\n"


def cutg_spsum(table: pa.Table, group: str | None = None) -> str:
    """Write CUTG's ``spsum``: for each group a line ``name: coding sequences`` and a line of 64 counts.

    The number of coding sequences is 0: none were looked for. A colon in a name becomes a space.

    Raises:
        SettingError: no such group, or codons left out of the table.
    """
    groups = pc.unique(table["group"]).to_pylist() if group is None else [group]
    lines = []
    for each in groups:
        found = rows_of_group(table, each)
        _all_64_rows(list(found.values()), "spsum")
        lines.append(f"{_one_line(each.replace(':', ' '))}: 0")
        lines.append(" ".join(str(found[codon]["count"]) for codon in SPSUM_ORDER))
    return "".join(f"{line}\n" for line in lines)


def python_codon_tables_csv(table: pa.Table, group: str | None = None) -> str:
    """Write ``amino_acid,codon,relative_frequency`` as python_codon_tables and DnaChisel read it.

    Codons that the table leaves out are left out here too.

    Raises:
        SettingError: no such group, no fractions, or codes that differ.
    """
    rows = _rows_with_fractions(table, group, "python_codon_tables")
    rows.sort(key=lambda row: (row["amino_acid"], row["codon"]))
    lines = [f"{row['amino_acid']},{row['codon']},{row['fraction'] or 0.0!r}" for row in rows]
    return "\n".join(["amino_acid,codon,relative_frequency", *lines]) + "\n"


def opengenome_csv(table: pa.Table, group: str | None = None) -> str:
    """Write ``codon,count,freq,aa`` in the table's order; freq is the share of all codons in the table.

    Raises:
        SettingError: no such group, or codes that differ.
    """
    _rows_with_amino_acids(table, group, "opengenome")
    rows = rows_of_group(table, group or ALL).values()
    lines = [f"{row['codon']},{row['count']},{row['frequency'] or 0.0!r},{row['amino_acid']}" for row in rows]
    return "\n".join(["codon,count,freq,aa", *lines]) + "\n"


class Export(NamedTuple):
    """A format: the function that writes it, and one line for a list of formats."""

    write: Callable[[pa.Table, str | None], str]
    summary: str


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "tsv": Export(tsv, "the table itself, tab-separated"),
        "cut": Export(emboss_cut, "EMBOSS: cusp, codcmp, cai and others"),
        "spsum": Export(cutg_spsum, "CUTG: counts of every group"),
        "python_codon_tables": Export(python_codon_tables_csv, "python_codon_tables and DnaChisel"),
        "opengenome": Export(opengenome_csv, "codon,count,freq,aa"),
    }
)


def _rows_with_amino_acids(table: pa.Table, group: str | None, name: str) -> list[Row]:
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


def _rows_with_fractions(table: pa.Table, group: str | None, name: str) -> list[Row]:
    """The same rows, where each codon that was seen has its share of the amino acid.

    Raises:
        SettingError: as above, or the table has no fractions, as one that was read from CSV.
    """
    rows = _rows_with_amino_acids(table, group, name)
    # The codons of an absent amino acid have no fraction either.
    if any(row["count"] and row["fraction"] is None for row in rows):
        raise SettingError(
            f"The format {name} needs the share of each codon in its amino acid, and the table has no fractions. "
            "Export the data set's own table, or use tsv, spsum or opengenome."
        )
    return rows


def _all_64_rows(rows: list[Row], name: str) -> list[Row]:
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


def _counts_of(rows: list[Row]) -> NDArray[np.int64]:
    """int64, shape (1, 64): counts in the order of ``CODONS``."""
    by_codon = {row["codon"]: row["count"] for row in rows}
    return np.array([[by_codon[codon] for codon in CODONS]], dtype=np.int64)


def _one_line(text: str) -> str:
    """A group's name for a header line."""
    return " ".join(text.split())
