"""Results of single partitions inside a run over many: materializations as they happen, checks one by one.

A run over a range of partitions stores a step's result once for all of them. Logging an event for each
partition shows progress while the step runs, and keeps what was finished if the step then fails.
"""

from collections.abc import Callable, Container, Iterable, Mapping
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


def batches_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[str]:
    """The run's partition keys in order of their numbers; Dagster gives them in any."""
    return in_order(list(context.partition_keys))


class BatchResult(Protocol):
    """What a stage reports of one batch: what it read and how long that took, or what made the batch fail."""

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
    """How log lines and metadata name what a stage does.

    Attributes:
        doing: begins the log lines: ``counting``.
        second: what its time is measured in: ``second``, or ``task_second`` where a batch's time is the sum over
            its tasks, which run beside each other.
    """

    doing: str
    second: str = "second"


TASK_SECOND = "task_second"


@dataclass(frozen=True)
class BatchChecks:
    """The checks of an asset's batches.

    Attributes:
        outcomes: of each of some batches, by the check's name.
        blocking: names of those whose failure blocks what comes after; the others warn.
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
    """Log each batch as it is finished, and fail at the end if batches failed.

    After a failure Dagster does not begin the step of the checks, so the finished batches are checked here.

    Args:
        context: of the asset.
        stage: of the asset.
        planned: batches of this run.
        results: of the stage, in any order.
        figures: what this asset's metadata hold of a batch beside bases, seconds and rate.
        checks: of this asset.

    Raises:
        BatchesFailedError: naming the failed batches; the others are materialized.
    """
    failed: dict[str, str] = {}
    finished: list[str] = []
    is_worth_retrying = True
    for number, done in enumerate(results, start=1):
        progress = f"{stage.doing}  batch {number}/{planned}  {done.batch}"
        if done.error is not None:
            failed[done.batch] = done.error
            is_worth_retrying &= done.is_worth_retrying
            context.log.error(f"{progress}  {done.error}")
            continue
        rate = done.bases / max(done.seconds, 1e-9)
        context.log.info(
            f"{progress}  {number_of(done.rows, 'sequence')}  {format_bases(done.bases)}  "
            f"{format_seconds(done.seconds)}  {format_bases(rate)}/s"
        )
        metadata = {
            **figures(done),
            "bases": done.bases,
            f"{stage.second}s": round(done.seconds, 6),
            f"mbp_per_{stage.second}": round(rate / 1e6, 3),
        }
        context.log_event(
            dg.AssetMaterialization(asset_key=context.asset_key, partition=done.batch, metadata=metadata)
        )
        # The step's own event at its end comes once more for each partition: with the same figures.
        context.add_asset_metadata(metadata, partition_key=done.batch)
        finished.append(done.batch)
    if failed:
        for batch, by_name in checks.outcomes(in_order(finished)):
            specs = [
                dg.AssetCheckSpec(name, asset=context.asset_key, blocking=name in checks.blocking)
                for name in by_name
            ]
            _log_outcomes(context.op_execution_context, specs, batch, by_name)
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
    """The run's batches in order, without those that an earlier attempt at this step has finished."""
    batches = batches_of(context)
    finished = set()
    for run_id in _attempts(context):
        for entry in context.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            event = entry.dagster_event
            if event and event.asset_key == context.asset_key and event.partition:
                finished.add(event.partition)
                # As in report_batches: the step's own event at its end is the newest one of these batches too.
                metadata = event.step_materialization_data.materialization.metadata
                context.add_asset_metadata(metadata, partition_key=event.partition)
    return [batch for batch in batches if batch not in finished]


def _attempts(context: dg.AssetExecutionContext) -> list[str]:
    """Ids of the runs that tried this step before: this one, and those of which the daemon made it a retry.

    A run that a person starts again does all that it is asked for.
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
    """Store each check's outcome for each partition, and return each check's outcome over all of them.

    Args:
        context: of the check.
        outcomes: (batch, check name → outcome), in any order.
    """
    op_context = context.op_execution_context
    specs = list(context.check_specs)
    failed: dict[str, list[str]] = {spec.name: [] for spec in specs}
    done = 0
    for batch, by_name in outcomes:
        done += 1
        for spec in specs:
            outcome = by_name[spec.name]
            if not outcome.passed:
                failed[spec.name].append(batch)
                context.log.warning(f"{spec.name} · {batch} · {outcome.description}")
        _log_outcomes(op_context, specs, batch, by_name)
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
) -> None:
    """Store what the checks of one asset found of one batch."""
    target: Target | None = None
    for spec in specs:
        target = target or _latest(context.instance, spec.asset_key, batch)
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


def _latest(instance: dg.DagsterInstance, asset: dg.AssetKey, batch: str) -> Target | None:
    """The materialization that a check is of; without it the UI takes the check's outcome for an old one's."""
    of_batch = dg.AssetRecordsFilter(asset, asset_partitions=[batch])
    for record in instance.fetch_materializations(of_batch, limit=1).records:
        return Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
    return None


def severity_of(spec: dg.AssetCheckSpec) -> dg.AssetCheckSeverity:
    """A check that blocks is an error where it fails; one that does not is a warning."""
    return dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN


def _summary(failed: list[str], done: int) -> str:
    if not failed:
        return f"holds for {number_of(done, 'batch')}"
    listed = ", ".join(in_order(failed)[:10]) + (" and more" if len(failed) > 10 else "")
    return f"fails for {len(failed):,} of {number_of(done, 'batch')}: {listed}"
