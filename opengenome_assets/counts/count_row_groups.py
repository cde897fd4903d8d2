"""Counts the codons in some row groups of a batch file, directly on Arrow's buffers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFile
from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    CODON_OF_WINDOW,
    INVALID_CODE,
    LETTER_OF_CODE,
    MASKED_CODE_OF_BYTE,
)
from opengenome_assets.codons.kernels import count_by_class
from opengenome_assets.counts.class_counts import ClassCounts, add_up, number_classes
from opengenome_assets.errors import BatchFileError
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.settings import SoftMask

_COLUMNS = ["sequence", "group", "genetic_code"]
_INVALID_WINDOWS = np.array([LETTER_OF_CODE[INVALID_CODE] in codon for codon in CODON_OF_WINDOW])


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
        counts: of each group and genetic code.
        sequences: number of records read.
        bases: number of bases in these records.
    """

    counts: ClassCounts
    sequences: int
    bases: int


def count_work_item(item: WorkItem) -> CountedItem:
    """Count all codons of an item in six frames. Holds one row group in memory, and the counts.

    Raises:
        BatchFileError: the file is missing or damaged, or does not belong to the plan.
    """
    parts: list[ClassCounts] = []
    sequences = bases = 0
    groups = range(item.first_group, item.end_group)
    for part in item.file.read(_COLUMNS, groups):
        sequences += part.num_rows
        bases += pc.sum(pc.binary_length(part["sequence"])).as_py() or 0
        parts.append(count_records(part, item.soft_mask))
    counts = add_up(parts)
    if counts.has_window(_INVALID_WINDOWS):
        msg = f"{item.file.location}: a record contains a byte that is not a nucleotide letter. {item.file.remedy}"
        raise BatchFileError(msg)
    return CountedItem(counts, sequences, bases)


def count_records(records: pa.Table, soft_mask: SoftMask = "count") -> ClassCounts:
    """Count records in six frames, separately by group and genetic code.

    Args:
        records: table with the columns ``sequence`` (large_string), ``group`` and ``genetic_code``.
        soft_mask: ``skip`` treats lower-case letters as N.
    """
    codes = MASKED_CODE_OF_BYTE if soft_mask == "skip" else CODE_OF_BYTE
    parts: list[ClassCounts] = []
    for batch in records.combine_chunks().to_batches():
        letters, offsets = letters_and_offsets(batch)
        groups, genetic_codes = batch.column("group"), batch.column("genetic_code")
        classes, rows = number_classes(groups, genetic_codes)
        keys, counts = count_by_class(letters, offsets, classes, codes)
        of_class = pa.array(rows)
        order = np.argsort(keys)
        parts.append(
            ClassCounts(groups.take(of_class), genetic_codes.take(of_class), keys[order], counts[order])
        )
    return add_up(parts)
