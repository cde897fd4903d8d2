"""``sequences``: the input's rows in batches, a Parquet file per partition, and what is checked of each."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg

from opengenome_assets import schemas
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.batch_asset import BatchAsset, BatchCheck
from opengenome_assets.graph.keys import RAW_SEQUENCES
from opengenome_assets.graph.keys import SEQUENCES as NAME
from opengenome_assets.graph.partition_events import Outcomes, Stage

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFiles

# Reading a batch back decompresses on one core. Two readers hold one row group each.
CHECKED_AT_ONCE = 2

ROWS_ASSIGNED = BatchCheck(
    "rows_assigned",
    "Every row has a group. Rows whose group is not known are in the group 'unassigned'.",
    is_blocking=False,
)


def _check(files: "BatchFiles", batches: list[str]) -> Outcomes:
    from opengenome_assets.checks.batch import check_sequences

    with ThreadPoolExecutor(CHECKED_AT_ONCE, "check") as pool:
        yield from pool.map(lambda batch: (batch, check_sequences(files, batch)), batches)


SEQUENCES = BatchAsset(
    name=NAME,
    upstream=RAW_SEQUENCES,
    description="The rows of the input in batches: one Parquet file per partition, with row groups of bounded size.",
    columns=schemas.SEQUENCES,
    stage=Stage("writing"),
    kinds=("python", "parquet"),
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

    @SEQUENCES.asset(dataset, partitions)
    def sequences(context: dg.AssetExecutionContext) -> None:
        from opengenome_assets.batches.write import write_batches

        SEQUENCES.materialize(
            context,
            dataset,
            write_batches,
            lambda done: {
                "dagster/partition_row_count": done.rows,
                "rejected_rows": done.rejected,
                "bytes": done.bytes,
            },
        )

    return sequences
