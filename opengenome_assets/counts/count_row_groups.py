"""Counts the codons in some row groups of a batch file, directly on Arrow's buffers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFile
from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    CODON_OF_WINDOW,
    FRAMES,
    INVALID_CODE,
    MASKED_CODE_OF_BYTE,
    STRANDS,
    WINDOWS,
)
from opengenome_assets.codons.kernels import count_six_frames
from opengenome_assets.errors import BatchFileError
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import SoftMask

_COLUMNS = ["sequence", "group", "genetic_code"]
_CODONS = np.array(CODON_OF_WINDOW)
_INVALID_WINDOWS = np.array(
    [any((window >> shift) & 15 == INVALID_CODE for shift in (0, 4, 8)) for window in range(WINDOWS)]
)


@dataclass(frozen=True)
class WorkItem:
    """Row groups [first_group, end_group) of a batch of sequences."""

    file: BatchFile
    soft_mask: SoftMask
    first_group: int
    end_group: int


@dataclass(frozen=True)
class CountedItem:
    """The counts of a work item, and the amount of data.

    Attributes:
        counts: schema ``CODON_COUNTS``; one row per group, genetic code, strand, frame and codon found.
        sequences: number of records read.
        bases: number of bases in these records.
    """

    counts: pa.Table
    sequences: int
    bases: int


def count_work_item(item: WorkItem) -> CountedItem:
    """Count all codons of an item in six frames. Holds one row group in memory.

    Raises:
        BatchFileError: the file is missing or damaged, or does not belong to the plan.
    """
    tallies: dict[tuple[str, int | None], NDArray[np.int64]] = {}
    sequences = bases = 0
    groups = range(item.first_group, item.end_group)
    for part in item.file.read(_COLUMNS, groups):
        sequences += part.num_rows
        bases += pc.sum(pc.binary_length(part["sequence"])).as_py() or 0
        for key, counts in count_records(part, item.soft_mask).items():
            tallies[key] = tallies[key] + counts if key in tallies else counts
    if any(counts[:, :, _INVALID_WINDOWS].any() for counts in tallies.values()):
        msg = f"{item.file.location}: a record contains a byte that is not a nucleotide letter. {item.file.remedy}"
        raise BatchFileError(msg)
    return CountedItem(counts_table(tallies), sequences, bases)


def count_records(
    records: pa.Table, soft_mask: SoftMask = "count"
) -> dict[tuple[str, int | None], NDArray[np.int64]]:
    """Count records in six frames, separately by group and genetic code.

    Args:
        records: table with the columns ``sequence`` (large_string), ``group`` and ``genetic_code``.
        soft_mask: ``skip`` treats lower-case letters as N.

    Returns:
        (group, genetic code) → int64, shape (2, 3, 4096), as in ``count_six_frames``.
    """
    codes = MASKED_CODE_OF_BYTE if soft_mask == "skip" else CODE_OF_BYTE
    tallies: dict[tuple[str, int | None], NDArray[np.int64]] = {}
    for batch in records.combine_chunks().to_batches():
        letters, offsets = letters_and_offsets(batch)
        for key, rows in _rows_by_group(batch):
            counts = count_six_frames(letters, offsets[rows], offsets[rows + 1], codes)
            tallies[key] = tallies[key] + counts if key in tallies else counts
    return tallies


def _rows_by_group(batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, int | None], NDArray[np.int64]]]:
    groups = batch.column("group").dictionary_encode()
    names = groups.dictionary.to_pylist()
    # NCBI ids start at 1, so 0 means no code.
    codes = pc.fill_null(batch.column("genetic_code"), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    keys = groups.indices.to_numpy(zero_copy_only=False).astype(np.int64) << 32 | codes
    order = np.argsort(keys, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        if rows.size:
            key = int(keys[rows[0]])
            yield (names[key >> 32], key & 0xFFFFFFFF or None), rows


def counts_table(tallies: dict[tuple[str, int | None], NDArray[np.int64]]) -> pa.Table:
    """Tallies as a sparse table of schema ``CODON_COUNTS``, sorted by its columns."""
    tables = [CODON_COUNTS.empty_table()]
    for (group, code), counts in sorted(tallies.items(), key=lambda item: (item[0][0], item[0][1] or 0)):
        for number, strand in enumerate(STRANDS):
            for frame in FRAMES:
                found = np.flatnonzero(counts[number, frame])
                codons = _CODONS[found]
                order = np.argsort(codons)
                size = found.size
                columns = [
                    pa.array([group] * size, pa.string()),
                    pa.array([code] * size, pa.int32()),
                    pa.array([strand] * size, pa.string()),
                    pa.array([frame] * size, pa.int32()),
                    pa.array(codons[order], pa.string()),
                    pa.array(counts[number, frame][found][order]),
                ]
                tables.append(pa.Table.from_arrays(columns, schema=CODON_COUNTS))
    return pa.concat_tables(tables).combine_chunks()
