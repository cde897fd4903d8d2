"""Tables as text: tab-separated, or laid out as codon tables are printed."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.whole_groups import find_group
from opengenome_assets.units import number_of

# A tab or line break in a group's name must not add columns or rows.
_TSV_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_TSV_MEANT = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
_MARKDOWN_ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in r"\`*_{}[]()#+-.!|~"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)
# Textbooks order bases so, since it puts synonyms and the pyrimidines side by side.
BASES = "TCAG"
UNKNOWN = "?"
ABSENT = "–"


def table_tsv(table: pa.Table, *, with_header: bool = True) -> str:
    r"""Write a header line, then one line per row; null is an empty field.

    Floats are written with the fewest digits that read back to the same number (``repr``). In text, tab,
    line feed, carriage return and backslash are written ``\t``, ``\n``, ``\r`` and ``\\``.
    """
    columns = [_texts(table[name]) for name in table.column_names]
    lines = map("\t".join, zip(*columns, strict=True))
    return (header_line(table.column_names) if with_header else "") + "".join(f"{line}\n" for line in lines)


def table_csv(table: pa.Table, *, with_header: bool = True) -> str:
    """Write a table as comma-separated values (RFC 4180 with line feeds); null is an empty field, floats as in TSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if with_header:
        writer.writerow(table.column_names)
    writer.writerows(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    return out.getvalue()


def header_line(names: Iterable[str]) -> str:
    """The first line of a tab-separated table."""
    return "\t".join(names) + "\n"


def _texts(column: pa.ChunkedArray) -> list[str]:
    kind, values = column.type, column.to_pylist()
    if pa.types.is_string(kind):
        texts = {value: (value or "").translate(_TSV_ESCAPES) for value in set(values)}
        return [texts[value] for value in values]
    if pa.types.is_boolean(kind):
        return ["" if value is None else str(value).lower() for value in values]
    return ["" if value is None else repr(value) for value in values]


def unescaped(text: str) -> str:
    """Original text of a value that ``table_tsv`` wrote."""
    return re.sub(r"\\.", lambda match: _TSV_MEANT.get(match[0], match[0]), text)


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
    return {row["codon"]: row for row in find_group([table], group).to_pylist()}


def codon_table_markdown(table: pa.Table, group: str = ALL) -> str:
    """Lay one group out as codon tables are printed: codon, amino acid, per thousand, (count).

    First and third base run down, the second across, each in the order T, C, A, G. A question mark stands
    for an amino acid on which the group's genetic codes differ, a dash for a codon that the table leaves
    out or that has no frequency.

    Args:
        table: schema ``CODON_FREQUENCIES``.
        group: whose rows.

    Raises:
        SettingError: the table has no such group.
    """
    rows = rows_of_group(table, group)
    total = sum(row["count"] for row in rows.values())
    head = [f"**{escape_markdown(group)}** · {number_of(total, 'codon')}", ""]
    head += ["| | T | C | A | G | |", "|:-:|:--|:--|:--|:--|:-:|"]
    body = [
        f"| {line[0].codon[0]} | {' | '.join(map(_written, line))} | {line[0].codon[2]} |"
        for line in printed_lines(rows)
    ]
    return "\n".join(head + body + _differing(rows) + _ambiguous(rows)) + "\n"


def escape_markdown(text: str) -> str:
    """Any text as Markdown and HTML that show just that text."""
    return text.translate(_MARKDOWN_ESCAPES)


def _written(cell: Cell) -> str:
    if cell.count is None:
        return f"`{cell.codon}` {ABSENT}"
    rate = ABSENT if cell.per_thousand is None else f"{cell.per_thousand:.2f}"
    return f"`{cell.codon}` **{escape_markdown(cell.letter)}** {rate} ({cell.count:,})"


def _differing(rows: dict[str, dict[str, Any]]) -> list[str]:
    codons = [codon for codon, row in rows.items() if row["amino_acid"] is None]
    if not codons:
        return []
    listed = ", ".join(codons)
    return ["", f"{UNKNOWN}: the genetic codes of these records read the codon differently ({listed})"]


def _ambiguous(rows: dict[str, dict[str, Any]]) -> list[str]:
    counts = [row["count"] for codon, row in rows.items() if codon not in CODONS]
    if not counts:
        return []
    return ["", f"Codons with ambiguous letters: {sum(counts):,} of {number_of(len(counts), 'kind')}"]
