"""The sidecar table: group and genetic code of records, by id. Held in memory as Arrow columns."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import InputFormatError, InputNotFoundError, ManifestError
from opengenome_assets.reading.storage import local_path, open_stored, storage_errors
from opengenome_assets.storage.formats import SIDECAR_COPY, stated_format
from opengenome_assets.storage.stamps import first_line
from opengenome_assets.storage.warehouse import DatasetFolder

ALL = "all"
UNASSIGNED = "unassigned"
_EXAMPLES = 5
_COLUMNS = {"seq_id": pa.string(), "group": pa.string(), "genetic_code": pa.int32()}
_ALLOWED = "It needs a column seq_id, and group and/or genetic_code."


@dataclass
class Sidecar:
    """The table, and which of its ids have been met in the input.

    Attributes:
        ids: string, unique.
        groups: string, as long as ``ids``; null where the table names none.
        codes: int32, as long as ``ids``; null where the table names none.
        sha256: of the table's contents, whatever it was read from.
    """

    ids: pa.Array
    groups: pa.Array
    codes: pa.Array
    sha256: str
    met: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.met = np.zeros(len(self.ids), dtype=np.bool_)

    def meet(self, seq_ids: pa.Array) -> None:
        """Remember which ids stand in the input."""
        places = pc.index_in(seq_ids, value_set=self.ids).drop_null()
        self.met[places.to_numpy()] = True

    def unmatched(self) -> tuple[int, list[str]]:
        """How many ids match nothing in the input, and some of them."""
        missed = np.flatnonzero(~self.met)
        return int(missed.size), self.ids.take(pa.array(missed[:_EXAMPLES])).to_pylist()

    def holds_the_same_as(self, other: "Sidecar") -> bool:
        """Whether two tables say the same of the same ids, in the same order."""
        return bool(
            self.ids.equals(other.ids) and self.groups.equals(other.groups) and self.codes.equals(other.codes)
        )

    def look_up(self, seq_ids: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Group and genetic code of records: ``unassigned`` and null where the table has no entry."""
        places = pc.index_in(seq_ids, value_set=self.ids)
        return pc.fill_null(self.groups.take(places), UNASSIGNED), self.codes.take(places)


def read_sidecar(location: str) -> Sidecar:
    """Read the user's table: TSV, CSV or Parquet, by its extension.

    Raises:
        InputNotFoundError: there is no such file.
        InputFormatError: it is no such table, or says two things of one id, or uses a reserved group name.
    """
    try:
        with open_stored(local_path(location)) as file:
            content = file.read()
    except storage_errors(InputNotFoundError) as error:
        msg = f"OPENGENOME_METADATA: {location} cannot be read ({first_line(error)}). Name a TSV, CSV or Parquet file."
        raise InputNotFoundError(msg) from error
    try:
        table = _parse(location, content)
        # Decoded here for the first time, and maybe no text.
        names = table.column_names
    except (pa.ArrowException, UnicodeDecodeError) as error:
        msg = f"OPENGENOME_METADATA: {location} is no table ({first_line(error)}). {_ALLOWED}"
        raise InputFormatError(msg) from error
    return _from_table(table, names, location)


def _parse(location: str, content: bytes) -> pa.Table:
    suffix = PurePosixPath(location).suffix.lower()
    if suffix in (".parquet", ".pq"):
        return pq.read_table(pa.BufferReader(content))
    if suffix in (".tsv", ".tab", ".txt", ".csv"):
        return pcsv.read_csv(
            io.BytesIO(content),
            parse_options=pcsv.ParseOptions(delimiter="," if suffix == ".csv" else "\t"),
            # Ids such as 007 or NA stay what they are.
            convert_options=pcsv.ConvertOptions(
                column_types={"seq_id": pa.string(), "group": pa.string(), "genetic_code": pa.string()},
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
            ),
        )
    msg = f"unknown extension '{suffix}'; allowed are .tsv, .csv and .parquet"
    raise pa.ArrowInvalid(msg)


