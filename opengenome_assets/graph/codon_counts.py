"""``codon_counts``: counts every codon in every frame of a batch on Spark, and checks the total."""

from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.batch_asset import BatchAsset, BatchCheck
from opengenome_assets.graph.keys import CODON_COUNTS, SEQUENCES, SPARK_POOL
from opengenome_assets.graph.partition_events import TASK_SECOND, Outcomes, Stage
from opengenome_assets.graph.spark_resource import RunsSpark

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFiles
    from opengenome_assets.batches.workers import Workers

TOTAL_CODON_COUNT = BatchCheck(
    "total_codon_count",
    "In each of the six frames, the number of codons (including ambiguous ones) is "
    "Σ max(0, ⌊(length − frame) / 3⌋) over the sequence lengths, which are read back from the batch file.",
)


def _check(files: "BatchFiles", batches: list[str], workers: "Workers") -> Outcomes:
    from opengenome_assets.checks.batch import check_batches, check_counts

    for batch, outcome in check_batches(check_counts, files, batches, workers):
        yield batch, {TOTAL_CODON_COUNT.name: outcome}


COUNTS = BatchAsset(
    name=CODON_COUNTS,
    upstream=SEQUENCES,
    description="Codon counts of each batch in six frames, including ambiguous codons. Counted on Spark.",
    columns=schemas.CODON_COUNTS,
    stage=Stage("counting", TASK_SECOND),
    kinds=("spark", "parquet"),
    file=lambda files, batch: files.counts(batch),
    checks=(TOTAL_CODON_COUNT,),
    check=_check,
    pool=SPARK_POOL,
)


def counts_asset(dataset: Dataset) -> BatchAsset:
    """The asset. With OPENGENOME_KEEP_SEQUENCES=no it removes sequences, unless a later asset reads them."""
    asked = dataset.asked
    return COUNTS.pruning(keeps_sequences=asked.keep_sequences or asked.by_sequence)


def build_codon_counts(dataset: Dataset, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The partitioned asset that counts batches on the Spark resource."""
    asset = counts_asset(dataset)

    @asset.asset(dataset, partitions, resources={dataset.asked.spark_resource})
    def codon_counts(context: dg.AssetExecutionContext) -> None:
        from opengenome_assets.spark.stages import count_batches

        spark = RunsSpark(context, dataset)
        asset.materialize(
            context,
            dataset,
            lambda files, batches: count_batches(spark.session(), files, batches, spark.jobs_at_once),
            lambda done: {
                "dagster/partition_row_count": done.figures["count_rows"],
                "sequences": done.rows,
                "codons_in_frame_0": done.figures["codons"],
                "bytes": done.figures["bytes"],
                "spark_application_id": spark.application_id,
            },
        )

    return codon_counts
