"""The stages that run on Spark.

Counting: tasks count row groups and return compact counts, and the driver adds up those of a batch and writes its file.
Measuring: one task per batch writes a file with the table of its sequences.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import BatchStamp
from opengenome_assets.counts.class_counts import add_up, from_bytes
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.counts.count_row_groups import WorkItem, count_work_item
from opengenome_assets.errors import SparkSessionError
from opengenome_assets.settings import TableParameters
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.run_tasks import (
    BatchResult,
    ItemResult,
    SizedItem,
    Work,
    run_batches,
    run_tasks,
)
from opengenome_assets.tables.by_sequence import BySequence

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def count_batches(
    spark: "SparkSession",
    files: BatchFiles,
    batches: list[str],
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Count batches and write their counts. Yields each batch when it is finished, in any order.

    Args:
        spark: the session.
        files: files of the data set.
        batches: keys.
        jobs_at_once: number of concurrent Spark jobs; by default enough to keep the session's cores busy.

    Yields:
        Results with figures: ``count_rows`` and ``bytes``, the rows and the size of the file of counts, and ``codons``,
        the number of codons in forward frame 0, including ambiguous ones. A failed batch has an error; the others continue.
    """
    sizes = {batch: files.manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, counting_work(files), sizes, jobs_at_once)


def counting_work(files: BatchFiles) -> Work[WorkItem]:
    """The work of counting batches of a data set."""
    return Work(
        doing="counting",
        plan=partial(_plan_counting, files),
        run=_count,
        finish=partial(_write_batch_counts, files),
    )


def warm_up(spark: "SparkSession") -> None:
    """Run an empty job of the same query, so that Spark loads its classes and starts the daemon of its workers.

    Raises:
        SparkSessionError: executors cannot run this project's code.
    """
    try:
        run_tasks(spark, "starting", _count, [()] * 2)
    except SPARK_ERRORS as error:
        failure = explain(error)
        # The batches report any other failure.
        if failure.is_of_setup:
            raise SparkSessionError(failure.reason) from error


def _plan_counting(files: BatchFiles, batch: str) -> list[SizedItem[WorkItem]]:
    """Split a batch into work items of about equal size in bases. Reads only the footer of the file."""
    sequences = files.sequences(batch)
    with sequences.open() as file:
        groups = file.metadata.num_row_groups
    bases = files.manifest.bases_of(batch)
    pieces = min(max(math.ceil(bases / jobs.TASK_BASES), 1), max(groups, 1))
    cuts = [groups * piece // pieces for piece in range(pieces + 1)]
    return [
        SizedItem(
            WorkItem(sequences, files.manifest.settings.soft_mask, first, end),
            bases * (end - first) // max(groups, 1),
        )
        for first, end in pairwise(cuts)
    ]


def _count(item: WorkItem) -> ItemResult:
    counted = count_work_item(item)
    return ItemResult(counted.counts.to_bytes(), counted.sequences, counted.bases)


def _write_batch_counts(files: BatchFiles, batch: str, messages: Sequence[bytes]) -> Mapping[str, int]:
    counts = add_up([from_bytes(message) for message in messages]).table()
    written = write_counts(files, batch, counts)
    frame_0 = pc.and_(pc.equal(counts["strand"], "+"), pc.equal(counts["frame"], 0))
    return {
        "count_rows": counts.num_rows,
        "bytes": written,
        "codons": pc.sum(counts.filter(frame_0)["count"]).as_py() or 0,
    }


def measure_batches(
    spark: "SparkSession",
    files: BatchFiles,
    batches: list[str],
    parameters: TableParameters,
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Write the per-sequence tables of batches. Yields each batch when it is finished, in any order.

    A failed batch is yielded with its error; the others continue.

    Args:
        spark: the session.
        files: files of the data set.
        batches: keys.
        parameters: frame, strand, genetic code, and whether stop codons are included.
        jobs_at_once: number of concurrent Spark jobs; by default enough to keep the session's cores busy.

    Yields:
        Results with the figure ``bytes``, the size of the batch's file.
    """
    sizes = {batch: files.manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, measuring_work(files, parameters), sizes, jobs_at_once)


def measuring_work(files: BatchFiles, parameters: TableParameters) -> Work[BatchStamp]:
    """The work of writing the per-sequence tables of a data set."""
    table = BySequence.of(files, parameters)
    return Work(
        doing="measuring",
        plan=partial(_plan_measuring, files, table),
        run=partial(_measure, table),
        finish=_size_of_table,
        is_one_task=True,
    )


def _plan_measuring(files: BatchFiles, table: BySequence, batch: str) -> list[SizedItem[BatchStamp]]:
    """One work item for the whole batch. Opens the files, so that the driver reports a missing one, or another table."""
    sequences = files.sequences(batch)
    table.refuse_other_parameters(sequences.stamp)
    with sequences.open():
        return [SizedItem(sequences.stamp, files.manifest.bases_of(batch))]


def _measure(table: BySequence, stamp: BatchStamp) -> ItemResult:
    sequences, bases, size = table.write(stamp)
    return ItemResult(str(size).encode(), sequences, bases)


def _size_of_table(batch: str, messages: Sequence[bytes]) -> Mapping[str, int]:
    del batch
    return {"bytes": sum(map(int, messages))}