def _from_table(table: pa.Table, names: list[str], location: str) -> Sidecar:
    if "seq_id" not in names or not {"group", "genetic_code"} & set(names):
        msg = f"OPENGENOME_METADATA: {location} has the columns {', '.join(names)}. {_ALLOWED}"
        raise InputFormatError(msg)
    columns = {}
    for name, kind in _COLUMNS.items():
        try:
            column = table[name].cast(kind) if name in names else pa.nulls(table.num_rows, kind)
        except pa.ArrowInvalid as error:
            msg = f"OPENGENOME_METADATA: {location}: column {name}: {first_line(error)}. Allowed is {kind}."
            raise InputFormatError(msg) from error
        columns[name] = column
    clean = pa.table(columns).combine_chunks()
    _refuse_wrong_values(clean, location)
    ids, groups, codes = (clean[name].combine_chunks() for name in _COLUMNS)
    return Sidecar(ids, groups if "group" in names else _all(len(ids)), codes, _digest(clean))


def _all(rows: int) -> pa.Array:
    """Every record that the table knows belongs to one group where the table names none."""
    return pa.array([ALL] * rows, pa.string())


def _refuse_wrong_values(table: pa.Table, location: str) -> None:
    ids = table["seq_id"]
    if ids.null_count:
        row = pc.index(pc.is_null(ids), value=True).as_py()
        msg = f"OPENGENOME_METADATA: {location}: row {row + 1} has no seq_id. Every row needs one."
        raise InputFormatError(msg)
    counted = pc.value_counts(ids.combine_chunks())
    repeated = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    if len(repeated):
        msg = (
            f"OPENGENOME_METADATA: {location}: {len(repeated):,} ids stand on several rows, '{repeated[0]}' among them. "
            "An id has one group and one genetic code: keep one row of each."
        )
        raise InputFormatError(msg)
    reserved = [name for name in pc.unique(table["group"]).to_pylist() if name in (ALL, UNASSIGNED)]
    if reserved:
        msg = (
            f"OPENGENOME_METADATA: {location}: the group name '{reserved[0]}' is reserved. Rename the group."
        )
        raise InputFormatError(msg)
    unknown = [
        code for code in pc.unique(table["genetic_code"]).to_pylist() if code not in (None, *genetic_codes())
    ]
    if unknown:
        allowed = ", ".join(map(str, genetic_codes()))
        msg = f"OPENGENOME_METADATA: {location}: genetic_code {unknown[0]} is none of NCBI's: {allowed}."
        raise InputFormatError(msg)


def _digest(table: pa.Table) -> str:
    return hashlib.sha256(_as_parquet(table)).hexdigest()


def _as_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def sidecar_path(sha256: str) -> str:
    """Where a data set's own copy of the table lies."""
    return f"sidecar/{sha256[:16]}.parquet"


def keep_sidecar(folder: DatasetFolder, sidecar: Sidecar) -> None:
    """Keep a copy beside the manifest, so that batches written later cannot meet a changed table."""
    table = pa.table({"seq_id": sidecar.ids, "group": sidecar.groups, "genetic_code": sidecar.codes})
    stated = table.replace_schema_metadata(SIDECAR_COPY.stated(table.schema).metadata)
    folder.write(sidecar_path(sidecar.sha256), _as_parquet(stated))


def kept_sidecar(folder: DatasetFolder, sha256: str) -> Sidecar:
    """Read the data set's own copy.

    Raises:
        InputNotFoundError: it is gone.
        ManifestError: it is of a version that is not read.
    """
    location = folder.location(sidecar_path(sha256))
    try:
        with folder.open(sidecar_path(sha256)) as file:
            table = pq.read_table(pa.BufferReader(file.read()))
    except (OSError, pa.ArrowInvalid) as error:
        msg = (
            f"{location}: cannot be read ({first_line(error)}). "
            f"Restore it, or remove {folder.root} and register the input again."
        )
        raise InputNotFoundError(msg) from error
    mend = f"Remove {folder.root} and register the input again."
    if refusal := SIDECAR_COPY.refusal(stated_format(table.schema), location, None, mend):
        raise ManifestError(refusal)
    ids, groups, codes = (table[name].combine_chunks() for name in _COLUMNS)
    return Sidecar(ids, groups, codes, sha256)
