"""If an object store is unreachable for a short time, the same run retries the failed batches."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import s3fs

from opengenome_assets.graph import failures
from opengenome_assets_tests.s3_server import S3Server
from opengenome_assets_tests.scenario import Project, Quiet, made_up_records, naive_counts, write_fasta

pytestmark = [pytest.mark.spark, pytest.mark.service]

RECORDS = made_up_records(60)


class Watching(Quiet):
    """Does something at a line of the run, and then something else at a later one."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[str, Callable[[], None]]] = []

    def on_line(self, level: int, text: str) -> None:
        super().on_line(level, text)
        if self.steps and self.steps[0][0] in text:
            self.steps.pop(0)[1]()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, spark: Any) -> Iterator[S3Server]:
    made = S3Server()
    made.come()
    made.empty()
    # The client retries for minutes. This test is about what follows after that.
    variables = made.variables | {"AWS_MAX_ATTEMPTS": "1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setattr(failures, "SECONDS_BETWEEN", 0.05)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("bucket")
    environment = spark.sparkContext.environment
    before = dict(environment)
    environment.update(variables)
    yield made
    environment.clear()
    environment.update(before)
    made.go()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    ("away_at", "asset"),
    [
        ("batch 1/3  batch_0000", "sequences"),
        ("Spark session ready", "codon_counts"),
        ("Spark session ready", "codon_usage_by_sequence"),
    ],
    ids=["writing", "counting", "measuring"],
)
def test_a_store_that_is_away_for_a_moment_costs_an_attempt(
    tmp_path: Path, server: S3Server, away_at: str, asset: str
) -> None:
    path = write_fasta(tmp_path / "mine.fa", RECORDS)
    settings = {"OPENGENOME_INPUT": str(path), "OPENGENOME_DATASET": "mine", "OPENGENOME_BATCH_SIZE": "20"}
    is_by_sequence = asset == "codon_usage_by_sequence"
    if is_by_sequence:
        settings["OPENGENOME_BY_SEQUENCE"] = "yes"
    watching = Watching()
    own = Project("s3://bucket/results", settings, watching, tmp_path / "home")
    own.runner.register()
    if is_by_sequence:
        own.runner.count(own.manifest.plan.keys)
    watching.steps = [
        (away_at, server.go),
        ("the object store denies access or cannot be reached", server.come),
    ]
    if is_by_sequence:
        assert all(check.passed for check in own.runner.measure_sequences({}))
    else:
        own.runner.count(own.manifest.plan.keys)
    own.runner.tabulate({})
    assert watching.steps == []
    # The command repeats the missing batches. Within a run nothing is repeated.
    (step,) = [event.step_key for event in events(own) if event.is_step_failure]
    assert step == f"mine__{asset}"
    assert not any(event.is_step_up_for_retry for event in events(own))
    expected = naive_counts(list(RECORDS.values()))
    for row in own.table().to_pylist():
        assert row["count"] == expected.get(("+", 0, row["codon"]), 0)


def events(own: Project) -> list[dg.DagsterEvent]:
    logs = [entry for run in own.instance.get_runs() for entry in own.instance.all_logs(run.run_id)]
    return [entry.dagster_event for entry in logs if entry.dagster_event]
