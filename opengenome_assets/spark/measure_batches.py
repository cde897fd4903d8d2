"""Makes the per-sequence tables on Spark: one task per batch, which writes its own file."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import BatchStamp
from opengenome_assets.spark.run_tasks import NO_ROWS, BatchResult, ItemResult, SizedItem, Work, run_batches
from opengenome_assets.tables.by_sequence import BySequence
from opengenome_assets.tables.parameters import TableParameters

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
        plan=partial(_plan, files),
        run=partial(_measure, BySequence.of(files, parameters)),
        is_one_task=True,
    )


def _plan(files: BatchFiles, batch: str) -> list[SizedItem[BatchStamp]]:
    """The whole batch; its file is opened here, so that a missing one is reported by the driver."""
    sequences = files.sequences(batch)
    with sequences.open():
        return [SizedItem(sequences.stamp, files.manifest.bases_of(batch))]


def _measure(table: BySequence, stamp: BatchStamp) -> ItemResult:
    sequences, bases = table.write(stamp)
    return ItemResult(NO_ROWS.empty_table(), sequences, bases)
