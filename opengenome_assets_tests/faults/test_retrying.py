"""Machine faults are retried for the missing batches only. Data errors are never retried."""

import os
import signal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from opengenome_assets.errors import RunFailedError
from opengenome_assets.graph import failures
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark import stages
from opengenome_assets_tests.scenario import Project, made_up_records, naive_counts, project, write_fasta

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]

RECORDS = made_up_records(40)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(failures, "SECONDS_BETWEEN", 0.05)
    monkeypatch.setattr(jobs, "JOB_BATCHES", 1)
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=10)
    made.runner.register()
    return made


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The batches that each attempt was asked for."""
    asked: list[list[str]] = []
    real = stages.count_batches

    def listening(spark: Any, files: Any, batches: list[str], jobs: int | None) -> Any:
        asked.append(batches)
        return real(spark, files, batches, jobs)

    monkeypatch.setattr(stages, "count_batches", listening)
    return asked


def break_spark(monkeypatch: pytest.MonkeyPatch, batch: str, times: int) -> None:
    """Have the job of one batch lose its Python worker, each time that Spark tries it, so often."""
    real, left = jobs.run_tasks, [times]

    def end(numbers: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from numbers

    def run(spark: Any, doing: str, work: Any, tasks: list[Any]) -> Any:
        if left[0] and any(key == batch for task in tasks for key, _ in task):
            left[0] -= 1
            spark.range(1).mapInArrow(end, "id long").toArrow()
        return real(spark, doing, work, tasks)

    monkeypatch.setattr(jobs, "run_tasks", run)


def materializations(own: Project, batch: str) -> list[dg.AssetMaterialization]:
    of_batch = dg.AssetRecordsFilter(dg.AssetKey(["mine", "codon_counts"]), asset_partitions=[batch])
    records = own.instance.fetch_materializations(of_batch, limit=10).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def test_a_temporary_fault_retries_only_the_missing_batch(
    own: Project, attempts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_spark(monkeypatch, "batch_0002", times=1)
    own.run()
    assert attempts == [own.manifest.plan.keys, ["batch_0002"]]
    expected = naive_counts(list(RECORDS.values()))
    for row in own.table().to_pylist():
        assert row["count"] == expected.get(("+", 0, row["codon"]), 0)


def test_what_the_first_attempt_told_of_a_batch_stays(
    own: Project, attempts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_spark(monkeypatch, "batch_0002", times=1)
    own.run()
    for batch in own.manifest.plan.keys:
        reported = [each.metadata["bases"].value for each in materializations(own, batch)]
        assert reported
        assert set(reported) == {own.manifest.bases_of(batch)}


def test_a_permanent_fault_fails_after_three_attempts(
    own: Project, attempts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_spark(monkeypatch, "batch_0002", times=100)
    with pytest.raises(
        RunFailedError,
        match=r"1 of 1 batch failed: batch_0002.*Spark failed: Task .* failed 3 times: .*worker exited",
    ):
        own.runner.count(own.manifest.plan.keys)
    assert attempts == [own.manifest.plan.keys, *[["batch_0002"]] * 2]
    assert own.runner.missing_batches() == ["batch_0002"]


def materialize(own: Project, asset: str, **tags: str) -> dg.ExecuteInProcessResult:
    """Materialize batches in one Dagster run, as the UI and the daemon do: all of them, or the partition of the tags."""
    keys = own.manifest.plan.keys
    all_of_them = {
        "dagster/asset_partition_range_start": keys[0],
        "dagster/asset_partition_range_end": keys[-1],
    }
    return (
        build_definitions([own.dataset])
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=own.instance,
            asset_selection=[dg.AssetKey(["mine", asset])],
            tags={f"dagster/{name}": value for name, value in tags.items()}
            | ({} if "partition" in tags else all_of_them),
            raise_on_error=False,
        )
    )


def test_a_run_from_dagster_retries_the_missing_batch(
    own: Project, attempts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert materialize(own, "sequences").success
    break_spark(monkeypatch, "batch_0002", times=1)
    assert materialize(own, "codon_counts").success
    assert attempts == [own.manifest.plan.keys, ["batch_0002"]]


def test_a_run_of_dagsters_own_ends_after_three_attempts(
    own: Project, attempts: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert materialize(own, "sequences").success
    break_spark(monkeypatch, "batch_0002", times=100)
    assert not materialize(own, "codon_counts").success
    assert attempts == [own.manifest.plan.keys, *[["batch_0002"]] * 2]


@pytest.fixture
def failed_run(own: Project, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a run that counted all batches but one."""
    assert materialize(own, "sequences").success
    with monkeypatch.context() as patched:
        break_spark(patched, "batch_0002", times=100)
        result = materialize(own, "codon_counts")
    assert not result.success
    return result.run_id


def test_a_run_retried_by_dagster_processes_the_missing_batches(
    own: Project, failed_run: str, attempts: list[list[str]]
) -> None:
    assert materialize(own, "codon_counts", parent_run_id=failed_run, retry_number="1").success
    assert attempts == [["batch_0002"]]
    for batch in own.manifest.plan.keys:
        # The newest event is from the end of the step, with the metadata of the first attempt.
        assert materializations(own, batch)[0].metadata["bases"].value == own.manifest.bases_of(batch)


def test_a_run_that_a_person_starts_again_does_all_of_it(
    own: Project, failed_run: str, attempts: list[list[str]]
) -> None:
    assert materialize(own, "codon_counts", parent_run_id=failed_run).success
    assert attempts == [own.manifest.plan.keys]


def test_a_damaged_file_is_not_tried_again(own: Project, attempts: list[list[str]]) -> None:
    own.run()
    path = Path(own.folder.location("sequences/batch_0001.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    attempts.clear()
    assert not materialize(own, "codon_counts", partition="batch_0001").success
    assert attempts == [["batch_0001"]]
