"""Finds a codon frequency table by its data set's name or its path, and reads it."""

import csv
import io
import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.datasets.known import known_names, unknown_dataset
from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.storage.stamps import first_line
from opengenome_assets.storage.warehouse import FREQUENCIES_PARQUET, DatasetFolder, open_location
from opengenome_assets.tabulating.layout import rows_of_group
from opengenome_assets.tabulating.table_file import format_refusal
from opengenome_assets.tabulating.tally import ALL
from opengenome_assets.tabulating.tsv import read_tsv

SUFFIXES = (".parquet", ".tsv", ".csv")
_CSV_COLUMNS = ["codon", "count", "freq", "aa"]


def load_table(dataset_or_path: str, warehouse: str, group: str | None = None) -> pa.Table:
    """Read a codon frequency table.

    Args:
        dataset_or_path: name of a data set in the warehouse, ``name@sample-N`` for a sample of one; or the path
            or URI of a ``.parquet`` or ``.tsv`` table, of a folder that holds ``codon_frequencies.parquet``, or
            of a ``.csv`` with ``codon,count,freq,aa``.
        warehouse: where data sets are kept.
        group: only the rows of this group.

    Returns:
        Schema ``CODON_FREQUENCIES``; from Parquet, with what the table says of its making. The CSV has one
        group, ``all``, and neither fraction nor RSCU, which are null.

    Raises:
        InputNotFoundError: there is no such table.
        InputFormatError: the file is none of these, or of a version that is not read.
        SettingError: the table has no such group.
    """
    location = _location(dataset_or_path, warehouse)
    try:
        with open_location(location) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise InputNotFoundError(_absent(dataset_or_path, location, warehouse)) from error
    except OSError as error:
        msg = f"{location}: cannot be read ({first_line(error)}). Give the path of a table."
        raise InputNotFoundError(msg) from error
    try:
        table = _parse(content, location)
    except (ValueError, OverflowError, OSError, csv.Error) as error:
        msg = f"{location}: is no codon frequency table ({first_line(error)}). Give one that this project wrote."
        raise InputFormatError(msg) from error
    if group is None:
        return table
    rows_of_group(table, group)
    return table.filter(pc.field("group") == group)


def _location(dataset_or_path: str, warehouse: str) -> str:
    if dataset_or_path.endswith(SUFFIXES):
        return dataset_or_path
    # A data set's name holds no slash, so whatever does is a folder.
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


def _parse(content: bytes, location: str) -> pa.Table:
    if location.endswith(".parquet"):
        table = pq.read_table(pa.BufferReader(content))
        if refusal := format_refusal(table.schema, location, "Make it anew with opengenome analyze codon."):
            raise InputFormatError(refusal)
        if not table.schema.equals(CODON_FREQUENCIES):
            msg = f"its columns are {', '.join(table.column_names)}"
            raise ValueError(msg)
        return table
    text = content.decode()
    return read_tsv(text, CODON_FREQUENCIES) if location.endswith(".tsv") else _read_csv(text)


def _read_csv(text: str) -> pa.Table:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if reader.fieldnames != _CSV_COLUMNS:
        msg = f"its first line is not {','.join(_CSV_COLUMNS)}"
        raise ValueError(msg)
    rows = [_csv_row(line) for line in reader]
    if len({row["codon"] for row in rows}) < len(rows):
        msg = "a codon stands on two lines"
        raise ValueError(msg)
    return pa.Table.from_pylist(rows, schema=CODON_FREQUENCIES)


def _csv_row(line: dict[str, str]) -> dict[str, Any]:
    codon, count, frequency = line["codon"] or "", int(line["count"] or ""), float(line["freq"] or "")
    if not re.fullmatch("[A-Za-z]{3}", codon) or count < 0:
        msg = f"codon {codon!r} with count {count}"
        raise ValueError(msg)
    return {
        "group": ALL,
        "codon": codon.upper().replace("U", "T"),
        "amino_acid": line["aa"] or None,
        "count": count,
        "frequency": frequency,
        "per_thousand": frequency * 1000,
    }
