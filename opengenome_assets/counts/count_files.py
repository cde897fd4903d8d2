"""The files of counts, one per batch. Every reader verifies them."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.codons.alphabet import CODONS, STRANDS_OF
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.units import number_of

AMBIGUOUS = "ambiguous"


def write_counts(files: BatchFiles, batch: str, counts: pa.Table) -> int:
    """Write the counts of a batch: schema ``CODON_COUNTS``, ordered as of ``ClassCounts.table``. Returns bytes."""
    return files.counts(batch).write(counts.cast(CODON_COUNTS), files.manifest.provenance())


def unfinished_batches(files: BatchFiles, among: Sequence[str] | None = None) -> dict[str, str]:
    """Batches whose counts are missing or do not belong to the plan → reason.

    Args:
        files: files of the data set.
        among: batches to check; all of them by default.

    Raises:
        NewerFormatError: a newer version wrote them.
    """
    reasons = {}
    for batch in files.batches if among is None else among:
        try:
            for _ in files.counts(batch).read():
                pass
        except BatchFileError as error:
            reasons[batch] = str(error)
    return reasons


def read_counts(files: BatchFiles) -> Iterator[pa.Table]:
    """Read the counts of all batches, one row group at a time.

    Yields:
        Tables of schema ``CODON_COUNTS``. They are to be believed only once all of them were read.

    Raises:
        BatchFileError: batches are missing or do not belong to the plan. The message names them and what to run.
    """
    failed: dict[str, str] = {}
    for batch in files.batches:
        try:
            yield from files.counts(batch).read()
        except BatchFileError as error:
            failed[batch] = str(error)
    if failed:
        raise BatchFileError(_incomplete(files.folder.dataset, failed, len(files.batches)))


def rows_of_frame(counts: pa.Table, strand: str, frame: int) -> pa.Table:
    """The rows of one frame of a strand, or of ``both`` strands."""
    return counts.filter(pc.field("strand").isin(STRANDS_OF[strand]) & (pc.field("frame") == frame))


def codons_of_frame(counts: Iterable[pa.Table], strand: str, frame: int) -> dict[str, int]:
    """Counts of one frame over all groups: 64 codons, including zeros, and the sum of ambiguous ones as ``AMBIGUOUS``."""
    found = dict.fromkeys((*CODONS, AMBIGUOUS), 0)
    for table in counts:
        here = rows_of_frame(table, strand, frame)
        summed = here.group_by("codon", use_threads=False).aggregate([("count", "sum")])
        for codon, count in zip(summed["codon"].to_pylist(), summed["count_sum"].to_pylist(), strict=True):
            found[codon if codon in found else AMBIGUOUS] += count
    return found


def _incomplete(dataset: str, failed: dict[str, str], planned: int) -> str:
    names = list(failed)
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
    return (
        f"{dataset}: the counts of {len(failed):,} of {number_of(planned, 'batch')} cannot be used: {listed}. "
        f"First: {failed[names[0]]} Materialize {dataset}/codon_counts for these partitions, then the table."
    )
