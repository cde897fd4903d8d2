"""``sequences``: the input's rows in batches, a Parquet file a partition, and what is checked of each."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.assets.failures import failing_clearly
from opengenome_assets.assets.naming import RAW_SEQUENCES, SEQUENCES, identifier, op_key
from opengenome_assets.assets.partition_results import (
    BatchChecks,
    Outcomes,
    Stage,
    batches_of,
    check_partitions,
    left_to_do,
    report_batches,
)
from opengenome_assets.assets.table_schema import column_schema
from opengenome_assets.datasets.catalogue import Dataset

if TYPE_CHECKING:
    from opengenome_assets.batching.manifest import Manifest

CHECKS = {
    "rows_as_planned": "Rows and bases of the batch are those of the plan, and every length is right.",
    "only_nucleotide_letters": "No byte of the batch is anything but a nucleotide letter.",
    "unique_ids": "No id stands on two rows of the batch.",
}
# Only where there is a sidecar table.
SIDECAR_CHECK = {"rows_assigned": "Every row has an entry in the sidecar table; the others are unassigned."}
BLOCKING = ("rows_as_planned", "only_nucleotide_letters")
# Reading a batch back is decompression on one core; two keep both busy and hold a row group each.
CHECKED_AT_ONCE = 2


def build_sequences(dataset: Dataset, partitions: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    """The partitioned asset that cuts the input into batch files."""

    @dg.asset(
        key=op_key(dataset.key, SEQUENCES),
        group_name=identifier(dataset.key),
        deps=[op_key(dataset.key, RAW_SEQUENCES)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        description="The input's rows in batches: one Parquet file a partition, row groups bounded in bases.",
        metadata={"dagster/column_schema": column_schema(schemas.SEQUENCES)},
        kinds={"python", "parquet"},
    )
    def sequences(context: dg.AssetExecutionContext) -> None:
        from opengenome_assets.batching.manifest import load_manifest
        from opengenome_assets.batching.writing import write_batches

        batches = left_to_do(context)
        with failing_clearly(context.retry_number):
            manifest = load_manifest(dataset.folder)
            written = write_batches(dataset.folder, manifest, batches)
            report_batches(
                context,
                Stage("writing"),
                len(batches),
                written,
                lambda done: {
                    "dagster/partition_row_count": done.rows,
                    "rejected_rows": done.rejected,
                    "bytes": done.bytes,
                },
                BatchChecks(lambda finished: _outcomes(dataset, manifest, finished), BLOCKING),
            )

    return sequences


def build_sequences_checks(
    dataset: Dataset, partitions: dg.StaticPartitionsDefinition, *, has_sidecar: bool
) -> dg.AssetChecksDefinition:
    """The checks on each batch of sequences; all come from one reading of the file."""
    described = CHECKS | (SIDECAR_CHECK if has_sidecar else {})
    key = op_key(dataset.key, SEQUENCES)
    specs = [
        dg.AssetCheckSpec(
            name,
            asset=key,
            description=description,
            partitions_def=partitions,
            # The others are for the user to judge: they lose nothing.
            blocking=name in BLOCKING,
        )
        for name, description in described.items()
    ]

    @dg.multi_asset_check(name=f"{identifier(dataset.key)}__sequences_checks", specs=specs)
    def sequences_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from opengenome_assets.batching.manifest import load_manifest

        with failing_clearly():
            manifest = load_manifest(dataset.folder)
        yield from check_partitions(
            context, _outcomes(dataset, manifest, batches_of(context.op_execution_context))
        )

    return sequences_checks


def _outcomes(dataset: Dataset, manifest: "Manifest", batches: list[str]) -> Outcomes:
    from opengenome_assets.batching.passing import planned_rows
    from opengenome_assets.checking.sequences import check_sequences

    drawn = planned_rows(manifest)
    with ThreadPoolExecutor(CHECKED_AT_ONCE, "check") as pool:
        yield from pool.map(
            lambda batch: (batch, check_sequences(dataset.folder, manifest, batch, drawn)), batches
        )
