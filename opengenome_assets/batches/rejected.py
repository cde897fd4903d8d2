"""Records with a byte that is not a nucleotide letter: reported as an error, or rejected with the reason."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.errors import InvalidLetterError
from opengenome_assets.inputs.letters import InvalidLetter, lengths, letter_name
from opengenome_assets.schemas import REJECTED


def invalid_letter(place: str, seq_id: str, row: int, found: InvalidLetter) -> InvalidLetterError:
    """The error for an invalid letter: names file, record and position.

    Args:
        place: the file, or the member of an archive.
        seq_id: id of the record.
        row: its number in the input.
        found: the letter.
    """
    return InvalidLetterError(
        f"{place}: record {seq_id!r} (row {row}) has {_what(found)}, which is not a nucleotide letter. "
        "Allowed: the IUPAC letters ACGTU RYSWKM BDHVN, upper or lower case. Remove or correct the record, or set "
        "OPENGENOME_ON_INVALID=skip to skip such records, or mask to count such letters as N. Protein sequences "
        "cannot be counted."
    )


def lineage_in_letters(place: str, seq_id: str, row: int, prompt: str) -> InvalidLetterError:
    """The error for a lineage between the letters, which masking would count as N.

    Args:
        place: the file, or the member of an archive.
        seq_id: id of the record.
        row: its number in the input.
        prompt: begin of the lineage.
    """
    return InvalidLetterError(
        f"{place}: record {seq_id!r} (row {row}) has a lineage among its letters, {prompt!r}, which is no sequence. Remove "
        "the text between the bars from the records, or set OPENGENOME_ON_INVALID=skip to skip such records."
    )


def as_rejected(records: pa.RecordBatch, rows: NDArray[np.int64], invalid: list[InvalidLetter]) -> pa.Table:
    """The rejected records, unchanged, with the reason of each; schema ``REJECTED``."""
    places = np.array([each.row for each in invalid])
    bad = records.take(pa.array(places))
    columns = [
        pa.array(rows[places]),
        bad.column("seq_id"),
        bad.column("description"),
        pa.array(lengths(bad)),
        # Rejected sequences need not be valid text.
        bad.column("sequence").view(pa.large_binary()),
        bad.column("source"),
        pa.array([f"{_what(each)} is no nucleotide letter" for each in invalid]),
    ]
    return pa.Table.from_arrays(columns, schema=REJECTED)


def write_rejected(files: BatchFiles, batch: str, rejected: pa.Table) -> None:
    """Write the rejected records of a batch. Without any, remove the file of an earlier attempt."""
    file = files.rejected(batch)
    if rejected.num_rows:
        file.write(rejected, files.manifest.provenance())
    else:
        file.remove()


def read_rejected(files: BatchFiles, batch: str) -> pa.Table:
    """Row numbers, lengths and reasons of a batch's rejected records; empty without a file.

    Raises:
        BatchFileError: the file is damaged or belongs to another plan.
    """
    columns = ["row", "length", "reason"]
    file = files.rejected(batch)
    return file.read_whole(columns) if file.exists() else REJECTED.empty_table().select(columns)


def _what(first: InvalidLetter) -> str:
    return f"{letter_name(first.byte)} at position {first.position}"
