"""Reports materializations and checks of single partitions in a run over many.

A run over a range of partitions stores a step's result once, at its end. An event per partition shows progress while
the step runs, and keeps the finished partitions if the step fails later.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, RETRY_NUMBER_TAG

from opengenome_assets.batches.plan import in_order
from opengenome_assets.checks import Outcome
from opengenome_assets.errors import BatchesFailedError
from opengenome_assets.units import format_bases, format_seconds, number_of

# Each log line is a stored event. These many batches of a step have a line each, later ones one line per interval.
LINES_AT_LEAST = 50
SECONDS_PER_LINE = 2.0
# Batches whose materializations are read at once: an event takes about 3 kB.
_LOOKED_UP_AT_ONCE = 500


def batches_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[str]:
    """The run's partition keys, ordered by number. Dagster returns them in any order."""
    return in_order(list(context.partition_keys))


class BatchResult(Protocol):
    """Result of a stage for one batch: the amount of data and the time, or the error."""

    @property
    def batch(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def bases(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def error(self) -> str | None: ...
    @property
    def is_worth_retrying(self) -> bool: ...


Result = TypeVar("Result", bound=BatchResult)
Outcomes = Iterable[tuple[str, Mapping[str, Outcome]]]


@dataclass(frozen=True)
class Stage:
    """Names of a stage in log lines and metadata.

    Attributes:
        doing: first word of the log lines, such as ``counting``.
        second: unit of its time: ``second``, or ``task_second`` where a batch's time is the sum over its tasks,
            which run in parallel.
    """

    doing: str
    second: str = "second"


TASK_SECOND = "task_second"


@dataclass(frozen=True)
class BatchChecks:
    """The checks of an asset's batches.

    Attributes:
        outcomes: runs the checks on some batches; returns the outcomes per batch, by check name.
        blocking: names of the checks whose failure stops the later steps; the others warn.
    """

    outcomes: Callable[[list[str]], Outcomes]
    blocking: Container[str]


def report_batches(
    context: dg.AssetExecutionContext,
    stage: Stage,
    planned: int,
    results: Iterable[Result],
    figures: Callable[[Result], Mapping[str, int | float | str]],
    checks: BatchChecks,
) -> None:
    """Record each batch when it is finished, and fail at the end if any batch failed.

    Of many quick batches, only some have a log line. The line says how many batches had none since the line before.
    After a failure Dagster does not start the step with the checks, so the finished batches are checked here.

    Args:
        context: context of the asset.
        stage: stage of the asset.
        planned: number of batches in this run.
        results: results of the stage, in any order.
        figures: metadata per batch, in addition to bases, seconds and rate.
        checks: checks of this asset.

    Raises:
        BatchesFailedError: names the failed batches. The others are materialized.
    """
    failed: dict[str, str] = {}
    finished: list[str] = []
    is_worth_retrying = True
    silent, last_line = 0, float("-inf")
    for number, done in enumerate(results, start=1):
        progress = f"{stage.doing}  batch {number}/{planned}  {done.batch}"
        if done.error is not None:
            failed[done.batch] = done.error
            is_worth_retrying &= done.is_worth_retrying
            context.log.error(f"{progress}  {done.error}")
            continue
        rate = done.bases / max(done.seconds, 1e-9)
        now = time.monotonic()
        if number <= LINES_AT_LEAST or number == planned or now - last_line >= SECONDS_PER_LINE:
            before = f"  and {number_of(silent, 'batch')} before it" if silent else ""
            context.log.info(
                f"{progress}  {number_of(done.rows, 'sequence')}  {format_bases(done.bases)}  "
                f"{format_seconds(done.seconds)}  {format_bases(rate)}/s{before}"
            )
            silent, last_line = 0, now
        else:
            silent += 1
        metadata = {
            **figures(done),
            "bases": done.bases,
            f"{stage.second}s": round(done.seconds, 6),
            f"mbp_per_{stage.second}": round(rate / 1e6, 3),
        }
        context.log_event(
            dg.AssetMaterialization(asset_key=context.asset_key, partition=done.batch, metadata=metadata)
        )
        # At its end the step logs one more event per partition, which must have the same metadata.
        context.add_asset_metadata(metadata, partition_key=done.batch)
        finished.append(done.batch)
    if failed:
        targets = _latest_materializations(context.instance, context.asset_key, finished)
        for batch, by_name in checks.outcomes(in_order(finished)):
            specs = [
                dg.AssetCheckSpec(name, asset=context.asset_key, blocking=name in checks.blocking)
                for name in by_name
            ]
            _log_outcomes(context.op_execution_context, specs, batch, by_name, targets.get(batch))
    _raise_failed(failed, planned, is_worth_retrying=is_worth_retrying)


def _raise_failed(failed: Mapping[str, str], planned: int, *, is_worth_retrying: bool) -> None:
    if failed:
        names = in_order(list(failed))
        listed = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
        msg = (
            f"{len(names):,} of {number_of(planned, 'batch')} failed: {listed}. First: {failed[names[0]]} "
            + ("The others are finished; materialize" if len(names) < planned else "Materialize")
            + " the failed ones again."
        )
        raise BatchesFailedError(msg, is_worth_retrying=is_worth_retrying)


def left_to_do(context: dg.AssetExecutionContext) -> list[str]:
    """The run's batches in order, without those that an earlier attempt at this step finished."""
    batches = batches_of(context)
    finished = set()
    for run_id in _attempts(context):
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            event = entry.dagster_event
            if event and event.asset_key == context.asset_key and event.partition:
                finished.add(event.partition)
                # As in report_batches: the event at the end of the step is the newest one of these batches too.
                metadata = event.step_materialization_data.materialization.metadata
                context.add_asset_metadata(metadata, partition_key=event.partition)
    return [batch for batch in batches if batch not in finished]


def _attempts(context: dg.AssetExecutionContext) -> list[str]:
    """Ids of the runs with earlier attempts at this step: this run, and the runs that the daemon retries with it.

    A run that a person starts again processes all of its batches.
    """
    attempts = [context.run.run_id] if context.retry_number else []
    run: dg.DagsterRun | None = context.run
    while run and RETRY_NUMBER_TAG in run.tags and (before := run.tags.get(PARENT_RUN_ID_TAG)):
        attempts.append(before)
        run = context.instance.get_run_by_id(before)
    return attempts


def check_partitions(
    context: dg.AssetCheckExecutionContext,
    outcomes: Outcomes,
) -> list[dg.AssetCheckResult]:
    """Store the outcome of each selected check per partition, and return its outcome over all partitions.

    Args:
        context: context of the check.
        outcomes: (batch, check name → outcome), in any order.
    """
    op_context = context.op_execution_context
    # Only those that the run selects.
    specs = list(context.check_specs)
    targets = _latest_materializations(
        op_context.instance, specs[0].asset_key, list(op_context.partition_keys)
    )
    failed: dict[str, list[str]] = {spec.name: [] for spec in specs}
    done = 0
    for batch, by_name in outcomes:
        done += 1
        for spec in specs:
            outcome = by_name[spec.name]
            if not outcome.passed:
                failed[spec.name].append(batch)
                context.log.warning(f"{spec.name} · {batch} · {outcome.description}")
        _log_outcomes(op_context, specs, batch, by_name, targets.get(batch))
    return [
        dg.AssetCheckResult(
            check_name=spec.name,
            asset_key=spec.asset_key,
            passed=not failed[spec.name],
            severity=severity_of(spec),
            description=_summary(failed[spec.name], done),
            metadata={"batches": done, "failed_batches": len(failed[spec.name])},
        )
        for spec in specs
    ]


def _log_outcomes(
    context: dg.OpExecutionContext,
    specs: Iterable[dg.AssetCheckSpec],
    batch: str,
    by_name: Mapping[str, Outcome],
    target: Target | None,
) -> None:
    """Store the outcomes of an asset's checks for one batch, which belong to a materialization.

    Without the materialization the UI shows the outcomes as outdated.
    """
    for spec in specs:
        outcome = by_name[spec.name]
        context.log_event(
            # The signature does not name evaluations; the method takes them, as a test pins.
            dg.AssetCheckEvaluation(  # type: ignore[arg-type]
                asset_key=spec.asset_key,
                check_name=spec.name,
                partition=batch,
                target_materialization_data=target,
                passed=outcome.passed,
                severity=severity_of(spec),
                description=outcome.description,
                metadata=outcome.figures,
                blocking=spec.blocking,
            )
        )


def _latest_materializations(
    instance: dg.DagsterInstance, asset: dg.AssetKey, batches: Sequence[str]
) -> dict[str, Target]:
    """The latest materialization of each batch that has one. Two queries per ``_LOOKED_UP_AT_ONCE`` batches."""
    latest: dict[str, Target] = {}
    for start in range(0, len(batches), _LOOKED_UP_AT_ONCE):
        ids = instance.event_log_storage.get_latest_storage_id_by_partition(
            asset,
            dg.DagsterEventType.ASSET_MATERIALIZATION,
            partitions=set(batches[start : start + _LOOKED_UP_AT_ONCE]),
        )
        if not ids:
            continue
        with_these = dg.AssetRecordsFilter(asset, storage_ids=list(ids.values()))
        for record in instance.fetch_materializations(with_these, limit=len(ids)).records:
            latest[str(record.partition_key)] = Target(
                storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
            )
    return latest


def severity_of(spec: dg.AssetCheckSpec) -> dg.AssetCheckSeverity:
    """Severity of a failure: error for a blocking check, warning for the others."""
    return dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN


def _summary(failed: list[str], done: int) -> str:
    if not failed:
        return f"passed for {number_of(done, 'batch')}"
    listed = ", ".join(in_order(failed)[:10]) + (" and more" if len(failed) > 10 else "")
    return f"failed for {len(failed):,} of {number_of(done, 'batch')}: {listed}"
