"""The metadata table: group and genetic code of records, by id. It is held in memory as Arrow columns."""

import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import InputFormatError, InputNotFoundError, ManifestError, first_line
from opengenome_assets.files.formats import METADATA_COPY, stated_format
from opengenome_assets.files.remote import open_stored, storage_errors
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.user_table import BLANKS, MISSING, BroughtTable, read_table, whole_number
from opengenome_assets.paths import local_path
from opengenome_assets.units import number_of

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
    try:
        with open_stored(local_path(location)) as file:
            content = file.read()
    except storage_errors(InputNotFoundError) as error:
        msg = f"{named} cannot be read ({first_line(error)}). Set a TSV, CSV or Parquet file."
        raise InputNotFoundError(msg) from error
    return _from_table(read_table(content, named, _COLUMNS), named)


def _from_table(table: BroughtTable, named: str) -> MetadataTable:
    if "seq_id" not in table.columns or not {"group", "genetic_code"} & set(table.columns):
        msg = f"{named} has the columns {', '.join(table.names)}. {_ALLOWED}"
        raise InputFormatError(msg)
    if not len(table.lines):
        msg = f"{named} has a header but no rows. Add one row per record, or unset the variable."
        raise InputFormatError(msg)
    texts = {name: _as_text(column, name, named) for name, column in table.columns.items()}
    ids = _ids(texts["seq_id"], table, named)
    groups = _groups(texts.get("group"), ids, table, named)
    codes = _codes(texts.get("genetic_code"), ids, table, named)
    content = _as_parquet(pa.table({"seq_id": ids, "group": groups, "genetic_code": codes}))
    if "group" not in texts:
        # Without groups, all records of the table belong to one group.
        groups = pa.repeat(ALL, len(ids))
    return MetadataTable(ids, groups, codes, hashlib.sha256(content).hexdigest())


def _as_text(column: pa.ChunkedArray, name: str, named: str) -> pa.Array:
    kind = column.type
    is_number = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and name != "seq_id")
    if not (is_number or pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        msg = f"{named}: column {name} has type {kind}. Write it as text."
        raise InputFormatError(msg)
    return pc.utf8_trim(column.cast(pa.string()), characters=BLANKS).combine_chunks()


def _ids(ids: pa.Array, table: BroughtTable, named: str) -> pa.Array:
    absent = pc.equal(pc.fill_null(ids, ""), "")
    if pc.any(absent).as_py():
        place = table.place(_first(absent))
        msg = f"{named}: {place} has no seq_id. Add one, or remove the row."
        raise InputFormatError(msg)
    counted = pc.value_counts(ids)
    repeated = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    if len(repeated):
        lines = [table.place(row) for row in np.flatnonzero(pc.equal(ids, repeated[0]))[:2]]
        others = f" Also repeated: {number_of(len(repeated) - 1, 'id')}." if len(repeated) > 1 else ""
        msg = f"{named}: id '{repeated[0]}' is in {lines[0]} and in {lines[1]}.{others} Keep one row per id."
        raise InputFormatError(msg)
    return ids


def _groups(groups: pa.Array | None, ids: pa.Array, table: BroughtTable, named: str) -> pa.Array:
    if groups is None:
        return pa.nulls(len(ids), pa.string())
    groups = _missing_as_null(groups)
    reserved = pc.fill_null(pc.is_in(groups, value_set=pa.array([ALL, UNASSIGNED])), fill_value=False)
    if pc.any(reserved).as_py():
        row = _first(reserved)
        msg = f"{named}: {table.place(row)} (id '{ids[row]}'): the group name '{groups[row]}' is reserved. Rename the group."
        raise InputFormatError(msg)
    return groups


def _codes(texts: pa.Array | None, ids: pa.Array, table: BroughtTable, named: str) -> pa.Array:
    if texts is None:
        return pa.nulls(len(ids), pa.int32())
    texts = _missing_as_null(texts)
    spelled = pc.unique(texts.drop_null())
    codes = [whole_number(text) for text in spelled.to_pylist()]
    for text, code in zip(spelled, codes, strict=True):
        if code not in genetic_codes():
            row = pc.index(texts, text).as_py()
            allowed = ", ".join(map(str, genetic_codes()))
            msg = (
                f"{named}: {table.place(row)} (id '{ids[row]}'): genetic_code '{text}' is not one of NCBI's codes: {allowed}. "
                "Use one of these numbers, or leave the value empty."
            )
            raise InputFormatError(msg)
    return pa.array(codes, pa.int32()).take(pc.index_in(texts, value_set=spelled))


def _missing_as_null(texts: pa.Array) -> pa.Array:
    missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts)


def _first(mask: pa.BooleanArray) -> int:
    return int(pc.index(mask, value=True).as_py())


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
