"""Reads Parquet files as Arrow chunks of a few MiB, independent of the size of their row groups."""

import io
from bisect import bisect_left
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import accumulate, groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.errors import InputFormatError, TruncatedInputError, first_line
from opengenome_assets.files.compression import read_ahead
from opengenome_assets.files.remote import needs_ranges, open_stored
from opengenome_assets.inputs.columns import sequence_column
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.other_kinds import refuse_other_kind
from opengenome_assets.paths import is_uri
from opengenome_assets.schemas import RECORDS

_MAGIC = b"PAR1"
# Bytes per read from a column of a row group. Without it Arrow loads the whole column, hundreds of MB.
_READ_BYTES = 2**20
# The mean record of a row group decides the number of rows in a batch, so a batch is much smaller than a chunk. The
# limit of rows is for columns whose repeated values take no space in the file.
_BATCHES_PER_CHUNK = 4
_BATCH_ROWS = 4096
_OPTIONAL = ("seq_id", "description", "source")


def _unreadable(file: InputFile, error: Exception, rows: int) -> TruncatedInputError:
    return TruncatedInputError(
        f"{file.uri}: the Parquet data are damaged or incomplete ({first_line(error)}). The first {rows:,} rows are valid. "
        "Download the file again."
    )


def _metadata(file: InputFile, stored: io.BufferedReader) -> pq.FileMetaData:
    """Read the footer, without the writer's Arrow types. Separate errors for other formats and truncated files.

    If the writer's schema says that a column was a dictionary, Arrow holds all its values twice while it reads a row
    group. Renaming the metadata key hides that schema.
    """
    if not stored.peek(4).startswith(_MAGIC):
        refuse_other_kind(file.uri)
        msg = (
            f"{file.uri} is not a Parquet file: it begins with {stored.peek(4)[:4]!r}, not with {_MAGIC!r}. "
            "If it is FASTA, rename it to end with .fa."
        )
        raise InputFormatError(msg)
    try:
        end = stored.seek(0, io.SEEK_END)
        stored.seek(max(end - 8, 0))
        tail = stored.read()
        begin = end - 8 - int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or begin < len(_MAGIC):
            msg = f"{file.uri}: the Parquet file is truncated: it does not end with {_MAGIC!r}. Download it again."
            raise TruncatedInputError(msg)
        stored.seek(begin)
        footer = stored.read(end - 8 - begin).replace(b"ARROW:schema", b"arrow-schema")
    except ValueError as error:
        raise needs_ranges(file.uri) from error
    try:
        return pq.read_metadata(io.BytesIO(_MAGIC + footer + tail))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error, 0) from error


def _open(file: InputFile, stored: io.BufferedReader) -> pq.ParquetFile:
    try:
        parquet = pq.ParquetFile(
            stored if is_uri(file.uri) else file.uri,
            metadata=_metadata(file, stored),
            pre_buffer=False,
            buffer_size=_READ_BYTES,
            page_checksum_verification=True,
            binary_type=pa.large_binary(),
        )
    except UnicodeDecodeError as error:
        # Invalid name of a column.
        raise _unreadable(file, error, 0) from error
    stated, held = parquet.metadata.num_rows, _group_starts(parquet.metadata)[-1]
    if stated != held:
        # The footer has no checksum, and a damaged one may hide row groups.
        raise _unreadable(file, ValueError(f"it states {stated:,} rows, but its row groups have {held:,}"), 0)
    return parquet


def _column(file: InputFile, parquet: pq.ParquetFile) -> str:
    """Name of the column with the sequences."""
    columns = parquet.schema_arrow
    try:
        names = columns.names
    except UnicodeDecodeError as error:
        raise _unreadable(file, error, 0) from error
    column = sequence_column(file.uri, names, file.column)
    found = columns.field(column).type
    if not (
        pa.types.is_large_string(found)
        or pa.types.is_large_binary(found)
        or pa.types.is_fixed_size_binary(found)
    ):
        msg = f"{file.uri}: the column '{column}' has type {found}. Convert it to text or bytes."
        raise InputFormatError(msg)
    return column


