"""``codon_counts``: every codon of every frame of a batch, counted on Spark, and the total that must hold."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.assets.failures import failing_clearly
from opengenome_assets.assets.naming import CODON_COUNTS, SEQUENCES, SPARK_POOL, identifier, op_key
from opengenome_assets.assets.partition_results import (
    TASK_SECOND,
    BatchChecks,
    Outcomes,
    Stage,
    batches_of,
    check_partitions,
    left_to_do,
    report_batches,
)
from opengenome_assets.assets.resources import CodonSparkResource
from opengenome_assets.assets.spark_step import session_of
from opengenome_assets.assets.table_schema import column_schema
from opengenome_assets.datasets.catalogue import Dataset

if TYPE_CHECKING:
    from opengenome_assets.batching.manifest import Manifest

TOTAL_CODON_COUNT = "total_codon_count"


def build_codon_counts(dataset: Dataset, partitions: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    """The partitioned asset that counts batches on the Spark resource."""

    @dg.asset(
        key=op_key(dataset.key, CODON_COUNTS),
        group_name=identifier(dataset.key),
        deps=[op_key(dataset.key, SEQUENCES)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=SPARK_POOL,
        description="Codons of each batch in six frames, ambiguous ones too, counted on Spark.",
        metadata={"dagster/column_schema": column_schema(schemas.CODON_COUNTS)},
        kinds={"spark", "parquet"},
    )
    def codon_counts(context: dg.AssetExecutionContext, pyspark: CodonSparkResource) -> None:
        from opengenome_assets.batching.manifest import load_manifest
        from opengenome_assets.spark.counting import count_batches

        batches = left_to_do(context)
        with failing_clearly(context.retry_number):
            manifest = load_manifest(dataset.folder)
            spark = session_of(context, pyspark)
            counted = count_batches(spark, dataset.folder, manifest, batches, pyspark.jobs_at_once)
            report_batches(
                context,
                Stage("counting", TASK_SECOND),
                len(batches),
                counted,
                lambda done: {
                    "dagster/partition_row_count": done.figures["count_rows"],
                    "sequences": done.rows,
                    "codons_in_frame_0": done.figures["codons"],
                    "spark_application_id": pyspark.application_id,
                },
                BatchChecks(lambda finished: _outcomes(dataset, manifest, finished), (TOTAL_CODON_COUNT,)),
            )

    return codon_counts


def build_codon_counts_checks(
    dataset: Dataset, partitions: dg.StaticPartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The check on each batch's total codon counts."""
    spec = dg.AssetCheckSpec(
        TOTAL_CODON_COUNT,
        asset=op_key(dataset.key, CODON_COUNTS),
        description=(
            "In each of six frames, codons counted (ambiguous ones too) are Σ max(0, ⌊(length − frame) / 3⌋) over "
            "the lengths read back from the batch of sequences."
        ),
        partitions_def=partitions,
        blocking=True,
    )

    @dg.multi_asset_check(name=f"{identifier(dataset.key)}__codon_counts_checks", specs=[spec])
    def codon_counts_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from opengenome_assets.batching.manifest import load_manifest

        with failing_clearly():
            manifest = load_manifest(dataset.folder)
        yield from check_partitions(
            context, _outcomes(dataset, manifest, batches_of(context.op_execution_context))
        )

    return codon_counts_checks


def _outcomes(dataset: Dataset, manifest: "Manifest", batches: list[str]) -> Outcomes:
    from opengenome_assets.checking.counts import check_counts

    for batch in batches:
        yield batch, {TOTAL_CODON_COUNT: check_counts(dataset.folder, manifest, batch)}
