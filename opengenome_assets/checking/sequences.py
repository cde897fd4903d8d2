"""What has to hold of a batch of sequences, read back from its file."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.checking import Outcome
from opengenome_assets.codons.alphabet import NUCLEOTIDE_LETTERS
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.storage.stamps import damaged, open_batch_file
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path

ROWS_AS_PLANNED = "rows_as_planned"
ONLY_NUCLEOTIDE_LETTERS = "only_nucleotide_letters"
UNIQUE_IDS = "unique_ids"

_LETTERS = (NUCLEOTIDE_LETTERS + NUCLEOTIDE_LETTERS.lower()).encode()
_EXAMPLES = 5


def check_sequences(folder: DatasetFolder, manifest: Manifest, batch: str) -> dict[str, Outcome]:
    """Check one batch in one reading, a row group at a time.

    The letters are tested by deleting the allowed ones, which shares nothing with the counting's table.

    Returns:
        check name → outcome.
    """
    rows = bases = disagreeing = foreign_rows = 0
    in_order = True
    first, end = manifest.plan.range_of(batch)
    foreign: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    try:
        for group in _row_groups(folder, manifest, batch):
            in_order &= group["row"].to_pylist() == list(range(first + rows, first + rows + group.num_rows))
            rows += group.num_rows
            lengths = group["length"].to_numpy()
            bases += int(lengths.sum())
            ids.update(group["seq_id"].to_pylist())
            for chunk in group["sequence"].chunks:
                offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int64)[: len(chunk) + 1]
                disagreeing += int(np.count_nonzero(np.diff(offsets) != lengths)) if len(chunk) else 0
                left = _without_letters(chunk)
                foreign.update(chr(byte) if 32 < byte < 127 else f"byte {byte:#04x}" for byte in left)
                foreign_rows += bool(left)
    except BatchFileError as error:
        return {
            name: Outcome(passed=False, description=str(error))
            for name in (ROWS_AS_PLANNED, ONLY_NUCLEOTIDE_LETTERS, UNIQUE_IDS)
        }
    repeated = {seq_id: times for seq_id, times in ids.items() if times > 1}
    expected_bases = manifest.bases_of(batch)
    return {
        ROWS_AS_PLANNED: Outcome(
            rows == end - first and bases == expected_bases and in_order and not disagreeing,
            f"{rows:,} rows with {bases:,} bases; {end - first:,} rows with {expected_bases:,} are planned",
            {
                "rows": rows,
                "planned_rows": end - first,
                "bases": bases,
                "planned_bases": expected_bases,
                "rows_whose_length_disagrees": disagreeing,
                "row_numbers_in_order": str(in_order),
            },
        ),
        ONLY_NUCLEOTIDE_LETTERS: Outcome(
            not foreign,
            f"{foreign.total():,} of {bases:,} letters are no nucleotide letters",
            {"foreign_letters": foreign.total(), "which": ", ".join(sorted(foreign)[:_EXAMPLES])},
        ),
        UNIQUE_IDS: Outcome(
            not repeated,
            f"{len(repeated):,} ids stand on more than one row of this batch",
            {
                "repeated_ids": len(repeated),
                "rows_with_a_repeated_id": sum(repeated.values()),
                "examples": ", ".join(list(map(str, repeated))[:_EXAMPLES]),
            },
        ),
    }


def _row_groups(folder: DatasetFolder, manifest: Manifest, batch: str) -> Iterator[pa.Table]:
    location = folder.location(sequences_path(batch))
    stamp = manifest.stamp(batch)
    try:
        with folder.open(sequences_path(batch)) as source:
            file: pq.ParquetFile = open_batch_file(source, location, stamp, SEQUENCES)
            for number in range(file.metadata.num_row_groups):
                try:
                    yield file.read_row_group(
                        number, columns=["row", "seq_id", "length", "sequence"], use_threads=False
                    ).combine_chunks()
                except (pa.ArrowInvalid, OSError) as error:
                    raise damaged(location, stamp, error) from error
    except FileNotFoundError as error:
        msg = f"{location}: missing. Materialize {folder.dataset}/sequences for {batch}."
        raise BatchFileError(msg) from error


def _without_letters(sequences: pa.LargeStringArray) -> bytes:
    offsets = np.frombuffer(sequences.buffers()[1], dtype=np.int64)
    letters = sequences.buffers()[2]
    if letters is None:
        return b""
    used = memoryview(letters)[offsets[sequences.offset] : offsets[sequences.offset + len(sequences)]]
    return bytes(used).translate(None, _LETTERS)
