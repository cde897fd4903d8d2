"""How Dagster handles checks: what it stores, which steps it stops, and what the report shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from opengenome_assets.checks import Outcome, table
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.settings import read_settings
from opengenome_assets.spark.run_tasks import BatchResult
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.graph.tampering import BATCH, PLAIN, Finished, column_changer
from opengenome_assets_tests.report.parsed import Page
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta
from opengenome_assets_tests.tables.tables import counts_table


@dataclass(frozen=True)
class Checked:
    """A Dagster run in which the counts of one batch were tampered with before they were checked."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance

    def stored(self, *path: str, name: str) -> dict[str | None, list[str]]:
        """Partition → the stored outcomes of a check."""
        key = dg.AssetCheckKey(dg.AssetKey(path), name)
        found: dict[str | None, list[str]] = {}
        for record in self.instance.event_log_storage.get_asset_check_execution_history(key, limit=100):
            found.setdefault(record.partition, []).append(record.status.value)
        return found

    def steps(self) -> list[str]:
        """Steps that ran, in order."""
        return [event.step_key or "" for event in self.result.all_events if event.is_step_start]


def run_tampered(folder: Path, monkeypatch: pytest.MonkeyPatch, *, partition: str | None) -> Checked:
    """Run everything, one partition or the whole range, and spoil the counts of ``BATCH`` on the way."""
    from opengenome_assets.spark import stages

    mine = project(folder, write_fasta(folder / "mine.fa", made_up_records(40)), batch_size=15)
    mine.runner.register()
    finished = Finished(mine.folder, mine.manifest)
    count = stages.count_batches

    def count_and_spoil(*arguments: Any) -> Iterable[BatchResult]:
        for done in count(*arguments):
            if done.batch == BATCH:
                finished.rewrite_counts(column_changer("count", lambda counted: counted + 1))
            yield done

    monkeypatch.setattr(stages, "count_batches", count_and_spoil)
    whole_range = {
        "dagster/asset_partition_range_start": "batch_0000",
        "dagster/asset_partition_range_end": "batch_0002",
    }
    result = (
        build_definitions([mine.dataset])
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=mine.instance,
            partition_key=partition,
            tags=None if partition else whole_range,
            raise_on_error=False,
        )
    )
    return Checked(result, mine.instance)


def run_selected(mine: Finished, selection: dg.AssetSelection, partition: str | None = None) -> Checked:
    """Run a selection of assets and checks, as from their pages in the UI."""
    environment = {"OPENGENOME_WAREHOUSE": mine.folder.warehouse, "OPENGENOME_DATASET": mine.folder.dataset}
    graph = build_definitions(resolve_datasets(read_settings(environment)))
    job = dg.define_asset_job("selected", selection)
    instance = dg.DagsterInstance.ephemeral(tempdir=mine.folder.warehouse)
    result = (
        dg.Definitions.merge(graph, dg.Definitions(jobs=[job]))
        .resolve_job_def("selected")
        .execute_in_process(
            instance=instance,
            tags={"dagster/partition": partition} if partition else None,
            raise_on_error=False,
        )
    )
    return Checked(result, instance)


def key_of(mine: Finished, asset: str) -> dg.AssetKey:
    return dg.AssetKey([mine.folder.dataset, asset])


def run_checks_of_the_table(mine: Finished) -> Checked:
    """Run the table's checks by themselves."""
    return run_selected(mine, dg.AssetSelection.checks_for_assets(key_of(mine, "codon_frequencies")))


def check_alone(mine: Finished, asset: str, name: str) -> dg.AssetSelection:
    return dg.AssetSelection.checks(dg.AssetCheckKey(key_of(mine, asset), name))


def outcomes_of(checked: Checked) -> dict[str, bool]:
    return {check.check_name: check.passed for check in checked.result.get_asset_check_evaluations()}


def test_checks_of_the_table_pass_when_run_by_themselves(mine: Finished) -> None:
    assert set(outcomes_of(run_checks_of_the_table(mine)).values()) == {True}


@pytest.mark.parametrize("name", ["frequencies_sum_to_one", "recount_agrees"])
def test_a_check_of_the_table_runs_alone(mine: Finished, name: str) -> None:
    checked = run_selected(mine, check_alone(mine, "codon_frequencies", name))
    assert checked.result.success
    assert outcomes_of(checked) == {name: True}


@pytest.mark.parametrize("name", ["rows_as_planned", "unique_ids"])
def test_a_check_of_a_batch_runs_alone(mine: Finished, name: str) -> None:
    checked = run_selected(mine, check_alone(mine, "sequences", name), BATCH)
    assert checked.result.success
    stored = {
        other: checked.stored(mine.folder.dataset, "sequences", name=other)
        for other in ("rows_as_planned", "only_nucleotide_letters", "unique_ids")
    }
    assert {other: set(outcomes) for other, outcomes in stored.items() if outcomes} == {name: {BATCH}}
    assert stored[name][BATCH] == ["SUCCEEDED"]


@pytest.mark.usefixtures("empty_pictures")
@pytest.mark.parametrize("passed", [True, False], ids=["passes", "fails"])
def test_one_check_between_table_and_report_blocks(
    mine: Finished,
    monkeypatch: pytest.MonkeyPatch,
    *,
    passed: bool,
) -> None:
    monkeypatch.setattr(table, "check_sums", lambda files: Outcome(passed=passed, description="as chosen"))
    assets = dg.AssetSelection.assets(
        key_of(mine, "codon_frequencies"), key_of(mine, "codon_usage_report")
    ).without_checks()
    selection = assets | check_alone(mine, "codon_frequencies", "frequencies_sum_to_one")
    checked = run_selected(mine, selection)
    assert outcomes_of(checked) == {"frequencies_sum_to_one": passed}
    assert checked.result.success is passed
    assert ("mine__codon_usage_report" in checked.steps()) is passed


