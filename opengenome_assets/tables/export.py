"""The frequency table in the formats that other tools read.

Each format is a function: a table with whole groups (schema ``CODON_FREQUENCIES``) in, text out. Formats that hold a
single group get one. Formats that have no null write 0 where an amino acid is absent.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.errors import SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.matrix import VALUES, codon_matrix, matrix_schema
from opengenome_assets.tables.text import header_line, table_csv, table_tsv
from opengenome_assets.tables.whole_groups import find_group, groups_of

Row = dict[str, Any]

# CUTG's SPSUM_LABEL: the order of a species' 64 counts.
_SPSUM_LABEL = (
    "CGA CGC CGG CGT AGA AGG CTA CTC CTG CTT TTA TTG TCA TCC TCG TCT AGC AGT ACA ACC ACG ACT "
    "CCA CCC CCG CCT GCA GCC GCG GCT GGA GGC GGG GGT GTA GTC GTG GTT AAA AAG AAC AAT CAA CAG "
    "CAC CAT GAA GAG GAC GAT TAC TAT TGC TGT TTC TTT ATA ATC ATT ATG TGG TAA TAG TGA"
)
SPSUM_ORDER = tuple(_SPSUM_LABEL.split())


class Export(NamedTuple):
    """A format.

    Attributes:
        body: writes whole groups, or one group if the format holds a single one.
        summary: one line for a list of formats.
        suffix: end of a file's name.
        header: first line, with its line break, or nothing.
        holds_several: whether a file can hold several groups.
    """

    body: Callable[[pa.Table], str]
    summary: str
    suffix: str
    header: str = ""
    holds_several: bool = False

    def write(self, parts: Iterable[pa.Table], group: str | None = None) -> Iterator[str]:
        """Write a table in parts that hold whole groups; the text comes in parts too.

        Args:
            parts: schema ``CODON_FREQUENCIES``.
            group: the group to write. By default all groups if the format holds several, otherwise ``all``.

        Raises:
            SettingError: the table has no such group, or the format cannot hold a group.
        """
        header = self.header
        if group is not None or not self.holds_several:
            parts = [find_group(parts, group or ALL)]
        for part in parts:
            # The header comes with the first rows, so that a refusal leaves nothing behind.
            yield header + self.body(part)
            header = ""


def emboss_cut(table: pa.Table) -> str:
    """Write EMBOSS's codon usage table (``.cut``), as cusp does and as codcmp, cai, syco and others read.

    Rates per thousand are of the 64 codons. ``CdsCount`` is 0: no coding sequences were looked for. EMBOSS
    holds counts in 32 bits and takes larger ones for 2,147,483,647; their fractions and rates stay right.

    Raises:
        SettingError: codons left out of the table, no fractions, or codes that differ.
    """
    rows = _all_64_rows(_rows_with_fractions(table, "cut"), "cut")
    counts = _counts_of(rows)
    rates = dict(zip(CODONS, np.nan_to_num(measures.per_thousand(counts)[0]), strict=True))
    gc1, gc2, gc3 = 100 * np.nan_to_num(measures.gc_by_position(counts)[0])
    head = [
        f"#Species: {_one_line(_name(table))}",
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


def cutg_spsum(table: pa.Table) -> str:
    """Write CUTG's ``spsum``: for each group a line ``name: coding sequences`` and a line of 64 counts.

    The number of coding sequences is 0: none were looked for. A colon in a name becomes a space.

    Raises:
        SettingError: codons left out of the table.
    """
    lines = []
    for group, rows in groups_of(table):
        found = {row["codon"]: row for row in _all_64_rows(rows.to_pylist(), "spsum")}
        lines.append(f"{_one_line(group.replace(':', ' '))}: 0")
        lines.append(" ".join(str(found[codon]["count"]) for codon in SPSUM_ORDER))
    return "".join(f"{line}\n" for line in lines)


def python_codon_tables_csv(table: pa.Table) -> str:
    """Write rows of ``amino_acid,codon,relative_frequency`` as python_codon_tables and DnaChisel read it.

    Codons that the table leaves out are left out here too.

    Raises:
        SettingError: no fractions, or codes that differ.
    """
    rows = _rows_with_fractions(table, "python_codon_tables")
    rows.sort(key=lambda row: (row["amino_acid"], row["codon"]))
    return "".join(f"{row['amino_acid']},{row['codon']},{row['fraction'] or 0.0!r}\n" for row in rows)


def opengenome_csv(table: pa.Table) -> str:
    """Write rows of ``codon,count,freq,aa`` in the table's order; freq is the share of all codons in the table.

    Raises:
        SettingError: codes that differ.
    """
    _rows_with_amino_acids(table, "opengenome")
    return "".join(
        f"{row['codon']},{row['count']},{row['frequency'] or 0.0!r},{row['amino_acid']}\n"
        for row in table.to_pylist()
    )


def matrix_export(values: str) -> Export:
    """The format ``matrix`` with other values than counts.

    Raises:
        SettingError: there are no such values.
    """
    return Export(
        lambda table: table_tsv(codon_matrix(table, values), with_header=False),
        "a row per group, a column per codon",
        ".tsv",
        header_line(matrix_schema(values).names),
        holds_several=True,
    )


EXPORTS: Mapping[str, Export] = MappingProxyType(
    {
        "tsv": Export(
            lambda table: table_tsv(table, with_header=False),
            "the table itself, tab-separated",
            ".tsv",
            header_line(CODON_FREQUENCIES.names),
            holds_several=True,
        ),
        "csv": Export(
            lambda table: table_csv(table, with_header=False),
            "the table itself, comma-separated, for spreadsheets",
            ".csv",
            ",".join(CODON_FREQUENCIES.names) + "\n",
            holds_several=True,
        ),
        "cut": Export(emboss_cut, "EMBOSS: cusp, codcmp, cai and others", ".cut"),
        "spsum": Export(cutg_spsum, "CUTG: counts of every group", ".spsum", holds_several=True),
        "python_codon_tables": Export(
            python_codon_tables_csv,
            "python_codon_tables and DnaChisel",
            ".csv",
            "amino_acid,codon,relative_frequency\n",
        ),
        "opengenome": Export(opengenome_csv, "codon,count,freq,aa", ".csv", "codon,count,freq,aa\n"),
        "matrix": matrix_export(VALUES[0]),
    }
)


def _name(table: pa.Table) -> str:
    """The name of a table's one group."""
    return str(table["group"][0])


def _rows_with_amino_acids(table: pa.Table, name: str) -> list[Row]:
    """One group's rows of unambiguous codons, each with an amino acid.

    Raises:
        SettingError: the group's records have codes that differ.
    """
    rows = [row for row in table.to_pylist() if row["codon"] in CODONS]
    differing = [row["codon"] for row in rows if row["amino_acid"] is None]
    if differing:
        raise SettingError(
            f"The format {name} needs one amino acid per codon, and the group {_name(table)!r} pools several "
            f"genetic codes that differ in {', '.join(differing)}. Export one of the groups that have a single "
            "code, or use tsv or spsum."
        )
    return rows


def _rows_with_fractions(table: pa.Table, name: str) -> list[Row]:
    """The same rows, where each codon that was seen has its share of the amino acid.

    Raises:
        SettingError: as above, or the table has no fractions, as one that was read from CSV.
    """
    rows = _rows_with_amino_acids(table, name)
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
