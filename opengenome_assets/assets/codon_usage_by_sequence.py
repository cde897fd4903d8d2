"""``codon_usage_by_sequence``: a row per sequence, where OPENGENOME_BY_SEQUENCE=yes asks for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from opengenome_assets import schemas
from opengenome_assets.assets.failures import failing_clearly
from opengenome_assets.assets.naming import (
    CODON_COUNTS,
    CODON_USAGE_BY_SEQUENCE,
    SPARK_POOL,
    identifier,
    op_key,
)
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

SUMS_TO_BATCH = "sums_to_batch_counts"


class CodonUsageBySequenceConfig(dg.Config):
    """Which codons are counted for each sequence, and under which code they are measured."""

    frame: int = Field(default=0, description="Bases skipped at the start of the strand: 0, 1 or 2.")
    strand: str = Field(default="+", description="'+', or '-' for the reverse complement.")
    genetic_code: int = Field(default=1, description="NCBI id, where the sidecar table names none.")
    skip_stops: bool = Field(default=False, description="Leave the code's stops out of the measures.")


def build_codon_usage_by_sequence(
    dataset: Dataset, partitions: dg.StaticPartitionsDefinition
) -> dg.AssetsDefinition:
    """Build the partitioned asset with a table of each batch's sequences."""

    @dg.asset(
        key=op_key(dataset.key, CODON_USAGE_BY_SEQUENCE),
        group_name=identifier(dataset.key),
        # The batch's counts are what the table is held against.
        deps=[op_key(dataset.key, CODON_COUNTS)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=SPARK_POOL,
        description="Codons and measures of each sequence in one frame, and how much of it was skipped.",
        metadata={"dagster/column_schema": column_schema(schemas.CODON_USAGE_BY_SEQUENCE)},
        kinds={"spark", "parquet"},
    )
    def codon_usage_by_sequence(
        context: dg.AssetExecutionContext, config: CodonUsageBySequenceConfig, pyspark: CodonSparkResource
    ) -> None:
        from opengenome_assets.batching.manifest import load_manifest
        from opengenome_assets.spark.by_sequence import measure_batches
        from opengenome_assets.tabulating.parameters import TableParameters

        batches = left_to_do(context)
        with failing_clearly(context.retry_number):
            parameters = TableParameters(**config.model_dump())
            manifest = load_manifest(dataset.folder)
            spark = session_of(context, pyspark)
            measured = measure_batches(
                spark, dataset.folder, manifest, batches, parameters, pyspark.jobs_at_once
            )
            report_batches(
                context,
                Stage("measuring", TASK_SECOND),
                len(batches),
                measured,
                lambda done: {
                    "dagster/partition_row_count": done.rows,
                    "spark_application_id": pyspark.application_id,
                },
                BatchChecks(lambda finished: _outcomes(dataset, manifest, finished), (SUMS_TO_BATCH,)),
            )

    return codon_usage_by_sequence


def build_codon_usage_by_sequence_checks(
    dataset: Dataset, partitions: dg.StaticPartitionsDefinition
) -> dg.AssetChecksDefinition:
    """Build the check that the sequences' codons add up to the batch's."""
    spec = dg.AssetCheckSpec(
        SUMS_TO_BATCH,
        asset=op_key(dataset.key, CODON_USAGE_BY_SEQUENCE),
        description="Over a batch's sequences, each codon adds up to its count in codon_counts.",
        partitions_def=partitions,
        blocking=True,
    )

    @dg.multi_asset_check(name=f"{identifier(dataset.key)}__codon_usage_by_sequence_checks", specs=[spec])
    def codon_usage_by_sequence_checks(
        context: dg.AssetCheckExecutionContext,
    ) -> Iterator[dg.AssetCheckResult]:
        from opengenome_assets.batching.manifest import load_manifest

        with failing_clearly():
            manifest = load_manifest(dataset.folder)
        yield from check_partitions(
            context, _outcomes(dataset, manifest, batches_of(context.op_execution_context))
        )

    return codon_usage_by_sequence_checks


def _outcomes(dataset: Dataset, manifest: "Manifest", batches: list[str]) -> Outcomes:
    from opengenome_assets.checking.by_sequence import check_by_sequence

    for batch in batches:
        yield batch, {SUMS_TO_BATCH: check_by_sequence(dataset.folder, manifest, batch)}