def test_a_lost_batch_fails_the_checks_and_not_their_step(mine: Finished) -> None:
    Path(mine.files.counts(BATCH).location).unlink()
    found = outcomes_of(run_checks_of_the_table(mine))
    # Which batch this one draws is chance: it may be the lost one.
    found.pop("batch_recount_agrees")
    assert found == {
        "batches_complete": False,
        "frequencies_sum_to_one": True,
        "recount_agrees": True,
        "total_equals_batches": False,
    }


def test_a_lost_table_fails_the_checks_and_not_their_step(mine: Finished) -> None:
    Path(mine.folder.location("codon_frequencies.parquet")).unlink()
    found = outcomes_of(run_checks_of_the_table(mine))
    assert [name for name, passed in found.items() if passed] == ["recount_agrees"]


def test_the_report_shows_the_newest_result_of_each_check(mine: Finished) -> None:
    # Without codons in the table's frame there are hardly any pictures to draw.
    for batch in mine.manifest.plan.keys:
        write_counts(mine.files, batch, counts_table({"AAA": 3}, frame=1))
    make_table(mine.files, PLAIN)
    environment = {"OPENGENOME_WAREHOUSE": mine.folder.warehouse, "OPENGENOME_DATASET": mine.folder.dataset}
    instance = dg.DagsterInstance.ephemeral(tempdir=mine.folder.warehouse)
    results = [
        ("sequences", "rows_as_planned", False, "older"),
        ("sequences", "rows_as_planned", True, "35 rows"),
        ("sequences", "unique_ids", False, "2 ids"),
        ("codon_counts", "total_codon_count", True, "12 codons"),
        ("codon_frequencies", "total_equals_batches", True, "older"),
        ("codon_frequencies", "total_equals_batches", False, "1 codon"),
    ]
    for asset, name, passed, found in results:
        key = dg.AssetKey([mine.folder.dataset, asset])
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key, check_name=name, passed=passed, description=found, metadata={}
            )
        )
    result = (
        build_definitions(resolve_datasets(read_settings(environment)))
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey([mine.folder.dataset, "codon_usage_report"])]
        )
    )
    assert result.success
    page = Page(Path(mine.folder.location("report/index.html")).read_text())
    assert [tuple(row.values()) for row in page.table("result")] == [
        ("✓ passed", "sequences · rows_as_planned", "35 rows"),
        ("✗ failed", "sequences · unique_ids", "2 ids"),
        ("✓ passed", "codon_counts · total_codon_count", "12 codons"),
        ("✗ failed", "codon_frequencies · total_equals_batches", "1 codon"),
    ]


@pytest.fixture(scope="module")
def in_a_range(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterable[Checked]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield run_tampered(tmp_path_factory.mktemp("range"), monkeypatch, partition=None)


@pytest.fixture(scope="module")
def alone(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterable[Checked]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield run_tampered(tmp_path_factory.mktemp("alone"), monkeypatch, partition=BATCH)


@pytest.mark.spark
def test_a_failing_batch_keeps_a_range_run_from_making_the_table(in_a_range: Checked) -> None:
    assert "mine__codon_frequencies" not in in_a_range.steps()


@pytest.mark.spark
def test_a_run_with_a_failing_batch_fails(in_a_range: Checked) -> None:
    assert not in_a_range.result.success


@pytest.mark.spark
def test_a_failing_check_is_stored_for_exactly_its_partition(in_a_range: Checked) -> None:
    stored = in_a_range.stored("mine", "codon_counts", name="total_codon_count")
    assert {batch: status for batch, status in stored.items() if batch} == {
        "batch_0000": ["SUCCEEDED"],
        "batch_0001": ["FAILED"],
        "batch_0002": ["SUCCEEDED"],
    }


@pytest.mark.spark
def test_outcomes_of_batches_are_of_the_latest_materialization(in_a_range: Checked) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(["mine", "codon_counts"]), "total_codon_count")
    infos = in_a_range.instance.event_log_storage.get_asset_check_partition_info([key])
    assert [info.is_current for info in infos if info.partition_key] == [True] * 3


@pytest.mark.spark
def test_checks_before_the_failing_one_are_stored(in_a_range: Checked) -> None:
    for name in ("rows_as_planned", "only_nucleotide_letters", "unique_ids"):
        stored = in_a_range.stored("mine", "sequences", name=name)
        assert [stored[f"batch_000{number}"] for number in range(3)] == [["SUCCEEDED"]] * 3


@pytest.mark.spark
def test_a_batch_whose_check_failed_is_materialized_all_the_same(in_a_range: Checked) -> None:
    done = in_a_range.instance.get_materialized_partitions(dg.AssetKey(["mine", "codon_counts"]))
    assert BATCH in done


@pytest.mark.spark
def test_a_failing_check_is_stored_for_a_sole_partition(alone: Checked) -> None:
    stored = alone.stored("mine", "codon_counts", name="total_codon_count")
    assert stored[BATCH] == ["FAILED"]


@pytest.mark.spark
def test_a_failing_check_stops_the_run_of_one_partition(alone: Checked) -> None:
    assert "mine__codon_frequencies" not in alone.steps()
