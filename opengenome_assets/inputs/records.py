"""Reads the records of any input file, or of a part of it, in order, as Arrow chunks of bounded size.

A place in a file is where a part of it can begin or end: a row in Parquet, a byte of the stored file in FASTA.
"""

from collections.abc import Callable, Generator

import pyarrow as pa

from opengenome_assets.files.compression import byte_cuts
from opengenome_assets.inputs.archives import read_archive
from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.find import InputFile, no_log
from opengenome_assets.inputs.flat_files import read_flat_file
from opengenome_assets.inputs.jsonl import jsonl_column, read_jsonl
from opengenome_assets.inputs.parquet import group_starts, parquet_column, read_parquet, row_cuts

CHUNK_BASES = 16 * 2**20
CHUNK_ROWS = 65_536
# About 100 Mbp in Parquet.
PART_BYTES = 32 * 2**20


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


def cuts(file: InputFile, part_bytes: int = PART_BYTES) -> list[int]:
    """Places where the parts of a file begin, increasing, starting with 0. Reads at most the file's first and last bytes.

    Plain FASTA, BGZF and Parquet can be cut. Other files are one part: [0].

    Args:
        file: the file.
        part_bytes: bytes of a part as stored, about.
    """
    if file.size > part_bytes:
        if file.format == "fasta":
            return byte_cuts(file.uri, file.size, part_bytes)
        if file.format == "parquet":
            return row_cuts(file, part_bytes)
    return [0]


def read_records(
    file: InputFile, begin: int = 0, end: int | None = None, log: Callable[[str], None] = no_log
) -> Generator[pa.RecordBatch, None, None]:
    """Read a file or a part of it as `schemas.RECORDS`, in its order and in constant memory.

    A chunk has at most `CHUNK_BASES` bases, or one longer record, and at most `CHUNK_ROWS` rows. Closing the iterator
    stops the reading. Raises the errors of `read_fasta`, `read_archive`, `read_jsonl`, `read_flat_file` and
    `read_parquet`.

    Parts that follow each other contain each record once. A part inside a long record is empty.

    Args:
        file: the file.
        begin: place where the part begins: for Parquet one of `starting_rows`, for FASTA any byte, otherwise 0.
        end: place where the next part begins; None for the end of the file.
        log: called with lines about members of an archive that are left out.
    """
    if file.format in ("tar", "zip"):
        return read_archive(file, CHUNK_BASES, CHUNK_ROWS, log)
    if file.format == "fasta":
        return read_fasta(file, CHUNK_BASES, CHUNK_ROWS, begin=begin, end=end)
    if file.format == "jsonl":
        return read_jsonl(file, CHUNK_BASES, CHUNK_ROWS)
    if file.format == "flat":
        return read_flat_file(file, CHUNK_BASES, CHUNK_ROWS)
    return read_parquet(file, CHUNK_BASES, CHUNK_ROWS, begin, end)
