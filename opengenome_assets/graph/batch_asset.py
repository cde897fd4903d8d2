"""One way to declare an asset whose partitions are batches, with its checks; each asset states only what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import BY_COMMAND_LINE, identifier, op_key
from opengenome_assets.graph.partition_events import (
    BatchChecks,
    Outcomes,
    Result,
    Stage,
    batches_of,
    check_partitions,
    left_to_do,
    report_batches,
)
from opengenome_assets.tables.parameters import PARAMETERS

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFiles


@dataclass(frozen=True)
class BatchCheck:
    """One check of each batch of an asset.

    Attributes:
        name: as the UI shows it.
        description: what holds if the check passes.
        is_blocking: a failure stops what comes after it in the run; otherwise it is a warning for the user to judge.
    """

    name: str
    description: str
    is_blocking: bool = True


@dataclass(frozen=True)
class BatchAsset:
    """What an asset with a partition per batch is.

    Attributes:
        name: last part of its key.
        upstream: name of the asset that it is made from.
        description: for the UI.
        columns: of its files.
        stage: how log lines and metadata name its work.
        kinds: tags in the UI.
        checks: of each batch.
        check: (files, batches) → each batch with the outcome of each check, in any order.
        pool: that its runs wait for.
    """

    name: str
    upstream: str
    description: str
    columns: pa.Schema
    stage: Stage
    kinds: Sequence[str]
    checks: Sequence[BatchCheck]
    check: Callable[["BatchFiles", list[str]], Outcomes]
    pool: str | None = None

    @property
    def blocking_checks(self) -> tuple[str, ...]:
        """Names of the checks whose failure makes a batch one to run again."""
        return tuple(check.name for check in self.checks if check.is_blocking)

    def asset(
        self,
        dataset: Dataset,
        partitions: dg.PartitionsDefinition[str],
        config_schema: Mapping[str, dg.Field] | None = None,
    ) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
        """Decorate the function that materializes batches, which calls ``materialize``."""
        return dg.asset(
            key=op_key(dataset.key, self.name),
            group_name=identifier(dataset.key),
            deps=[op_key(dataset.key, self.upstream)],
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool=self.pool,
            description=self.description,
            metadata={"dagster/column_schema": column_schema(self.columns)},
            kinds=set(self.kinds),
            config_schema=config_schema,
        )

    def materialize(
        self,
        context: dg.AssetExecutionContext,
        dataset: Dataset,
        work: Callable[["BatchFiles", list[str]], Iterable[Result]],
        figures: Callable[[Result], Mapping[str, int | float | str]],
    ) -> None:
        """Do the work on those of the run's batches that are left to do, and report each as it is finished.

        Args:
            context: of the asset.
            dataset: whose batches they are.
            work: (files, batches) → the result of each batch, in any order.
            figures: metadata of a batch beside bases, seconds and rate.

        Raises:
            dg.Failure: with the error's text; batches that were reported before are materialized.
        """
        from opengenome_assets.batches.batch_files import BatchFiles

        batches = left_to_do(context)
        # The command line runs what is missing again by itself.
        attempts_before = None if BY_COMMAND_LINE in context.run.tags else context.retry_number
        with failing_clearly(attempts_before):
            files = BatchFiles.of(dataset.folder)
            checks = BatchChecks(lambda finished: self.check(files, finished), self.blocking_checks)
            report_batches(context, self.stage, len(batches), work(files, batches), figures, checks)

    def asset_checks(
        self, dataset: Dataset, partitions: dg.PartitionsDefinition[str]
    ) -> dg.AssetChecksDefinition:
        """The checks of all batches as one step, since they share one reading of each file."""
        specs = [
            dg.AssetCheckSpec(
                check.name,
                asset=op_key(dataset.key, self.name),
                description=check.description,
                partitions_def=partitions,
                blocking=check.is_blocking,
            )
            for check in self.checks
        ]

        @dg.multi_asset_check(name=f"{identifier(dataset.key)}__{self.name}_checks", specs=specs)
        def batch_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            from opengenome_assets.batches.batch_files import BatchFiles

            with failing_clearly():
                files = BatchFiles.of(dataset.folder)
            yield from check_partitions(context, self.check(files, batches_of(context.op_execution_context)))

        return batch_checks


def parameters_schema(names: Iterable[str]) -> dict[str, dg.Field]:
    """Run config of these parameters of the table; ``TableParameters`` checks the values."""
    return {
        name: dg.Field(
            type(PARAMETERS[name].default),
            default_value=PARAMETERS[name].default,
            is_required=False,
            description=PARAMETERS[name].help,
        )
        for name in names
    }


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """Columns with type, description and whether they may be null."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=str(field.type),
                description=(field.metadata or {}).get(b"description", b"").decode(),
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
            for field in schema
        ]
    )
