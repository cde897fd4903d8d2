"""The layout of a printed codon table, and one group's rows as a mapping."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.errors import SettingError

# Textbooks order bases so, since it puts synonyms and the pyrimidines side by side.
BASES = "TCAG"


def codons_of_line(first: str, third: str) -> list[str]:
    """Four codons of a line: the second base runs over the columns."""
    return [first + second + third for second in BASES]


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
