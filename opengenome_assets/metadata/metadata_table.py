"""The metadata table: group and genetic code of records, by id, or by source and id. It is held in memory as Arrow columns."""

import hashlib
import io
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, InputNotFoundError, ManifestError, first_line
from opengenome_assets.files.formats import METADATA_COPY, stated_format
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.user_table import BroughtTable, read_table
from opengenome_assets.metadata.rows_by_id import (
    RowsById,
    content_of,
    first_true,
    genetic_codes_of,
    named_record,
    record_keys,
)
from opengenome_assets.settings import BY_FILE

ALL = "all"
UNASSIGNED = "unassigned"
_EXAMPLES = 5


@dataclass
class MetadataTable:
    """The table.

    Attributes:
        ids: string; unique, or unique together with ``sources``.
        groups: string, as long as ``ids``; null without a group.
        codes: int32, as long as ``ids``; null without a genetic code.
        sha256: hash of the table's contents, independent of its file format.
        sources: string, as long as ``ids``: the value of the records' column ``source``. None if the ids are enough.
        ignore_version: whether ids are compared without a final ``.`` and digits.
    """

    ids: pa.Array
    groups: pa.Array
    codes: pa.Array
    sha256: str
    sources: pa.Array | None = None
    ignore_version: bool = False
    keys: pa.Array = field(init=False)

    def __post_init__(self) -> None:
        self.keys = record_keys(self.ids, self.sources, ignore_version=self.ignore_version)

    def find(self, records: pa.RecordBatch) -> pa.Array:
        """Row of the table of each record; null for records without one.

        Args:
            records: columns ``seq_id`` and ``source``.
        """
        sources = None if self.sources is None else records.column("source")
        keys = record_keys(records.column("seq_id"), sources, ignore_version=self.ignore_version)
        return pc.index_in(keys, value_set=self.keys)

    def unmatched(self, met: NDArray[np.int32]) -> tuple[int, list[str]]:
        """Number of rows without a record in the input, and the ids of some.

        Args:
            met: the rows with a record, increasing.
        """
        missed = np.setdiff1d(np.arange(len(self.ids)), met, assume_unique=True)
        return int(missed.size), [named_record(self.ids, self.sources, row) for row in missed[:_EXAMPLES]]

    def holds_the_same_as(self, other: "MetadataTable") -> bool:
        """Whether two tables have the same columns and rows, in the same order."""
        return bool(self.columns().equals(other.columns()))

    def columns(self) -> pa.Table:
        """Columns ``seq_id``, ``group``, ``genetic_code``, and ``source`` if ids are not enough."""
        columns = {"seq_id": self.ids, "group": self.groups, "genetic_code": self.codes}
        if self.sources is not None:
            columns["source"] = self.sources
        return pa.table(columns)


def read_metadata(location: str, group: str | None = None, *, ignore_version: bool = False) -> MetadataTable:
    """Read the user's table: TSV, CSV or Parquet. The content decides the format, not the name.

    Blanks around values are removed. The words of `user_table.MISSING` mean that a record has no group or code.

    Args:
        location: path or URI.
        group: columns that make the groups, with commas between them; by default the column ``group``. With ``file``
            the table gives only genetic codes, and its groups are null.
        ignore_version: compare ids without a final ``.`` and digits.

    Raises:
        InputNotFoundError: the file cannot be read.
        InputFormatError: the columns or values are invalid, an id is repeated, or a group name is reserved.
    """
    named = f"OPENGENOME_METADATA: {location}"
    by = _columns_of_groups(group)
    wanted = dict.fromkeys(("seq_id", "source", "genetic_code", *by))
    table = read_table(content_of(location, named), named, tuple(wanted))
    _check_columns(table, group, named)
    rows = RowsById(table, named, "seq_id", "source", ignore_version=ignore_version)
    groups, codes = _groups(rows, by, named), genetic_codes_of(rows)
    read = MetadataTable(rows.ids, groups, codes, "", rows.sources, ignore_version)
    read.sha256 = hashlib.sha256(_as_parquet(read.columns())).hexdigest()
    if group is None and "group" not in table.columns:
        # Without groups, all records of the table belong to one group.
        read.groups = pa.repeat(ALL, len(rows.ids))
    return read


