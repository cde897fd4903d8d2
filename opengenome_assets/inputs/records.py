"""The records of any input file, in order, as Arrow chunks of bounded size."""

from collections.abc import Iterator

import pyarrow as pa

from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.parquet import group_starts, read_parquet

CHUNK_BASES = 16 * 2**20
CHUNK_ROWS = 65_536


def starting_rows(file: InputFile) -> list[int]:
    """Rows of the file where reading can begin, rising, 0 the first: FASTA is read from its beginning only."""
    return [0] if file.format == "fasta" else group_starts(file)


def read_records(file: InputFile, first_row: int = 0) -> Iterator[pa.RecordBatch]:
    """Read a file as `schemas.RECORDS`, in its order and in constant memory.

    A chunk holds at most `CHUNK_BASES` bases, or one single longer record, and at most `CHUNK_ROWS` rows.
    Closing the iterator ends the reading; errors are those of `read_fasta` and `read_parquet`.

    Args:
        file: the file.
        first_row: where to begin; one of `starting_rows`.
    """
    if file.format == "fasta":
        return read_fasta(file, CHUNK_BASES, CHUNK_ROWS)
    return read_parquet(file, CHUNK_BASES, CHUNK_ROWS, first_row)
