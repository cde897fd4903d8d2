"""``sequences``: the input's rows in batches, a Parquet file per partition, and what is checked of each."""

from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.batch_asset import BatchAsset, BatchCheck
from opengenome_assets.graph.keys import RAW_SEQUENCES
from opengenome_assets.graph.keys import SEQUENCES as NAME
from opengenome_assets.graph.partition_events import Outcomes, Stage
from opengenome_assets.graph.spark_resource import worker_resources, workers_of

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFiles
    from opengenome_assets.batches.workers import Workers

ROWS_ASSIGNED = BatchCheck(
    "rows_assigned",
    "Every row has a group. Rows whose group is not known are in the group 'unassigned'.",
    is_blocking=False,
)


def _check(files: "BatchFiles", batches: list[str], workers: "Workers") -> Outcomes:
    from opengenome_assets.checks.batch import check_batches, check_sequences

    return check_batches(check_sequences, files, batches, workers)


SEQUENCES = BatchAsset(
    name=NAME,
    upstream=RAW_SEQUENCES,
    description="The rows of the input in batches: one Parquet file per partition, with row groups of bounded size.",
    columns=schemas.SEQUENCES,
    stage=Stage("writing"),
    kinds=("python", "parquet"),
    file=lambda files, batch: files.sequences(batch),
    checks=(
        BatchCheck(
            "rows_as_planned", "The batch has as many rows and bases as planned, and every length is correct."
        ),
        BatchCheck("only_nucleotide_letters", "All bytes of the sequences are nucleotide letters."),
        BatchCheck("unique_ids", "No id occurs in two rows of the batch.", is_blocking=False),
        ROWS_ASSIGNED,
    ),
    check=_check,
)


def sequences_asset(*, has_groups: bool) -> BatchAsset:
    """The asset. Without groups it has no check of assigned rows."""
    if has_groups:
        return SEQUENCES
    return replace(SEQUENCES, checks=[check for check in SEQUENCES.checks if check is not ROWS_ASSIGNED])


def build_sequences(dataset: Dataset, partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """The partitioned asset that splits the input into batch files."""

    @SEQUENCES.asset(dataset, partitions, resources=worker_resources(dataset))
    def sequences(context: dg.AssetExecutionContext) -> None:
        from opengenome_assets.batches.write import write_batches

        workers = workers_of(context, dataset)
        SEQUENCES.materialize(
            context,
            dataset,
            lambda files, batches: write_batches(files, batches, workers),
            lambda done: {
                "dagster/partition_row_count": done.rows,
                "rejected_rows": done.rejected,
                "masked_letters": done.masked,
                "bytes": done.bytes,
            },
        )

    return sequences
