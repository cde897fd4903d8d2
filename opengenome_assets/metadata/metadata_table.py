"""The metadata table: group and genetic code of records, by id. It is held in memory as Arrow columns."""

import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, InputNotFoundError, ManifestError, first_line
from opengenome_assets.files.formats import METADATA_COPY, stated_format
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.user_table import BroughtTable, read_table
from opengenome_assets.metadata.rows_by_id import RowsById, content_of, first_true, genetic_codes_of

ALL = "all"
UNASSIGNED = "unassigned"
_EXAMPLES = 5
_COLUMNS = ("seq_id", "group", "genetic_code")
_ALLOWED = "Required: a column seq_id, and group, genetic_code or both."


@dataclass
class MetadataTable:
    """The table, and which of its ids occur in the input.

    Attributes:
        ids: string, unique.
        groups: string, as long as ``ids``; null without a group.
        codes: int32, as long as ``ids``; null without a genetic code.
        sha256: hash of the table's contents, independent of its file format.
    """

    ids: pa.Array
    groups: pa.Array
    codes: pa.Array
    sha256: str
    met: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.met = np.zeros(len(self.ids), dtype=np.bool_)

    def meet(self, seq_ids: pa.Array) -> None:
        """Mark the ids that occur in the input."""
        places = pc.index_in(seq_ids, value_set=self.ids).drop_null()
        self.met[places.to_numpy()] = True

    def unmatched(self) -> tuple[int, list[str]]:
        """Number of ids without a record in the input, and some of these ids."""
        missed = np.flatnonzero(~self.met)
        return int(missed.size), self.ids.take(pa.array(missed[:_EXAMPLES])).to_pylist()

    def holds_the_same_as(self, other: "MetadataTable") -> bool:
        """Whether two tables have the same ids, groups and codes, in the same order."""
        return bool(
            self.ids.equals(other.ids) and self.groups.equals(other.groups) and self.codes.equals(other.codes)
        )

    def look_up(self, seq_ids: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Group and genetic code of records; ``unassigned`` and null for records without an entry."""
        places = pc.index_in(seq_ids, value_set=self.ids)
        return pc.fill_null(self.groups.take(places), UNASSIGNED), self.codes.take(places)


def read_metadata(location: str) -> MetadataTable:
    """Read the user's table: TSV, CSV or Parquet. The content decides the format, not the name.

    Blanks around values are removed. The words of `user_table.MISSING` mean that a record has no group or code.

    Raises:
        InputNotFoundError: the file cannot be read.
        InputFormatError: the columns or values are invalid, an id is repeated, or a group name is reserved.
    """
    named = f"OPENGENOME_METADATA: {location}"
    return _from_table(read_table(content_of(location, named), named, _COLUMNS), named)


def _from_table(table: BroughtTable, named: str) -> MetadataTable:
    if "seq_id" not in table.columns or not {"group", "genetic_code"} & set(table.columns):
        msg = f"{named} has the columns {', '.join(table.names)}. {_ALLOWED}"
        raise InputFormatError(msg)
    if not len(table.lines):
        msg = f"{named} has a header but no rows. Add one row per record, or unset the variable."
        raise InputFormatError(msg)
    rows = RowsById(table, named, "seq_id")
    groups = _groups(rows)
    codes = genetic_codes_of(rows)
    content = _as_parquet(pa.table({"seq_id": rows.ids, "group": groups, "genetic_code": codes}))
    if "group" not in table.columns:
        # Without groups, all records of the table belong to one group.
        groups = pa.repeat(ALL, len(rows.ids))
    return MetadataTable(rows.ids, groups, codes, hashlib.sha256(content).hexdigest())


def _groups(rows: RowsById) -> pa.Array:
    groups = rows.texts("group")
    reserved = pc.fill_null(pc.is_in(groups, value_set=pa.array([ALL, UNASSIGNED])), fill_value=False)
    if pc.any(reserved).as_py():
        row = first_true(reserved)
        rows.refuse(row, f"the group name '{groups[row]}' is reserved. Rename the group.")
    return groups


def _as_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def metadata_path(sha256: str) -> str:
    """Path of the copy of the table in a data set's folder."""
    return f"sidecar/{sha256[:16]}.parquet"


def keep_metadata(folder: DatasetFolder, metadata: MetadataTable) -> None:
    """Write a copy into the data set's folder, so that later changes of the user's table do not affect new batches."""
    table = pa.table({"seq_id": metadata.ids, "group": metadata.groups, "genetic_code": metadata.codes})
    stated = table.replace_schema_metadata(METADATA_COPY.stated(table.schema).metadata)
    folder.write(metadata_path(metadata.sha256), _as_parquet(stated))


def kept_metadata(folder: DatasetFolder, sha256: str) -> MetadataTable:
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
    ids, groups, codes = (table[name].combine_chunks() for name in _COLUMNS)
    return MetadataTable(ids, groups, codes, sha256)
