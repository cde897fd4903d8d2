"""What a batch file says of itself, and how a reader makes sure that it is the one it asked for."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.errors import BatchFileError, NewerFormatError
from opengenome_assets.storage.formats import BATCH_FILE, writer_in

STAMP = b"opengenome_assets.batch"
PROVENANCE = b"opengenome_assets.provenance"


@dataclass(frozen=True)
class BatchStamp:
    """Identity of a batch file.

    Attributes:
        dataset: key of the data set.
        batch: partition key.
        first_row: number of the batch's first row in the input.
        end_row: number after its last row.
        batch_size: rows a batch, or ``auto``.
        fingerprint: of the plan, and so of the input and the settings that change counts.
        format: version of the files' layout.
    """

    dataset: str
    batch: str
    first_row: int
    end_row: int
    batch_size: int | str
    fingerprint: str
    format: int = BATCH_FILE.written


def stamped(schema: pa.Schema, stamp: BatchStamp, provenance: dict[str, Any]) -> pa.Schema:
    """The schema with the stamp and the provenance in its metadata."""
    return schema.with_metadata({STAMP: _json(asdict(stamp)), PROVENANCE: _json(provenance)})


def open_batch_file(source: Any, location: str, expected: BatchStamp, schema: pa.Schema) -> pq.ParquetFile:
    """Open a batch file and verify that it is the expected one.

    Args:
        source: an open binary file.
        location: its name, for messages.
        expected: the stamp that it must carry.
        schema: the columns that it must have.

    Raises:
        BatchFileError: it is damaged, too old, or of another data set, plan, input or batch.
        NewerFormatError: it was written by a newer version.
    """
    again = f"Materialize {expected.batch} of {expected.dataset} again."
    try:
        # Without page checksums a flipped bit in a count would be read as a count.
        file = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
        columns = file.schema_arrow.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        msg = f"{location}: not a whole Parquet file ({first_line(error)}). {again}"
        raise BatchFileError(msg) from error
    footer = file.metadata
    held = sum(footer.row_group(number).num_rows for number in range(footer.num_row_groups))
    if held != footer.num_rows:
        # The footer has no checksum, and a damaged one may hide row groups.
        msg = (
            f"{location}: damaged: {footer.num_rows:,} rows are stated, and row groups hold {held:,}. {again}"
        )
        raise BatchFileError(msg)
    found = _read_json(file, STAMP)
    if found is None:
        msg = f"{location}: carries no batch stamp, so it was not written by this project. {again}"
        raise BatchFileError(msg)
    mend = f"{again} The command opengenome analyze codon does so with all such batches."
    version = found.get("format")
    if refusal := BATCH_FILE.refusal(version, location, writer_in(_read_json(file, PROVENANCE)), mend):
        raise NewerFormatError(refusal) if BATCH_FILE.is_newer(version) else BatchFileError(refusal)
    wanted = asdict(expected)
    # Any version that is read is as good as the one that is written.
    differing = [name for name, value in wanted.items() if name != "format" and found.get(name) != value]
    if differing:
        what = ", ".join(
            f"{name} {found.get(name)!r} where {wanted[name]!r} is planned" for name in differing
        )
        msg = f"{location}: belongs elsewhere: {what}. {again}"
        raise BatchFileError(msg)
    if not file.schema_arrow.equals(schema, check_metadata=False):
        msg = f"{location}: columns {columns} are not {schema.names} as planned. {again}"
        raise BatchFileError(msg)
    return file


def first_line(error: BaseException) -> str:
    """The first line of an error's text, for a message of one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _read_json(file: pq.ParquetFile, key: bytes) -> dict[str, Any] | None:
    text = (file.schema_arrow.metadata or {}).get(key)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
