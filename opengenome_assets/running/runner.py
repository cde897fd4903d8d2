"""Registers an input, processes the missing batches, and makes the table, each in separate Dagster runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.events import RunFailureReason
from dagster._core.execution.plan.objects import ErrorSource
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.batches.plan import batch_number, in_order, stretches
from opengenome_assets.batches.planned_rows import cut_runs
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import OpengenomeError, RunFailedError, SparkSessionError
from opengenome_assets.graph import failures
from opengenome_assets.graph.batch_asset import BatchAsset
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.graph.codon_counts import COUNTS
from opengenome_assets.graph.keys import (
    BY_COMMAND_LINE,
    CHECKS_STEP,
    CODON_COUNTS,
    CODON_FREQUENCIES,
    CODON_USAGE_BY_SEQUENCE,
    CODON_USAGE_REPORT,
    RAW_SEQUENCES,
    asset_key,
)
from opengenome_assets.graph.sequences import SEQUENCES
from opengenome_assets.running.progress import LOGGER, Listener, listening_logger

# Number of failed batches that a message describes.
_SHOWN = 3
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class CheckResult:
    """One check of a successful run, over all of its partitions. A check that did not pass is a warning."""

    name: str
    passed: bool
    description: str


@dataclass
class Runner:
    """Runs the graph of one data set on an instance.

    Attributes:
        dataset: the data set.
        instance: the Dagster instance that records the runs.
        listener: shows the runs.
    """

    dataset: Dataset
    instance: dg.DagsterInstance
    listener: Listener

    @cached_property
    def files(self) -> BatchFiles:
        """The batch files of the registered input.

        Raises:
            NotRegisteredError: nothing is registered.
        """
        return BatchFiles.of(self.dataset.folder)

    @cached_property
    def _definitions(self) -> dg.Definitions:
        return build_definitions([self.dataset], loggers={LOGGER: listening_logger(self.listener)})

    def register(self) -> Manifest:
        """Register the input, unless it is already registered.

        Raises:
            RunFailedError: the input cannot be registered.
        """
        self._run([RAW_SEQUENCES])
        # Both depend on the manifest, which may be new.
        self.__dict__.pop("files", None)
        self.__dict__.pop("_definitions", None)
        return self.files.manifest

    def missing_batches(self, among: Sequence[str] | None = None) -> list[str]:
        """Batches without planned counts on disk, with a failed blocking check, or unknown to the instance.

        Args:
            among: batches to check; all of them by default.
        """
        batches = self.files.batches if among is None else among
        missing = set(batches) - self._materialized(CODON_COUNTS)
        missing |= set(unfinished_batches(self.files, batches))
        missing |= self._with_failed_check(COUNTS)
        return in_order([batch for batch in batches if batch in missing])

    def count(self, batches: Sequence[str]) -> list[CheckResult]:
        """Write and count batches, one run per contiguous range of batches.

        Batches whose sequences are already written are only counted. Missing batches are repeated: a batch whose
        counting failed is written again, and a batch that was written in a failed run is counted. After a machine
        fault all missing batches are retried after some seconds.

        Raises:
            RunFailedError: batches failed; the others are finished. Or Spark did not start a session or a check could
                not be made, which is not retried.
        """
        checks: list[CheckResult] = []
        failure: RunFailedError | None = None
        left, to_rewrite, rewritten = list(batches), set[str](), set[str]()
        for _ in range(1 + failures.MORE_ATTEMPTS):
            if failure is not None and failure.is_worth_retrying:
                time.sleep(failures.SECONDS_BETWEEN)
            written = [batch for batch in self._written(left) if batch not in to_rewrite]
            others = [batch for batch in left if batch not in written]
            failed = []
            for assets, some in (([CODON_COUNTS], written), ([SEQUENCES.name, CODON_COUNTS], others)):
                done, error = self._run_stretches(assets, some)
                checks += done
                failed += [error] if error else []
            left = self.missing_batches(left)
            if not left or not failed:
                break
            worst = min(failed, key=lambda each: each.is_worth_retrying)
            if failure is None or failure.is_worth_retrying:
                failure = worst
            if not worst.is_worth_retrying:
                to_rewrite |= set(written)
                again = (set(written) - rewritten) | set(self._written(others))
                left = [batch for batch in left if batch in again]
            rewritten |= set(others)
        if failure is not None and self.missing_batches(batches):
            raise failure
        return checks

    def _run_stretches(
        self,
        assets: Sequence[str],
        batches: Sequence[str],
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> tuple[list[CheckResult], RunFailedError | None]:
        """Run assets over batches. Returns the results of the checks, and the first failure."""
        checks: list[CheckResult] = []
        failure = None
        for stretch in (run for few in self._at_once(batches) for run in stretches(few)):
            try:
                checks += self._run(assets, {_RANGE_START: stretch[0], _RANGE_END: stretch[-1]}, config)
            except RunFailedError as error:
                if error.has_no_session or error.is_of_a_check:
                    raise
                failure = failure or error
        return checks, failure

    def _at_once(self, batches: Sequence[str]) -> list[list[str]]:
        """Batches in groups whose sequences may be on disk at the same time."""
        if self.dataset.asked.keep_sequences:
            return [list(batches)]
        try:
            return cut_runs(self.files, in_order(list(batches)))
        except OpengenomeError:
            # The run reports it.
            return [list(batches)]

    def _materialized(self, asset: str) -> set[str]:
        return self.instance.get_materialized_partitions(asset_key(self.dataset.key, asset))

    def _written(self, batches: Sequence[str]) -> list[str]:
        """Batches whose sequences are materialized on this instance, with files that belong to the plan."""
        known = self._materialized(SEQUENCES.name) - self._with_failed_check(SEQUENCES)
        # Counts that disagree with the lengths: either file can be wrong, so both are written again.
        known -= self._with_failed_check(COUNTS)
        return [batch for batch in batches if batch in known and self.files.sequences(batch).is_planned()]

    def _with_failed_check(self, asset: BatchAsset) -> set[str]:
        """Batches whose latest materialization failed a blocking check, although Dagster shows them as materialized."""
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
        """Make the per-sequence tables that are missing.

        Args:
            config: run config of ``codon_usage_by_sequence``, which the settings must have turned on.

        Raises:
            RunFailedError: batches failed; the others are finished.
        """
        own = self.files.manifest.table
        asked = replace(self.dataset.table_parameters(own), **config)
        files = self.files.of_table(asked.of_sequences(own))
        checks: list[CheckResult] = []
        for attempts_left in reversed(range(1 + failures.MORE_ATTEMPTS)):
            known = self._materialized(CODON_USAGE_BY_SEQUENCE)
            missing = [b for b in files.batches if b not in known or not files.by_sequence(b).is_planned()]
            failure = None
            for some in self._at_once(missing):
                removed = [batch for batch in some if files.sequences(batch).is_pruned]
                for assets, batches, values in (
                    ([SEQUENCES.name], removed, None),
                    ([CODON_USAGE_BY_SEQUENCE], some, {CODON_USAGE_BY_SEQUENCE: config}),
                ):
                    done, error = self._run_stretches(assets, batches, values)
                    checks += done
                    failure = failure or error
            if failure is None:
                break
            if not attempts_left or not failure.is_worth_retrying:
                raise failure
            time.sleep(failures.SECONDS_BETWEEN)
        return checks

    def tabulate(self, config: Mapping[str, Any], *, with_report: bool = True) -> list[CheckResult]:
        """Make the table from all batches, and the report.

        Args:
            config: run config of ``codon_frequencies``.
            with_report: whether the report is made in the same run. It shows the per-sequence tables that are there.

        Raises:
            RunFailedError: batches are missing, or a parameter is not allowed.
        """
        assets = [CODON_FREQUENCIES, *([CODON_USAGE_REPORT] if with_report else [])]
        return self._run(assets, config={CODON_FREQUENCIES: dict(config)})

    def report(self) -> list[CheckResult]:
        """Make the report of the table with the parameters of the settings.

        Raises:
            RunFailedError: there is no such table.
        """
        return self._run([CODON_USAGE_REPORT])

    def _run(
        self,
        assets: Sequence[str],
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> list[CheckResult]:
        key = self.dataset.key
        keys = [asset_key(key, name) for name in assets]
        ops = {
            self._definitions.get_assets_def(asset_key(key, name)).op.name: {"config": dict(values)}
            for name, values in (config or {}).items()
        }
        result = self._definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=keys,
            tags={BY_COMMAND_LINE: "yes", **(tags or {})},
            run_config={"loggers": {LOGGER: {"config": {}}}, "ops": ops},
            raise_on_error=False,
        )
        if not result.success:
            if _was_interrupted(result):
                raise KeyboardInterrupt
            raise RunFailedError(
                _reason(result),
                is_worth_retrying=_says(result, failures.IS_WORTH_RETRYING, dg.MetadataValue.bool(True)),
                has_no_session=_says(
                    result, failures.ERROR, dg.MetadataValue.text(SparkSessionError.__name__)
                ),
                is_of_a_check=_is_of_a_check(result),
            )
        return [
            CheckResult(check.check_name, check.passed, check.description or "")
            for check in result.get_asset_check_evaluations()
            if check.partition is None
        ]


def _is_of_a_check(result: dg.ExecuteInProcessResult) -> bool:
    """Whether a check ended with an error that is neither its finding nor a fault of data or machines."""
    failed = [event for event in result.all_events if event.is_step_failure]
    return any(
        str(event.step_key).endswith(CHECKS_STEP)
        and event.step_failure_data.user_failure_data is None
        and (error := event.step_failure_data.error) is not None
        and error.cls_name != DagsterAssetCheckFailedError.__name__
        for event in failed
    )


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether Ctrl-C ended the run, in a step or between steps. Dagster reports that as an ordinary failure."""
    return any(
        (event.is_step_failure and event.step_failure_data.error_source is ErrorSource.INTERRUPT)
        or (
            event.is_run_failure
            and event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION
        )
        for event in result.all_events
    )


def _says(result: dg.ExecuteInProcessResult, name: str, value: dg.MetadataValue[Any]) -> bool:
    """Whether the metadata of a failed step have this value."""
    return any(
        event.step_failure_data.user_failure_data is not None
        and event.step_failure_data.user_failure_data.metadata.get(name) == value
        for event in result.all_events
        if event.is_step_failure
    )


def _failed_checks(result: dg.ExecuteInProcessResult) -> str:
    """Findings of the failed blocking checks of a run, with their batches."""
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
        f"{'. '.join(found)}. Do not use these results. Run the same command again to repeat them. If the check fails "
        "again, look for faulty storage, or report a bug with this message."
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
    return f"run {result.run_id} failed. See its log in the UI."
