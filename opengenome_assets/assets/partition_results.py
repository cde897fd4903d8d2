"""Results of single partitions inside a run over many: materializations as they happen, checks one by one.

A run over a range of partitions stores a step's result once for all of them. Logging an event for each
partition shows progress while the step runs, and keeps what was finished if the step then fails.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

from opengenome_assets.batching.plan import in_order
from opengenome_assets.checking import Outcome
from opengenome_assets.errors import BatchesFailedError


def batches_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> list[str]:
    """The run's partition keys in order of their numbers; Dagster gives them in any."""
    return in_order(list(context.partition_keys))


def materialized(
    context: dg.AssetExecutionContext,
    batch: str,
    metadata: Mapping[str, int | float | str],
) -> None:
    """Log that one partition is done, with its figures."""
    context.log_event(
        dg.AssetMaterialization(asset_key=context.asset_key, partition=batch, metadata=metadata)
    )
    # The step's own event at its end comes once more for each partition: with the same figures.
    context.add_asset_metadata(metadata, partition_key=batch)


def raise_failed(failed: Mapping[str, str], planned: int) -> None:
    """Fail the step if batches failed, naming them.

    Raises:
        BatchesFailedError: with the first reason, and what to run.
    """
    if failed:
        names = in_order(list(failed))
        listed = ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")
        msg = (
            f"{len(names):,} of {planned:,} batches failed: {listed}. First: {failed[names[0]]} "
            "The others are finished; materialize the failed ones again."
        )
        raise BatchesFailedError(msg)


def check_partitions(
    context: dg.AssetCheckExecutionContext,
    outcomes: Iterable[tuple[str, Mapping[str, Outcome]]],
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
            op_context.log_event(
                # The signature does not name evaluations; the method takes them, as a test pins.
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]
                    asset_key=spec.asset_key,
                    check_name=spec.name,
                    partition=batch,
                    passed=outcome.passed,
                    severity=severity_of(spec),
                    description=outcome.description,
                    metadata=outcome.figures,
                    blocking=spec.blocking,
                )
            )
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


def severity_of(spec: dg.AssetCheckSpec) -> dg.AssetCheckSeverity:
    """A check that blocks is an error where it fails; one that does not is a warning."""
    return dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN


def _summary(failed: list[str], done: int) -> str:
    if not failed:
        return f"holds for {done:,} batches"
    listed = ", ".join(in_order(failed)[:10]) + (" and more" if len(failed) > 10 else "")
    return f"fails for {len(failed):,} of {done:,} batches: {listed}"
