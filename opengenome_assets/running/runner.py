"""Registers an input, runs the batches that are missing, and makes the table: three kinds of Dagster runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest, load_manifest
from opengenome_assets.batches.plan import batch_number, in_order, stretches
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.errors import RunFailedError, SettingError, SparkSessionError
from opengenome_assets.graph.batch_asset import BatchAsset
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.graph.codon_counts import COUNTS
from opengenome_assets.graph.failures import ERROR
from opengenome_assets.graph.keys import (
    BY_COMMAND_LINE,
    CODON_COUNTS,
    CODON_FREQUENCIES,
    CODON_USAGE_BY_SEQUENCE,
    CODON_USAGE_REPORT,
    RAW_SEQUENCES,
    asset_key,
)
from opengenome_assets.graph.sequences import SEQUENCES
from opengenome_assets.running.progress import LOGGER, Listener, listening_logger
from opengenome_assets.settings import Settings
from opengenome_assets.tables.by_sequence import parameters_by_batch
from opengenome_assets.tables.parameters import TableParameters

# Failed batches whose findings a message gives.
_SHOWN = 3
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class CheckResult:
    """One check of a successful run, over all of its partitions; if it did not pass, it is a warning."""

    name: str
    passed: bool
    description: str


@dataclass(frozen=True)
class Runner:
    """Runs the graph of one data set on an instance.

    Attributes:
        settings: naming exactly one data set.
        instance: where the runs are remembered.
        listener: shows them.
    """

    settings: Settings
    instance: dg.DagsterInstance
    listener: Listener

    @property
    def dataset(self) -> Dataset:
        """The one data set.

        Raises:
            SettingError: the settings name several.
        """
        datasets = resolve_datasets(self.settings)
        if len(datasets) != 1:
            names = ", ".join(dataset.key for dataset in datasets)
            msg = f"OPENGENOME_DATASET: the command line works on one data set at a time, not on {names}."
            raise SettingError(msg)
        return datasets[0]

    def register(self) -> Manifest:
        """Register the input, or find it registered.

        Raises:
            RunFailedError: it cannot be.
        """
        self._run([RAW_SEQUENCES])
        return load_manifest(self.dataset.folder)

    def missing_batches(self) -> list[str]:
        """Batches whose counts are not on disk as planned, failed a blocking check, or are new to the instance."""
        dataset = self.dataset
        files = BatchFiles.of(dataset.folder)
        known = self.instance.get_materialized_partitions(asset_key(dataset.key, CODON_COUNTS))
        missing = set(files.batches) - known | set(unfinished_batches(files))
        missing |= self._with_failed_check(COUNTS)
        return in_order(list(missing))

    def count(self, batches: Sequence[str]) -> list[CheckResult]:
        """Write and count batches, one run for each contiguous stretch of them.

        Batches whose sequences are written are counted only. One that fails there is written anew with the
        others; and what a run had written before another batch failed it is counted all the same, as is what
        failed because the JVM was killed: each run has a session of its own.

        Raises:
            RunFailedError: batches failed; the others are finished. Or Spark gives no session, which is tried once.
        """
        checks, _ = self._run_stretches([CODON_COUNTS], self._written(batches))
        left = self._still_missing(batches)
        more, failure = self._run_stretches([SEQUENCES.name, CODON_COUNTS], left)
        checks += more
        if failure is not None:
            checks += self._run_stretches([CODON_COUNTS], self._written(self._still_missing(left)))[0]
            if self._still_missing(left):
                raise failure
        return checks

    def _run_stretches(
        self,
        assets: Sequence[str],
        batches: Sequence[str],
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[list[CheckResult], RunFailedError | None]:
        checks: list[CheckResult] = []
        failure = None
        for stretch in stretches(list(batches)):
            try:
                checks += self._run(assets, {_RANGE_START: stretch[0], _RANGE_END: stretch[-1]}, config)
            except RunFailedError as error:
                if error.has_no_session:
                    raise
                failure = failure or error
        return checks, failure

    def _still_missing(self, batches: Sequence[str]) -> list[str]:
        missing = set(self.missing_batches())
        return [batch for batch in batches if batch in missing]

    def _written(self, batches: Sequence[str]) -> list[str]:
        """Those whose sequences the instance knows of, and whose files say that they are the planned ones."""
        dataset = self.dataset
        files = BatchFiles.of(dataset.folder)
        known = self.instance.get_materialized_partitions(asset_key(dataset.key, SEQUENCES.name))
        known -= self._with_failed_check(SEQUENCES)
        # Counts of a batch that are not those of its lengths: whichever file is wrong, both are made anew.
        known -= self._with_failed_check(COUNTS)
        return [batch for batch in batches if batch in known and files.sequences(batch).is_planned()]

    def _with_failed_check(self, asset: BatchAsset) -> set[str]:
        """Batches whose latest materialization failed a blocking check: Dagster counts them as materialized."""
        key = asset_key(self.dataset.key, asset.name)
        keys = [dg.AssetCheckKey(key, check) for check in asset.blocking_checks]
        return {
            info.partition_key
            for info in self.instance.event_log_storage.get_asset_check_partition_info(keys)
            if info.partition_key is not None
            and info.is_current
            and info.latest_execution_status is AssetCheckExecutionRecordStatus.FAILED
        }

    def measure_sequences(self, config: Mapping[str, Any]) -> list[CheckResult]:
        """Make the per-sequence tables that are missing or made otherwise; the settings must ask for the asset.

        Args:
            config: run config of ``codon_usage_by_sequence``.

        Raises:
            RunFailedError: batches failed; the others are finished.
        """
        dataset = self.dataset
        files = BatchFiles.of(dataset.folder)
        known = self.instance.get_materialized_partitions(asset_key(dataset.key, CODON_USAGE_BY_SEQUENCE))
        made = parameters_by_batch(files)
        asked = TableParameters(**config)
        missing = [batch for batch in files.batches if batch not in known or made.get(batch) != asked]
        checks, failure = self._run_stretches(
            [CODON_USAGE_BY_SEQUENCE], missing, {CODON_USAGE_BY_SEQUENCE: config}
        )
        if failure is not None:
            raise failure
        return checks

    def tabulate(self, config: Mapping[str, Any]) -> list[CheckResult]:
        """Make the table from all batches, and the report.

        Args:
            config: run config of ``codon_frequencies``.

        Raises:
            RunFailedError: batches are missing, or a parameter is not allowed.
        """
        return self._run([CODON_FREQUENCIES, CODON_USAGE_REPORT], config={CODON_FREQUENCIES: dict(config)})

    def _run(
        self,
        assets: Sequence[str],
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[CheckResult]:
        key = self.dataset.key
        definitions = build_definitions(self.settings, loggers={LOGGER: listening_logger(self.listener)})
        keys = [asset_key(key, name) for name in assets]
        ops = {
            definitions.get_assets_def(asset_key(key, name)).op.name: {"config": dict(values)}
            for name, values in (config or {}).items()
        }
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=keys,
            tags={BY_COMMAND_LINE: "yes", **(tags or {})},
            run_config={"loggers": {LOGGER: {"config": {}}}, "ops": ops},
            raise_on_error=False,
        )
        if not result.success:
            if _was_interrupted(result):
                raise KeyboardInterrupt
            raise RunFailedError(_reason(result), has_no_session=_found_no_session(result))
        return [
            CheckResult(check.check_name, check.passed, check.description or "")
            for check in result.get_asset_check_evaluations()
            if check.partition is None
        ]


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether Ctrl-C ended a step; Dagster makes a failure of it, like any other."""
    return any(
        event.is_step_failure and event.step_failure_data.error_source.name == "INTERRUPT"
        for event in result.all_events
    )


