"""Any table as tab-separated text, the same bytes for the same table everywhere."""

import re
from collections.abc import Callable
from typing import Any

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


def read_tsv(text: str, schema: pa.Schema) -> pa.Table:
    """Read what ``table_tsv`` wrote of a table of strings, whole numbers and floats.

    Raises:
        ValueError: the columns are not the schema's, or a field is not of its column's type.
    """
    header, *lines = text.removesuffix("\n").split("\n")
    if header.split("\t") != schema.names:
        msg = f"its first line is not {' '.join(schema.names)}"
        raise ValueError(msg)
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(schema.names):
            msg = f"line {number} has {len(row)} fields, not {len(schema.names)}"
            raise ValueError(msg)
    columns = [[row[place] for row in rows] for place in range(len(schema.names))]
    return pa.table([_column(*pair) for pair in zip(columns, schema, strict=True)], schema=schema)


def _column(texts: list[str], field: pa.Field) -> pa.Array:
    if not field.nullable and "" in texts:
        msg = f"line {texts.index('') + 2} has no {field.name}"
        raise ValueError(msg)
    read = _reader(field.type)
    return pa.array([read(text) if text else None for text in texts], field.type)


def _reader(kind: pa.DataType) -> Callable[[str], Any]:
    if pa.types.is_integer(kind):
        return int
    return float if pa.types.is_floating(kind) else _unescaped


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda match: _MEANT.get(match[0], match[0]), text)
