"""The stages that run on Spark, each as work on batches.

Counting: tasks count row groups, Spark adds up, the driver writes a file of counts per batch. Measuring: one task per
batch, which writes its own file of per-sequence tables.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import BatchStamp
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.counts.count_row_groups import WorkItem, count_work_item
from opengenome_assets.errors import SparkSessionError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.run_tasks import (
    NO_ROWS,
    BatchResult,
    ItemResult,
    SizedItem,
    Work,
    run_batches,
    run_tasks,
)
from opengenome_assets.tables.by_sequence import BySequence
from opengenome_assets.tables.parameters import TableParameters

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def count_batches(
    spark: "SparkSession",
    files: BatchFiles,
    batches: list[str],
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Count batches and write their counts, yielding each as it is finished, in any order.

    Args:
        spark: the session.
        files: of the data set.
        batches: keys.
        jobs_at_once: Spark jobs; as many as fill the session's cores unless given.

    Yields:
        With the figures ``count_rows``, of the file of counts, and ``codons`` of frame 0, forward, ambiguous ones too.
        A batch that fails is yielded with its error; the others go on.
    """
    sizes = {batch: files.manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, counting_work(files), sizes, jobs_at_once)


def counting_work(files: BatchFiles) -> Work[WorkItem]:
    """The counting of the batches of a data set."""
    return Work(
        plan=partial(_plan_counting, files),
        run=_count,
        finish=partial(_write_batch_counts, files),
        schema=CODON_COUNTS,
        sums=["count"],
    )


def warm_up(spark: "SparkSession") -> None:
    """Run an empty job of the same query: Spark loads its classes, and starts the process its workers come from.

    Raises:
        SparkSessionError: executors cannot do this project's work.
    """
    nothing: Work[WorkItem] = Work(plan=lambda _: [], run=_count, schema=CODON_COUNTS, sums=["count"])
    try:
        run_tasks(spark, nothing, [()] * 2)
    except SPARK_ERRORS as error:
        failure = explain(error)
        # The first batch that meets any other failure reports it.
        if failure.is_of_setup:
            raise SparkSessionError(failure.told) from error


def _plan_counting(files: BatchFiles, batch: str) -> list[SizedItem[WorkItem]]:
    """Cut a batch into row groups, even in bases; only the footer is read here."""
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
    return ItemResult(counted.counts, counted.sequences, counted.bases)


def _write_batch_counts(files: BatchFiles, batch: str, counts: pa.Table) -> Mapping[str, int]:
    write_counts(files, batch, counts)
    frame_0 = pc.and_(pc.equal(counts["strand"], "+"), pc.equal(counts["frame"], 0))
    return {"count_rows": counts.num_rows, "codons": pc.sum(counts.filter(frame_0)["count"]).as_py() or 0}


def measure_batches(
    spark: "SparkSession",
    files: BatchFiles,
    batches: list[str],
    parameters: TableParameters,
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Write the per-sequence tables of batches, yielding each as it is finished, in any order.

    A batch that fails is yielded with its error; the others go on.

    Args:
        spark: the session.
        files: of the data set.
        batches: keys.
        parameters: frame, strand, code, and whether stops take part.
        jobs_at_once: Spark jobs; as many as fill the session's cores unless given.
    """
    sizes = {batch: files.manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, measuring_work(files, parameters), sizes, jobs_at_once)


def measuring_work(files: BatchFiles, parameters: TableParameters) -> Work[BatchStamp]:
    """The per-sequence tables of the batches of a data set."""
    return Work(
        plan=partial(_plan_measuring, files),
        run=partial(_measure, BySequence.of(files, parameters)),
        is_one_task=True,
    )


def _plan_measuring(files: BatchFiles, batch: str) -> list[SizedItem[BatchStamp]]:
    """The whole batch; its file is opened here, so that a missing one is reported by the driver."""
    sequences = files.sequences(batch)
    with sequences.open():
        return [SizedItem(sequences.stamp, files.manifest.bases_of(batch))]


def _measure(table: BySequence, stamp: BatchStamp) -> ItemResult:
    sequences, bases = table.write(stamp)
    return ItemResult(NO_ROWS.empty_table(), sequences, bases)
