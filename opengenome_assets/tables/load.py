"""Finds a codon frequency table by its data set's name or its path, and reads it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.datasets.catalogue import known_names, unknown_dataset
from opengenome_assets.errors import InputFormatError, InputNotFoundError, first_line
from opengenome_assets.files.warehouse import FREQUENCIES_PARQUET, DatasetFolder, open_location
from opengenome_assets.inputs.user_table import (
    PARQUET_MAGIC,
    BroughtTable,
    decimal_number,
    is_missing,
    parquet_parts,
    read_table,
    whole_number,
)
from opengenome_assets.paths import is_uri, local_path
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.frequencies import format_refusal
from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.text import unescaped
from opengenome_assets.tables.whole_groups import find_group, whole_groups

# A path that ends so is a file; spreadsheets are opened only to say what they are.
_SUFFIXES = (".parquet", ".pq", ".tsv", ".tab", ".txt", ".csv", ".xlsx", ".xls", ".ods")
_SHORT = ("codon", "count", "freq", "aa")
_WANTED = (*CODON_FREQUENCIES.names, *(name for name in _SHORT if name not in CODON_FREQUENCIES.names))
_LARGEST = 2**63 - 1
_REMEDY = "Give a table that opengenome wrote, or one with the columns codon, count, freq and aa."


def load_table(dataset_or_path: str, warehouse: str, group: str | None = None) -> pa.Table:
    """Read a codon frequency table.

    Tables that Excel, R or pandas saved again are read too: columns in any order, additional columns, other
    delimiters, decimal commas, other encodings and types.

    Args:
        dataset_or_path: name of a data set in the warehouse, ``name@sample-N`` for a sample of one; or the path
            or URI of a Parquet, TSV or CSV table, of a folder that holds ``codon_frequencies.parquet``, or of a
            table with the columns ``codon``, ``count``, ``freq`` and ``aa``.
        warehouse: where data sets are kept.
        group: only the rows of this group.

    Returns:
        Schema ``CODON_FREQUENCIES``; from Parquet, with its provenance. The table of four
        columns has one group, ``all``, and neither fraction nor RSCU, which are null.

    Raises:
        InputNotFoundError: there is no such table.
        InputFormatError: the file is none of these, or of a version that is not read.
        SettingError: the table has no such group.
    """
    location = _location(dataset_or_path, warehouse)
    with _reading(dataset_or_path, location, warehouse), open_location(location) as file:
        content = file.read()
    table = _codon_table(read_table(content, location, _WANTED), location)
    return table if group is None else find_group([table], group)


def load_groups(dataset_or_path: str, warehouse: str) -> Iterator[pa.Table]:
    """Read a codon frequency table in parts that hold whole groups, with the rows of a group beside each other.

    Memory: a row group of a Parquet table; text as a whole. From an object store, also the file's bytes.

    Args:
        dataset_or_path: as for ``load_table``.
        warehouse: where data sets are kept.

    Returns:
        Tables as ``load_table`` gives them, at least one.

    Raises:
        InputNotFoundError: there is no such table.
        InputFormatError: as ``load_table``; or a group is scattered over row groups of a Parquet table. The first part
            is read by the call, the others later.
    """
    location = _location(dataset_or_path, warehouse)
    source = None
    with _reading(dataset_or_path, location, warehouse), open_location(location) as file:
        content = file.read(len(PARQUET_MAGIC))
        if content == PARQUET_MAGIC and not is_uri(location):
            source = pa.OSFile(location)
        else:
            content += file.read()
    if source is None and content.startswith(PARQUET_MAGIC):
        source = pa.BufferReader(content)
    brought = parquet_parts(source, location, _WANTED) if source else [read_table(content, location, _WANTED)]
    parts = whole_groups((_codon_table(part, location) for part in brought), location)
    first = next(parts)
    return chain([first], parts)


@contextmanager
def _reading(dataset_or_path: str, location: str, warehouse: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputNotFoundError(_absent(dataset_or_path, location, warehouse)) from error
    except OSError as error:
        msg = f"{location}: cannot be read ({first_line(error)}). Give the path of a table."
        raise InputNotFoundError(msg) from error


def _location(dataset_or_path: str, warehouse: str) -> str:
    dataset_or_path = local_path(dataset_or_path)
    if dataset_or_path.lower().endswith(_SUFFIXES):
        return dataset_or_path
    # A data set's name has no slash, so a location with one is a folder.
    if "/" in dataset_or_path:
        return f"{dataset_or_path.rstrip('/')}/{FREQUENCIES_PARQUET}"
    return DatasetFolder(warehouse, dataset_or_path).location(FREQUENCIES_PARQUET)


def _absent(dataset_or_path: str, location: str, warehouse: str) -> str:
    if dataset_or_path == location:
        return f"{location}: there is no such file."
    if "/" not in dataset_or_path and dataset_or_path not in known_names(warehouse):
        return unknown_dataset(dataset_or_path, warehouse)
    return (
        f"{dataset_or_path}: has no table at {location}. Make it with opengenome analyze codon, name the warehouse "
        "that holds it, or give the path of a table."
    )


def _codon_table(brought: BroughtTable, location: str) -> pa.Table:
    remedy = "Make it again with opengenome analyze codon."
    try:
        refusal = format_refusal(pa.schema([], metadata=brought.metadata), location, remedy)
    except ValueError as error:
        msg = f"{location}: its metadata cannot be read ({first_line(error)}). {remedy}"
        raise InputFormatError(msg) from error
    if refusal:
        raise InputFormatError(refusal)
    if brought.columns.keys() >= set(CODON_FREQUENCIES.names):
        columns = {field.name: _column(brought, field.name, field, location) for field in CODON_FREQUENCIES}
    elif brought.columns.keys() >= set(_SHORT):
        columns = _from_four_columns(brought, location)
    else:
        msg = f"{location} is no codon frequency table: it has the columns {', '.join(brought.names)}. {_REMEDY}"
        raise InputFormatError(msg)
    columns["codon"] = pc.replace_substring(pc.utf8_upper(columns["codon"]), "U", "T")
    table = pa.table(columns, schema=CODON_FREQUENCIES.with_metadata(brought.metadata))
    _refuse_wrong_codons(table, brought, location)
    return table


def _from_four_columns(brought: BroughtTable, location: str) -> dict[str, pa.Array]:
    found = {
        name: _column(brought, short, CODON_FREQUENCIES.field(name), location)
        for name, short in zip(("codon", "count", "frequency", "amino_acid"), _SHORT, strict=True)
    }
    rows = len(brought.lines)
    found["group"] = pa.repeat(ALL, rows)
    found["per_thousand"] = pc.multiply(found["frequency"], 1000.0)
    return found | {name: pa.nulls(rows, pa.float64()) for name in ("fraction", "rscu")}


def _column(brought: BroughtTable, name: str, field: pa.Field, location: str) -> pa.Array:
    """A column in the field's type. Numbers are parsed from text."""
    column = brought.columns[name]
    if column.type == field.type == pa.string() and brought.unit == "row":
        # Nothing to parse. Without Python, since these are most of the time of a large table.
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    elif pa.types.is_string(column.type):
        read = _reader(field)
        values = []
        for row, text in enumerate(column.to_pylist()):
            try:
                values.append(None if text is None else read(text))
            except ValueError as error:
                msg = f"{location}: {brought.place(row)} has {name} {text!r}, which is {error}. Correct it."
                raise InputFormatError(msg) from error
        column = pa.chunked_array([pa.array(values, field.type)])
    try:
        column = column.cast(field.type).combine_chunks()
    except (pa.ArrowException, ValueError) as error:
        msg = f"{location}: column {name} of type {column.type} is not {field.type} ({first_line(error)}). {_REMEDY}"
        raise InputFormatError(msg) from error
    if pa.types.is_floating(field.type):
        # pandas writes NaN for null.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, field.type), column)
    if not field.nullable and column.null_count:
        msg = f"{location}: {brought.place(_first(pc.is_null(column)))} has no {name}. Every row needs one."
        raise InputFormatError(msg)
    return column