def _found_no_session(result: dg.ExecuteInProcessResult) -> bool:
    """Whether Spark gave no session that can count, which another run would meet again."""
    return any(
        event.step_failure_data.user_failure_data is not None
        and event.step_failure_data.user_failure_data.metadata.get(ERROR)
        == dg.MetadataValue.text(SparkSessionError.__name__)
        for event in result.all_events
        if event.is_step_failure
    )


def _failed_checks(result: dg.ExecuteInProcessResult) -> str:
    """What the blocking checks of a run found, and in which batches."""
    failed = [check for check in result.get_asset_check_evaluations() if check.blocking and not check.passed]
    by_check: dict[dg.AssetCheckKey, list[dg.AssetCheckEvaluation]] = {}
    for check in failed:
        by_check.setdefault(check.asset_check_key, []).append(check)
    found = []
    for key, outcomes in by_check.items():
        of_batches = [outcome for outcome in outcomes if outcome.partition is not None]
        text = f"check {key.name} of {key.asset_key.to_user_string()} failed: "
        text += "; ".join(
            f"{outcome.partition}: {outcome.description}"
            for outcome in sorted(of_batches, key=lambda outcome: batch_number(outcome.partition or ""))[
                :_SHOWN
            ]
        ) or str(outcomes[0].description)
        found.append(text + (f"; and {len(of_batches) - _SHOWN:,} batches more" * (len(of_batches) > _SHOWN)))
    return (
        f"{'. '.join(found)}. Do not use these results. Run the same command again, which makes them anew; if a check "
        "fails again, look for a fault of the storage, or report a defect with this message."
    )


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.error and failure.error.cls_name == DagsterAssetCheckFailedError.__name__:
                return _failed_checks(result)
            if failure.user_failure_data and failure.user_failure_data.description:
                return failure.user_failure_data.description
            error = failure.error
            while error is not None and error.cause is not None:
                error = error.cause
            return error.message.strip() if error else f"step {event.step_key} failed"
    for event in result.all_events:
        if event.is_failure and event.message:
            return event.message
    return f"run {result.run_id} failed; its log in the UI says more"
