"""Counts batches on Spark: tasks count row groups, Spark adds up, the driver writes a file of counts per batch."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.counting.count_files import write_counts
from opengenome_assets.counting.row_groups import WorkItem, count_work_item
from opengenome_assets.errors import SparkSessionError
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets.spark import jobs
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.jobs import BatchResult, ItemResult, SizedItem, Work, run_batches, run_tasks
from opengenome_assets.storage.batch_files import opened_batch
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def count_batches(
    spark: "SparkSession",
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Count batches and write their counts, yielding each as it is finished, in any order.

    Args:
        spark: the session.
        folder: of the data set.
        manifest: of the registered input.
        batches: keys.
        jobs_at_once: Spark jobs; as many as fill the session's cores unless given.

    Yields:
        With the figures ``count_rows``, of the file of counts, and ``codons`` of frame 0, forward, ambiguous ones too.
        A batch that fails is yielded with its error; the others go on.
    """
    sizes = {batch: manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, counting_work(folder, manifest), sizes, jobs_at_once)


def counting_work(folder: DatasetFolder, manifest: Manifest) -> Work[WorkItem]:
    """The counting of the batches of a data set."""
    return Work(
        plan=partial(_plan, folder, manifest),
        run=_count,
        finish=partial(_write, folder, manifest),
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


def _plan(folder: DatasetFolder, manifest: Manifest, batch: str) -> list[SizedItem[WorkItem]]:
    """Cut a batch into row groups, even in bases; only the footer is read here."""
    location, stamp = folder.location(sequences_path(batch)), manifest.stamp(batch)
    with opened_batch(location, stamp, SEQUENCES, "sequences") as file:
        groups = file.metadata.num_row_groups
    bases = manifest.bases_of(batch)
    pieces = min(max(math.ceil(bases / jobs.TASK_BASES), 1), max(groups, 1))
    cuts = [groups * piece // pieces for piece in range(pieces + 1)]
    return [
        SizedItem(
            WorkItem(location, stamp, manifest.settings.soft_mask, first, end),
            bases * (end - first) // max(groups, 1),
        )
        for first, end in pairwise(cuts)
    ]


def _count(item: WorkItem) -> ItemResult:
    counted = count_work_item(item)
    return ItemResult(counted.counts, counted.sequences, counted.bases)


def _write(folder: DatasetFolder, manifest: Manifest, batch: str, counts: pa.Table) -> Mapping[str, int]:
    write_counts(folder, manifest, batch, counts)
    frame_0 = pc.and_(pc.equal(counts["strand"], "+"), pc.equal(counts["frame"], 0))
    return {"count_rows": counts.num_rows, "codons": pc.sum(counts.filter(frame_0)["count"]).as_py() or 0}