def _reader(field: pa.Field) -> Callable[[str], object]:
    if pa.types.is_string(field.type):
        return lambda text: unescaped(text) or None
    read = whole_number if pa.types.is_integer(field.type) else decimal_number

    def number(text: str) -> int | float | None:
        if is_missing(text):
            return None
        found = read(text)
        if found is None or abs(found) > _LARGEST:
            kind = "whole number" if read is whole_number else "number"
            raise ValueError(f"no {kind} that can be read")
        return found

    return number


def _refuse_wrong_codons(table: pa.Table, brought: BroughtTable, location: str) -> None:
    codons = table["codon"].combine_chunks()
    no_codon = pc.invert(pc.match_substring_regex(codons, "^[A-Z]{3}$"))
    if pc.any(no_codon).as_py():
        row = _first(no_codon)
        msg = f"{location}: {brought.place(row)} has codon '{codons[row]}', which is not three letters. Correct it."
        raise InputFormatError(msg)
    negative = pc.less(table["count"], 0)
    if pc.any(negative).as_py():
        msg = f"{location}: {brought.place(_first(negative))} has a count below 0. Correct it."
        raise InputFormatError(msg)
    counted = table.group_by(["group", "codon"], use_threads=False).aggregate([([], "count_all")])
    for twice in counted.filter(pc.field("count_all") > 1).slice(0, 1).to_pylist():
        same = pc.and_(pc.equal(table["group"], twice["group"]), pc.equal(table["codon"], twice["codon"]))
        first, second = (brought.place(int(row)) for row in np.flatnonzero(same.to_numpy())[:2])
        msg = (
            f"{location}: codon {twice['codon']} of group '{twice['group']}' is on {first} and on {second}. "
            "Keep one of them."
        )
        raise InputFormatError(msg)


def _first(mask: pa.BooleanArray) -> int:
    return int(pc.index(mask, value=True).as_py())
