"""A step is retried only if that may help all failed batches, and then only for these."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from opengenome_assets.graph import failures
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.partition_events import BatchChecks, Stage, left_to_do, report_batches
from opengenome_assets.spark.run_tasks import BatchResult
from opengenome_assets_tests.graph.range_run import run_range

BATCHES = ["batch_0000", "batch_0001", "batch_0002", "batch_0003"]
PASSING, STAYING = "the store does not answer", "the file is damaged"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "SECONDS_BETWEEN", 0.01)


# What each attempt finds, by the batches that fail there.
Attempts = list[dict[str, str]]


def run_of(attempts: Attempts, folder: Path) -> tuple[list[list[str]], list[str], str]:
    """The batches that each attempt was asked for, those that are materialized, and the run's failure."""
    asked: list[list[str]] = []

    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(BATCHES), backfill_policy=dg.BackfillPolicy.single_run()
    )
    def counts(context: dg.AssetExecutionContext) -> None:
        with failing_clearly(context.retry_number):
            batches = left_to_do(context)
            failing = attempts[len(asked)]
            asked.append(batches)
            results = [
                BatchResult(
                    batch, 1, 3, error=failing.get(batch), is_worth_retrying=failing.get(batch) == PASSING
                )
                for batch in batches
            ]
            nothing: Any = BatchChecks(lambda finished: (), ())
            report_batches(context, Stage("counting"), len(batches), results, lambda done: {}, nothing)

    instance = dg.DagsterInstance.ephemeral(tempdir=str(folder))
    result = run_range(dg.Definitions([counts]), BATCHES, instance)
    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    reported = "".join(each.user_failure_data.description for each in failed if each.user_failure_data)
    return asked, sorted(instance.get_materialized_partitions(counts.key)), reported


def test_faults_that_pass_are_tried_again(tmp_path: Path) -> None:
    attempts = [{"batch_0001": PASSING, "batch_0003": PASSING}, {"batch_0003": PASSING}, {}]
    asked, materialized, reported = run_of(attempts, tmp_path)
    assert asked == [BATCHES, ["batch_0001", "batch_0003"], ["batch_0003"]]
    assert (materialized, reported) == (BATCHES, "")


@pytest.mark.parametrize(
    "failing",
    [
        {"batch_0001": PASSING, "batch_0003": STAYING},
        {"batch_0001": STAYING, "batch_0003": PASSING},
        {"batch_0001": STAYING, "batch_0003": STAYING},
    ],
)
def test_one_fault_that_stays_ends_the_attempts(failing: dict[str, str], tmp_path: Path) -> None:
    asked, materialized, reported = run_of([failing, {}], tmp_path)
    assert asked == [BATCHES]
    assert materialized == ["batch_0000", "batch_0002"]
    assert reported.startswith(
        f"2 of 4 batches failed: batch_0001, batch_0003. First: {failing['batch_0001']} "
    )


def test_a_fault_that_stays_ends_later_attempts_too(tmp_path: Path) -> None:
    attempts = [
        {"batch_0001": PASSING, "batch_0003": PASSING},
        {"batch_0001": PASSING, "batch_0003": STAYING},
        {},
    ]
    asked, materialized, reported = run_of(attempts, tmp_path)
    assert asked == [BATCHES, ["batch_0001", "batch_0003"]]
    assert materialized == ["batch_0000", "batch_0002"]
    assert reported.startswith("2 of 2 batches failed: batch_0001, batch_0003. First: ")


def test_a_fault_that_does_not_pass_is_tried_three_times(tmp_path: Path) -> None:
    asked, materialized, reported = run_of([{"batch_0002": PASSING}] * 4, tmp_path)
    assert asked == [BATCHES, ["batch_0002"], ["batch_0002"]]
    assert materialized == ["batch_0000", "batch_0001", "batch_0003"]
    assert reported.startswith(f"1 of 1 batch failed: batch_0002. First: {PASSING} ")
