"""Reads the records of any input file, in order, as Arrow chunks of bounded size."""

from collections.abc import Callable, Generator

import pyarrow as pa

from opengenome_assets.inputs.archives import read_archive
from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.find import InputFile, no_log
from opengenome_assets.inputs.jsonl import jsonl_column, read_jsonl
from opengenome_assets.inputs.parquet import group_starts, parquet_column, read_parquet

CHUNK_BASES = 16 * 2**20
CHUNK_ROWS = 65_536


def starting_rows(file: InputFile) -> list[int]:
    """Rows of the file where reading can begin, increasing, starting with 0. Only 0, except for Parquet."""
    return group_starts(file) if file.format == "parquet" else [0]


def column_of(file: InputFile) -> str | None:
    """Name of the column with a file's sequences; None if its format has no columns.

    Raises:
        InputFormatError: the file has no such column, or several.
    """
    find = {"parquet": parquet_column, "jsonl": jsonl_column}.get(file.format)
    return find(file) if find else None


def cuts(file: InputFile) -> list[int]:
    """Places where a part of a file can begin, increasing, starting with 0: rows of a Parquet file."""
    return starting_rows(file)[:-1] or [0] if file.format == "parquet" else [0]


def read_records(
    file: InputFile, begin: int = 0, end: int | None = None, log: Callable[[str], None] = no_log
) -> Generator[pa.RecordBatch, None, None]:
    """Read the records that begin at one of the `cuts` or later, and before another one.

    ``log`` is called with lines about members of an archive that are left out.
    """
    left = None if end is None else end - begin
    for chunk in _whole(file, begin, log):
        part = chunk if left is None else chunk.slice(0, left)
        if part.num_rows:
            yield part
        if left is not None:
            left -= part.num_rows
            if left == 0:
                return


def _whole(
    file: InputFile, first_row: int, log: Callable[[str], None]
) -> Generator[pa.RecordBatch, None, None]:
    """Read a file as `schemas.RECORDS`, in its order and in constant memory.

    A chunk has at most `CHUNK_BASES` bases, or one longer record, and at most `CHUNK_ROWS` rows. Closing the iterator
    stops the reading. Raises the errors of `read_fasta`, `read_archive`, `read_jsonl` and `read_parquet`.

    Args:
        file: the file.
        first_row: first row to read; one of `starting_rows`.
        log: called with lines about members of an archive that are left out.
    """
    if file.format in ("tar", "zip"):
        return read_archive(file, CHUNK_BASES, CHUNK_ROWS, log)
    if file.format == "fasta":
        return read_fasta(file, CHUNK_BASES, CHUNK_ROWS)
    if file.format == "jsonl":
        return read_jsonl(file, CHUNK_BASES, CHUNK_ROWS)
    return read_parquet(file, CHUNK_BASES, CHUNK_ROWS, first_row)
