"""Removes the sequences of counted batches, and keeps the length and the hash of each record."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.files.warehouse import open_location
from opengenome_assets.schemas import LENGTHS


def prune_batch(files: BatchFiles, batch: str) -> int:
    """Replace the sequences of a batch by their lengths and hashes. Holds one row group in memory.

    The lengths are complete before the sequences are removed, so an interruption loses nothing.

    Returns:
        Bytes of disk that this frees; 0 if the sequences are removed already.

    Raises:
        BatchFileError: the batch of sequences is damaged or does not belong to the plan.
        OSError: the lengths cannot be written, or the sequences cannot be removed.
    """
    sequences, lengths = files.sequences(batch), files.lengths(batch)
    if sequences.is_pruned:
        return 0
    with open_location(sequences.location) as file:
        before = file.seek(0, 2)
    with lengths.replace() as file:
        schema = lengths.stamped_schema(files.manifest.provenance())
        with pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer:
            for table in sequences.read():
                writer.write_table(_without_letters(table))
        after = file.tell()
    sequences.remove()
    return before - after


def hashes_of(sequences: pa.ChunkedArray) -> list[str]:
    """The sha256 of each sequence's letters, in hexadecimal."""
    return [hashlib.sha256(letters.as_buffer()).hexdigest() for letters in sequences]


def _without_letters(table: pa.Table) -> pa.Table:
    return (
        table.append_column("sha256", pa.array(hashes_of(table["sequence"])))
        .select(LENGTHS.names)
        .cast(LENGTHS)
    )
