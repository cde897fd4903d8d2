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

from opengenome_assets.batching.plan import in_order
from opengenome_assets.checking import Outcome
from opengenome_assets.errors import BatchesFailedError


def batches_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[str]:
    """The run's partition keys in order of their numbers; Dagster gives them in any."""
    return in_order(list(context.partition_keys))


class BatchResult(Protocol):
    """What a stage tells of one batch: its size and time, or what kept it from being made."""

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
    planned: int,
    results: Iterable[Result],
    figures: Callable[[Result], Mapping[str, int | float | str]],
    checks: BatchChecks,
) -> None:
    """Log each batch as it is finished, and fail at the end if batches failed.

    After a failure Dagster does not begin the step of the checks, so the finished batches are checked here.

    Args:
        context: of the asset.
        planned: batches of this run.
        results: of the stage, in any order.
        figures: what this asset tells of a batch beside bases, seconds and rate.
        checks: of this asset.

    Raises:
        BatchesFailedError: naming the failed batches; the others are materialized.
    """
    failed: dict[str, str] = {}
    finished: list[str] = []
    is_worth_retrying = True
    for number, done in enumerate(results, start=1):
        progress = f"batch {number}/{planned} · {done.batch}"
        if done.error is not None:
            failed[done.batch] = done.error
            is_worth_retrying &= done.is_worth_retrying
            context.log.error(f"{progress} · {done.error}")
            continue
        rate = done.bases / 1e6 / max(done.seconds, 1e-9)
        context.log.info(
            f"{progress} · {done.rows:,} sequences · {done.bases / 1e6:,.1f} Mbp · "
            f"{done.seconds:.1f} s · {rate:,.0f} Mbp/s"
        )
        metadata = {
            **figures(done),
            "bases": done.bases,
            "seconds": round(done.seconds, 3),
            "mbp_per_second": round(rate, 1),
        }
        context.log_event(
            dg.AssetMaterialization(asset_key=context.asset_key, partition=done.batch, metadata=metadata)
        )
        # The step's own event at its end comes once more for each partition: with the same figures.
        context.add_asset_metadata(metadata, partition_key=done.batch)
        finished.append(done.batch)
    if failed:
        op_context = context.op_execution_context
        for batch, by_name in checks.outcomes(in_order(finished)):
            target = _latest(op_context.instance, context.asset_key, batch)
            for name, outcome in by_name.items():
                spec = dg.AssetCheckSpec(name, asset=context.asset_key, blocking=name in checks.blocking)
                _log_outcome(op_context, spec, batch, target, outcome)
    _raise_failed(failed, planned, is_worth_retrying=is_worth_retrying)


def _raise_failed(failed: Mapping[str, str], planned: int, *, is_worth_retrying: bool) -> None:
    if failed:
        names = in_order(list(failed))
        listed = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
        msg = (
            f"{len(names):,} of {planned:,} batches failed: {listed}. First: {failed[names[0]]} "
            "The others are finished; materialize the failed ones again."
        )
        raise BatchesFailedError(msg, is_worth_retrying=is_worth_retrying)


def left_to_do(context: dg.AssetExecutionContext) -> list[str]:
    """The run's batches in order, without those that an earlier attempt of this step has finished."""
    batches = batches_of(context)
    if context.retry_number == 0:
        return batches
    finished = set()
    for entry in context.instance.all_logs(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ):
        event = entry.dagster_event
        if event and event.asset_key == context.asset_key and event.partition:
            finished.add(event.partition)
            # As in report_batches: the step's own event at its end is the newest one of these batches too.
            metadata = event.step_materialization_data.materialization.metadata
            context.add_asset_metadata(metadata, partition_key=event.partition)
    return [batch for batch in batches if batch not in finished]


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
        targets = {
            key: _latest(op_context.instance, key, batch) for key in {spec.asset_key for spec in specs}
        }
        for spec in specs:
            outcome = by_name[spec.name]
            if not outcome.passed:
                failed[spec.name].append(batch)
                context.log.warning(f"{spec.name} · {batch} · {outcome.description}")
            _log_outcome(op_context, spec, batch, targets[spec.asset_key], outcome)
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


def _log_outcome(
    context: dg.OpExecutionContext,
    spec: dg.AssetCheckSpec,
    batch: str,
    target: Target | None,
    outcome: Outcome,
) -> None:
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
        return f"holds for {done:,} batches"
    listed = ", ".join(in_order(failed)[:10]) + (" and more" if len(failed) > 10 else "")
    return f"fails for {len(failed):,} of {done:,} batches: {listed}"
