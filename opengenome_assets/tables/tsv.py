"""Any table as tab-separated text, the same bytes for the same table everywhere."""

import re

import pyarrow as pa

# A tab or line break in a group's name must not add columns or rows.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_MEANT = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


def table_tsv(table: pa.Table) -> str:
    r"""Write a header line, then one line a row; null is an empty field.

    Floats are written with the fewest digits that read back to the same number (``repr``). In text, tab,
    line feed, carriage return and backslash are written ``\t``, ``\n``, ``\r`` and ``\\``.
    """
    columns = [table[name].to_pylist() for name in table.column_names]
    lines = ["\t".join(table.column_names)]
    lines += ["\t".join(_field(value) for value in row) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def _field(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)


def unescaped(text: str) -> str:
    """Text as it was before ``table_tsv`` wrote it."""
    return re.sub(r"\\.", lambda match: _MEANT.get(match[0], match[0]), text)