def _columns_of_groups(group: str | None) -> tuple[str, ...]:
    if group is None:
        return ("group",)
    return () if group == BY_FILE else tuple(group.split(","))


def _check_columns(table: BroughtTable, group: str | None, named: str) -> None:
    required, one_of = "a column seq_id", set(table.columns)
    if group is None:
        required, one_of = "a column seq_id, and group, genetic_code or both", {"group", "genetic_code"}
    elif group == BY_FILE:
        # The table then gives nothing else.
        required, one_of = (
            f"the columns seq_id and genetic_code (with OPENGENOME_GROUP={BY_FILE})",
            {"genetic_code"},
        )
    if "seq_id" not in table.columns or not one_of & set(table.columns):
        msg = f"{named} has the columns {', '.join(table.names)}. Required: {required}."
        raise InputFormatError(msg)
    missing = [name for name in _columns_of_groups(group) if group is not None and name not in table.columns]
    if missing:
        msg = (
            f"{named} has no column {missing[0]}, which OPENGENOME_GROUP={group} names. "
            f"Name some of its columns ({', '.join(table.names)}), or add the column."
        )
        raise InputFormatError(msg)
    if not len(table.lines):
        msg = f"{named} has a header but no rows. Add one row per record, or unset the variable."
        raise InputFormatError(msg)


def _groups(rows: RowsById, columns: tuple[str, ...], named: str) -> pa.Array:
    """Group of each row: the values of some columns with ``/`` between them; null if all are missing."""
    if not columns:
        return pa.nulls(len(rows.ids), pa.string())
    values = [rows.texts(column) for column in columns]
    for part in values:
        reserved = pc.fill_null(pc.is_in(part, value_set=pa.array([ALL, UNASSIGNED])), fill_value=False)
        if pc.any(reserved).as_py():
            row = first_true(reserved)
            rows.refuse(row, f"the group name '{part[row]}' is reserved. Rename the group.")
    if len(values) == 1:
        return values[0]
    names = pc.binary_join_element_wise(*(pc.fill_null(part, UNASSIGNED) for part in values), "/")
    different = pa.table([*values, names], [*columns, "/"]).group_by([*columns, "/"]).aggregate([])["/"]
    counted = pc.value_counts(different)
    alike = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    if len(alike):
        msg = (
            f"{named}: different values of {', '.join(columns)} give the same group name '{alike[0]}'. "
            "Replace the '/' in these values."
        )
        raise InputFormatError(msg)
    is_missing = reduce(pc.and_, (pc.is_null(part) for part in values))
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), names)


def _as_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def metadata_path(sha256: str) -> str:
    """Path of the copy of the table in a data set's folder."""
    return f"sidecar/{sha256[:16]}.parquet"


def keep_metadata(folder: DatasetFolder, metadata: MetadataTable) -> None:
    """Write a copy into the data set's folder, so that later changes of the user's table do not affect new batches."""
    table = metadata.columns()
    stated = table.replace_schema_metadata(METADATA_COPY.stated(table.schema).metadata)
    folder.write(metadata_path(metadata.sha256), _as_parquet(stated))


def kept_metadata(folder: DatasetFolder, sha256: str, *, ignore_version: bool = False) -> MetadataTable:
    """Read the copy of the table in a data set's folder.

    Raises:
        InputNotFoundError: it is missing or damaged.
        ManifestError: it has an unsupported version.
    """
    location = folder.location(metadata_path(sha256))
    try:
        with folder.open(metadata_path(sha256)) as file:
            table = pq.read_table(pa.BufferReader(file.read()))
    except (OSError, pa.ArrowInvalid) as error:
        msg = (
            f"{location}: cannot be read ({first_line(error)}). "
            f"Restore it, or remove {folder.root} and register the input again."
        )
        raise InputNotFoundError(msg) from error
    remedy = f"Remove {folder.root} and register the input again."
    if refusal := METADATA_COPY.refusal(stated_format(table.schema), location, None, remedy):
        raise ManifestError(refusal)
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    return MetadataTable(
        columns["seq_id"],
        columns["group"],
        columns["genetic_code"],
        sha256,
        columns.get("source"),
        ignore_version,
    )
