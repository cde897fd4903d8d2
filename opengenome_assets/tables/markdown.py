"""The codon table as Markdown, for Dagster's pages and for people."""

from typing import Any

import pyarrow as pa

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.layout import ABSENT, UNKNOWN, Cell, printed_lines, rows_of_group
from opengenome_assets.units import number_of

_ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in r"\`*_{}[]()#+-.!|~"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)


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
    return text.translate(_ESCAPES)


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
