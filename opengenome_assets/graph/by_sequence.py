"""``codon_usage_by_sequence``: one row per sequence. Exists only with OPENGENOME_BY_SEQUENCE=yes."""

from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.batch_asset import BatchAsset, BatchCheck
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import CODON_COUNTS, CODON_USAGE_BY_SEQUENCE, SPARK_POOL
from opengenome_assets.graph.partition_events import TASK_SECOND, Outcomes, Stage
from opengenome_assets.graph.run_config import parameters_schema
from opengenome_assets.graph.spark_resource import RunsSpark
from opengenome_assets.settings import OF_SEQUENCES, TableParameters

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFiles
    from opengenome_assets.batches.workers import Workers

SUMS_TO_BATCH = BatchCheck(
    "sums_to_batch_counts",
    "The counts of each codon, summed over the batch's sequences, equal those in codon_counts.",
)


def _check(files: "BatchFiles", batches: list[str], workers: "Workers") -> Outcomes:
    from opengenome_assets.checks.batch import check_batches, check_by_sequence

    for batch, outcome in check_batches(check_by_sequence, files, batches, workers):
        yield batch, {SUMS_TO_BATCH.name: outcome}


BY_SEQUENCE = BatchAsset(
    name=CODON_USAGE_BY_SEQUENCE,
    # The check compares this table with the counts of the batch.
    upstream=CODON_COUNTS,
    description="Codon counts and measures of each sequence in one frame, and the number of skipped codons.",
    columns=schemas.CODON_USAGE_BY_SEQUENCE,
    stage=Stage("measuring", TASK_SECOND),
    kinds=("spark", "parquet"),
    file=lambda files, batch: files.by_sequence(batch),
    checks=(SUMS_TO_BATCH,),
    check=_check,
    pool=SPARK_POOL,
)


def by_sequence_asset(dataset: Dataset) -> BatchAsset:
    """The asset. With OPENGENOME_KEEP_SEQUENCES=no it removes the sequences of the batches."""
    return BY_SEQUENCE.pruning(keeps_sequences=dataset.asked.keep_sequences)


def build_codon_usage_by_sequence(
    dataset: Dataset, partitions: dg.PartitionsDefinition[str], parameters: TableParameters
) -> dg.AssetsDefinition:
    """The partitioned asset with one table of sequences per batch, by default with these parameters."""
    asset = by_sequence_asset(dataset)

    @asset.asset(
        dataset, partitions, parameters_schema(parameters, OF_SEQUENCES), {dataset.asked.spark_resource}
    )
    def codon_usage_by_sequence(context: dg.AssetExecutionContext) -> None:
        from opengenome_assets.spark.stages import measure_batches

        with failing_clearly():
            parameters = TableParameters(**context.op_execution_context.op_config)
        spark = RunsSpark(context, dataset)
        asset.materialize(
            context,
            dataset,
            lambda files, batches: measure_batches(
                spark.session(), files, batches, parameters, spark.jobs_at_once
            ),
            lambda done: {
                "dagster/partition_row_count": done.rows,
                "bytes": done.figures["bytes"],
                "spark_application_id": spark.application_id,
            },
        )

    return codon_usage_by_sequence
