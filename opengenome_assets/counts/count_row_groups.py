"""Counts the codons in some row groups of a batch file, directly on Arrow's buffers."""

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
    LETTER_OF_CODE,
    MASKED_CODE_OF_BYTE,
    STRANDS,
    WINDOWS,
)
from opengenome_assets.codons.kernels import PLACES, count_by_class
from opengenome_assets.counts.sums import CountsSum
from opengenome_assets.errors import BatchFileError
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import SoftMask

_COLUMNS = ["sequence", "group", "genetic_code"]
_CODONS = pa.array(CODON_OF_WINDOW)
_STRANDS = pa.array(STRANDS)


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
    """Count all codons of an item in six frames. Holds one row group in memory, and the counts.

    Raises:
        BatchFileError: the file is missing or damaged, or does not belong to the plan.
    """
    total = CountsSum()
    sequences = bases = 0
    groups = range(item.first_group, item.end_group)
    for part in item.file.read(_COLUMNS, groups):
        sequences += part.num_rows
        bases += pc.sum(pc.binary_length(part["sequence"])).as_py() or 0
        total.add(count_records(part, item.soft_mask))
    counts = total.counts()
    if pc.any(pc.match_substring(counts["codon"], LETTER_OF_CODE[INVALID_CODE])).as_py():
        msg = f"{item.file.location}: a record contains a byte that is not a nucleotide letter. {item.file.remedy}"
        raise BatchFileError(msg)
    return CountedItem(counts, sequences, bases)


def count_records(records: pa.Table, soft_mask: SoftMask = "count") -> pa.Table:
    """Count records in six frames, separately by group and genetic code.

    Args:
        records: table with the columns ``sequence`` (large_string), ``group`` and ``genetic_code``.
        soft_mask: ``skip`` treats lower-case letters as N.

    Returns:
        Schema ``CODON_COUNTS``, in no order; one row per group, genetic code, strand, frame and codon found. A codon
        with ``?`` contains a byte that is not a nucleotide letter.
    """
    codes = MASKED_CODE_OF_BYTE if soft_mask == "skip" else CODE_OF_BYTE
    total = CountsSum()
    for batch in records.combine_chunks().to_batches():
        letters, offsets = letters_and_offsets(batch)
        classes, first_rows = _classes(batch)
        keys, counts = count_by_class(letters, offsets, classes, codes)
        of_class = pa.array(first_rows).take(pa.array(keys // PLACES))
        frame = keys // WINDOWS % len(FRAMES)
        columns = {
            "group": batch.column("group").take(of_class),
            "genetic_code": batch.column("genetic_code").take(of_class),
            "strand": _STRANDS.take(pa.array(keys // (WINDOWS * len(FRAMES)) % len(STRANDS))),
            "frame": pa.array(frame.astype(np.int32)),
            "codon": _CODONS.take(pa.array(keys % WINDOWS)),
            "count": pa.array(counts),
        }
        total.add(pa.table(columns, schema=CODON_COUNTS))
    return total.counts()


def _classes(batch: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of each record's class, from 0, and a row of each class. Records of a class have equal group and code."""
    groups = batch.column("group").dictionary_encode().indices
    # NCBI ids start at 1, so 0 means no code.
    codes = pc.fill_null(batch.column("genetic_code"), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    keys = groups.to_numpy(zero_copy_only=False).astype(np.int64) << 32 | codes
    _, first_rows, classes = np.unique(keys, return_index=True, return_inverse=True)
    return classes.astype(np.int64), first_rows.astype(np.int64)