def parquet_column(file: InputFile) -> str:
    """Name of the column with the sequences. Reads the footer. Raises the errors of `read_parquet`."""
    with open_stored(file.uri, from_end=True) as stored, _open(file, stored) as parquet:
        return _column(file, parquet)


def _batch_rows(group: pq.RowGroupMetaData, bytes_a_row: int, chunk_bases: int) -> int:
    """Number of rows to decode at once: a power of two, so that neighbouring row groups have the same number.

    Args:
        group: the row group. The size of all its columns is used: pyarrow crashes the process when it reads the size
            of a single damaged column.
        bytes_a_row: mean bytes per row of the file, because some writers do not state the size of row groups.
        chunk_bases: maximum number of bases in a chunk.
    """
    mean = max(group.total_byte_size // max(group.num_rows, 1), bytes_a_row, 1)
    rows: int = chunk_bases // _BATCHES_PER_CHUNK // mean
    return min(1 << max(rows.bit_length() - 1, 0), _BATCH_ROWS)


def _text(file: InputFile, batch: pa.RecordBatch, name: str, fallback: pa.Array) -> pa.Array:
    if name not in batch.schema.names:
        return fallback
    try:
        return pc.coalesce(batch.column(name).cast(pa.string()), fallback)
    except pa.ArrowException as error:
        found = batch.schema.field(name).type
        msg = f"{file.uri}: the column {name!r} has type {found}, which cannot be read as text ({error})."
        raise InputFormatError(msg) from error


def _records(file: InputFile, batch: pa.RecordBatch, column: str, first_row: int) -> pa.RecordBatch:
    """Convert a batch of the file to `RECORDS`, and verify it."""
    sequences = batch.column(column)
    if sequences.null_count:
        row = first_row + sequences.is_null().to_pylist().index(True)
        msg = (
            f"{file.uri}: row {row:,} (from 0) has no sequence (null). Remove the row, or give it a sequence."
        )
        raise InputFormatError(msg)
    rows = pa.array(np.arange(first_row, first_row + batch.num_rows)).cast(pa.string())
    ids = _text(file, batch, "seq_id", pc.binary_join_element_wise(file.name, rows, ":"))
    descriptions = _text(file, batch, "description", pa.repeat("", batch.num_rows))
    sources = _text(file, batch, "source", pa.repeat(file.name, batch.num_rows))
    # Without a cast, which would reject bytes that are not UTF-8; find_invalid reports their record.
    if pa.types.is_fixed_size_binary(sequences.type):
        sequences = sequences.cast(pa.large_binary())
    letters = sequences if pa.types.is_large_string(sequences.type) else sequences.view(pa.large_string())
    records = pa.record_batch([ids, descriptions, letters, sources], schema=RECORDS)
    _check_lengths(file, batch, records, first_row)
    return records


def _check_lengths(file: InputFile, batch: pa.RecordBatch, records: pa.RecordBatch, first_row: int) -> None:
    if "length" not in batch.schema.names:
        return
    try:
        stated = batch.column("length").cast(pa.int64())
    except pa.ArrowException as error:
        msg = f"{file.uri}: the column 'length' has type {batch.column('length').type}, not whole numbers ({error})."
        raise InputFormatError(msg) from error
    found = lengths(records)
    differs = np.flatnonzero(pc.not_equal(stated, pa.array(found)).fill_null(fill_value=False))
    if differs.size:
        row = int(differs[0])
        msg = (
            f"{file.uri}: row {first_row + row:,} (from 0), {records.column('seq_id')[row].as_py()!r}, has "
            f"{found[row]:,} bases, but its column 'length' says {stated[row].as_py():,}. "
            "The file is damaged or was changed. Download or write it again."
        )
        raise InputFormatError(msg)


def cut(records: pa.RecordBatch, chunk_bases: int, chunk_rows: int) -> Iterator[pa.RecordBatch]:
    """Cut records into chunks that are within both limits, or of one longer record."""
    ends = np.cumsum(lengths(records))
    begin = bases = 0
    while begin < records.num_rows:
        end = int(np.searchsorted(ends, bases + chunk_bases, side="right"))
        end = min(max(end, begin + 1), begin + chunk_rows)
        yield records.slice(begin, end - begin)
        begin, bases = end, int(ends[end - 1])


def group_starts(file: InputFile) -> list[int]:
    """The first row of each row group, where `read_parquet` can begin, and the number of rows in the file."""
    with open_stored(file.uri, from_end=True) as stored:
        return _group_starts(_metadata(file, stored))


def _group_starts(metadata: pq.FileMetaData) -> list[int]:
    rows = (metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
    return list(accumulate(rows, initial=0))


def row_cuts(file: InputFile, part_bytes: int) -> list[int]:
    """The first row of each part of the file. A part is at least one row group.

    Args:
        file: the file.
        part_bytes: bytes of a part as stored, about, of all columns.
    """
    with open_stored(file.uri, from_end=True) as stored:
        metadata = _metadata(file, stored)
        stored_bytes = stored.seek(0, io.SEEK_END)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    # The stated sizes are those before compression. Some writers do not state them.
    stated = [max(group.total_byte_size, 0) for group in groups]
    weights = stated if any(stated) else [group.num_rows for group in groups]
    found = {0: 0}
    for row, before in zip(_group_starts(metadata), accumulate(weights, initial=0), strict=True):
        if row < metadata.num_rows:
            found.setdefault(before * stored_bytes // (sum(weights) * part_bytes), row)
    # Row groups without rows begin where the next one does.
    return list(dict.fromkeys(found.values()))


def read_parquet(
    file: InputFile, chunk_bases: int, chunk_rows: int, first_row: int = 0, end_row: int | None = None
) -> Generator[pa.RecordBatch, None, None]:
    """Read a Parquet file as `schemas.RECORDS`.

    The column of the sequences (`sequence_column`) may be text or bytes of any Arrow type, including dictionaries.
    Defaults for missing columns and nulls: ``seq_id`` is ``{file name}:{row}``, ``description`` is empty, ``source`` is the
    file's name. A column ``length`` is compared with the sequences. A file without rows yields no chunks.

    Args:
        file: the file.
        chunk_bases: maximum number of bases in a chunk, except for a single longer record.
        chunk_rows: maximum number of records in a chunk.
        first_row: first row to read; one of `group_starts`.
        end_row: row after the last one to read; one of `group_starts`. None reads to the end of the file.

    Raises:
        InputFormatError: it is not Parquet, has no column of sequences or a null in it, or a wrong ``length``.
        TruncatedInputError: the file is truncated or damaged.
    """
    row = first_row
    with open_stored(file.uri, from_end=True) as stored, _open(file, stored) as parquet:
        column = _column(file, parquet)
        wanted = [
            column,
            *(n for n in ("length", *_OPTIONAL) if n in parquet.schema_arrow.names and n != column),
        ]
        starts = _group_starts(parquet.metadata)
        end = starts[-1] if end_row is None else end_row
        groups = range(bisect_left(starts, first_row), min(bisect_left(starts, end), parquet.num_row_groups))
        bytes_a_row = stored.seek(0, io.SEEK_END) // max(parquet.metadata.num_rows, 1)
        for rows, alike in groupby(
            groups, lambda g: _batch_rows(parquet.metadata.row_group(g), bytes_a_row, chunk_bases)
        ):
            batches = parquet.iter_batches(rows, row_groups=list(alike), columns=wanted, use_threads=False)
            with closing(read_ahead(batches, file.size)) as ahead:
                while True:
                    try:
                        batch = next(ahead, None)
                    except (pa.ArrowException, OSError) as error:
                        raise _unreadable(file, error, row) from error
                    if batch is None:
                        break
                    records = _records(file, batch, column, row)
                    row += batch.num_rows
                    yield from cut(records, chunk_bases, chunk_rows)
        if row != end:
            # Arrow reads no rows, without an error, from a page whose damaged header states zero.
            raise _unreadable(file, ValueError(f"it states {end:,} rows up to here"), row)
