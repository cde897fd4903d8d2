"""Declares an asset whose partitions are batches, together with its checks. Each asset adds only what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import dagster as dg
import pyarrow as pa

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import BatchFileError
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.keys import (
    BY_COMMAND_LINE,
    CHECKS_STEP,
    CODON_USAGE_BY_SEQUENCE,
    code_version,
    identifier,
    op_key,
)
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
from opengenome_assets.graph.spark_resource import worker_resources, workers_of

if TYPE_CHECKING:
    from opengenome_assets.batches.batch_files import BatchFile, BatchFiles
    from opengenome_assets.batches.workers import Workers


@dataclass(frozen=True)
class BatchCheck:
    """One check of each batch of an asset.

    Attributes:
        name: shown in the UI.
        description: condition under which the check passes.
        is_blocking: a failure stops the later steps of the run; otherwise it is only a warning.
    """

    name: str
    description: str
    is_blocking: bool = True


@dataclass(frozen=True)
class BatchAsset:
    """Declaration of an asset with one partition per batch.

    Attributes:
        name: last part of its key.
        upstream: name of the asset that it is made from.
        description: shown in the UI.
        columns: schema of its files.
        stage: name of its work in log lines and metadata.
        kinds: tags in the UI.
        file: (files, batch) → the file of a partition.
        checks: run on each batch.
        check: (files, batches, workers) → each batch with the outcome of each check, in any order.
        pool: Dagster pool that limits its concurrent runs.
    """

    name: str
    upstream: str
    description: str
    columns: pa.Schema
    stage: Stage
    kinds: Sequence[str]
    file: Callable[["BatchFiles", str], "BatchFile"]
    checks: Sequence[BatchCheck]
    check: Callable[["BatchFiles", list[str], "Workers"], Outcomes]
    pool: str | None = None

    @property
    def blocking_checks(self) -> tuple[str, ...]:
        """Names of the checks after whose failure a batch must run again."""
        return tuple(check.name for check in self.checks if check.is_blocking)

    def asset(
        self,
        dataset: Dataset,
        partitions: dg.PartitionsDefinition[str],
        config_schema: Mapping[str, dg.Field] | None = None,
        resources: Set[str] = frozenset(),
    ) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
        """Decorate the function that materializes batches, which calls ``materialize``.

        Args:
            dataset: data set of the batches.
            partitions: their keys.
            config_schema: run config.
            resources: names of the resources that are no arguments of the function.
        """
        return dg.asset(
            key=op_key(dataset.key, self.name),
            group_name=identifier(dataset.key),
            deps=[op_key(dataset.key, self.upstream)],
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run(),
            pool=self.pool,
            code_version=code_version(self.name),
            description=self.description,
            metadata={"dagster/column_schema": column_schema(self.columns)},
            kinds=set(self.kinds),
            config_schema=config_schema,
            required_resource_keys=set(resources) or None,
        )

    def materialize(
        self,
        context: dg.AssetExecutionContext,
        dataset: Dataset,
        work: Callable[["BatchFiles", list[str]], Iterable[Result]],
        figures: Callable[[Result], Mapping[str, int | float | str]],
    ) -> None:
        """Process the batches of the run that are not finished yet, and report each one when it is finished.

        Args:
            context: context of the asset.
            dataset: data set of the batches.
            work: (files, batches) → the result of each batch, in any order.
            figures: metadata per batch, in addition to bases, seconds and rate.

        Raises:
            dg.Failure: with the text of the error. Batches reported before it are materialized.
        """
        batches = left_to_do(context)
        # The command line repeats missing batches itself.
        attempts_before = None if BY_COMMAND_LINE in context.run.tags else context.retry_number
        with failing_clearly(attempts_before):
            files = files_of_run(context.run, dataset, self.name)
            checks = BatchChecks(
                lambda finished: self.check(files, finished, workers_of(context, dataset)),
                self.blocking_checks,
            )
            report_batches(
                context,
                self.stage,
                len(batches),
                work(files, batches),
                lambda done: {**figures(done), "dagster/uri": self.file(files, done.batch).location},
                checks,
            )

    def pruning(self, *, keeps_sequences: bool) -> "BatchAsset":
        """The asset whose checks also remove the sequences of each batch that passes them, unless these are kept."""
        if keeps_sequences:
            return self
        return replace(
            self,
            check=lambda files, batches, workers: _prune(files, self.check(files, batches, workers)),
        )

    def asset_checks(
        self, dataset: Dataset, partitions: dg.PartitionsDefinition[str]
    ) -> dg.AssetChecksDefinition:
        """The checks of all batches as one step, so that each file is read only once."""
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

        @dg.multi_asset_check(
            name=f"{identifier(dataset.key)}__{self.name}{CHECKS_STEP}",
            specs=specs,
            can_subset=True,
            required_resource_keys=worker_resources(dataset),
        )
        def batch_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            with failing_clearly():
                files = files_of_run(context.run, dataset, self.name)
                batches = batches_of(context.op_execution_context)
                outcomes = self.check(files, batches, workers_of(context, dataset))
                yield from check_partitions(context, outcomes)

        return batch_checks


def _prune(files: "BatchFiles", outcomes: Outcomes) -> Outcomes:
    from opengenome_assets.batches.prune import prune_batch

    for batch, by_name in outcomes:
        kept = ""
        if all(outcome.passed for outcome in by_name.values()):
            try:
                prune_batch(files, batch)
            except (BatchFileError, OSError) as error:
                # The counts are good all the same.
                kept = f". The sequences were not removed: {error}"
        yield (
            batch,
            {
                name: replace(outcome, description=outcome.description + kept)
                for name, outcome in by_name.items()
            },
        )


def files_of_run(run: dg.DagsterRun, dataset: Dataset, asset: str) -> "BatchFiles":
    """The files of a data set, with the table that a run makes.

    Args:
        run: whose config for the asset has parameters of the table, as far as they are not the defaults.
        dataset: the data set.
        asset: name of the asset that makes the table.

    Raises:
        NotRegisteredError: nothing is registered.
        ManifestError: the manifest cannot be read.
        SettingError: a parameter is not allowed.
    """
    from opengenome_assets.batches.batch_files import BatchFiles

    files = BatchFiles.of(dataset.folder)
    own = files.manifest.table
    op = op_key(dataset.key, asset).to_python_identifier()
    ops = cast("Mapping[str, Any]", run.run_config.get("ops", {}))
    config = ops.get(op, {}).get("config", {})
    parameters = replace(dataset.table_parameters(own), **config)
    return files.of_table(parameters.of_sequences(own) if asset == CODON_USAGE_BY_SEQUENCE else parameters)


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """Columns with type, description and nullability."""
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
