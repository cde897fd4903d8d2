"""Makes the per-sequence tables on Spark: one task per batch, which writes its own file."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.spark.jobs import NO_ROWS, BatchResult, ItemResult, SizedItem, Work, run_batches
from opengenome_assets.storage.batch_files import opened_batch
from opengenome_assets.storage.stamps import BatchStamp
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path
from opengenome_assets.tabulating.by_sequence import BySequence
from opengenome_assets.tabulating.parameters import TableParameters

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def measure_batches(
    spark: "SparkSession",
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    parameters: TableParameters,
    jobs_at_once: int | None = None,
) -> Iterator[BatchResult]:
    """Write the per-sequence tables of batches, yielding each as it is finished, in any order.

    A batch that fails is yielded with its error; the others go on.

    Args:
        spark: the session.
        folder: of the data set.
        manifest: of the registered input.
        batches: keys.
        parameters: frame, strand, code, and whether stops take part.
        jobs_at_once: Spark jobs; as many as fill the session's cores unless given.
    """
    sizes = {batch: manifest.bases_of(batch) for batch in batches}
    yield from run_batches(spark, measuring_work(folder, manifest, parameters), sizes, jobs_at_once)


def measuring_work(
    folder: DatasetFolder, manifest: Manifest, parameters: TableParameters
) -> Work[BatchStamp]:
    """The per-sequence tables of the batches of a data set."""
    return Work(
        plan=partial(_plan, folder, manifest),
        run=partial(_measure, BySequence.of(folder, manifest, parameters)),
        is_one_task=True,
    )


def _plan(folder: DatasetFolder, manifest: Manifest, batch: str) -> list[SizedItem[BatchStamp]]:
    """The whole batch; its file is opened here, so that a missing one is reported by the driver."""
    stamp = manifest.stamp(batch)
    with opened_batch(folder.location(sequences_path(batch)), stamp, SEQUENCES, "sequences"):
        return [SizedItem(stamp, manifest.bases_of(batch))]


def _measure(table: BySequence, stamp: BatchStamp) -> ItemResult:
    sequences, bases = table.write(stamp)
    return ItemResult(NO_ROWS.empty_table(), sequences, bases)
