"""How many events, connections and log lines a run records per batch, so that many small batches stay quick."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Engine, event

from opengenome_assets.checks import Outcome
from opengenome_assets.graph.partition_events import (
    LINES_AT_LEAST,
    BatchChecks,
    Outcomes,
    Stage,
    check_partitions,
    report_batches,
)
from opengenome_assets.running.event_log import OpenEventLog
from opengenome_assets.running.instance import open_instance
from opengenome_assets.spark.run_tasks import BatchResult
from opengenome_assets_tests.graph.range_run import run_range

BATCHES = [f"batch_{number:04d}" for number in range(LINES_AT_LEAST + 30)]
PARTS = dg.StaticPartitionsDefinition(BATCHES)
KEY = dg.AssetKey("counts")
# Bytes of the events of one asset with one check in the index.
LARGEST = 9_000
CHECK = dg.AssetCheckKey(KEY, "right")


def outcomes(batches: list[str]) -> Outcomes:
    for batch in batches:
        yield batch, {"right": Outcome(passed=True, description="right")}


def graph(failing: str | None = None) -> dg.Definitions:
    """An asset of many quick batches with one check."""

    @dg.asset(partitions_def=PARTS, backfill_policy=dg.BackfillPolicy.single_run())
    def counts(context: dg.AssetExecutionContext) -> None:
        results = [
            BatchResult(batch, 1, 3, error="damaged" if batch == failing else None) for batch in BATCHES
        ]
        checks = BatchChecks(outcomes, ("right",))
        report_batches(context, Stage("counting"), len(results), results, lambda done: {}, checks)

    spec = dg.AssetCheckSpec("right", asset=KEY, partitions_def=PARTS)

    @dg.multi_asset_check(name="counts_checks", specs=[spec])
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        yield from check_partitions(context, outcomes(BATCHES))

    return dg.Definitions([counts], asset_checks=[checks], executor=dg.in_process_executor)


class Recorded:
    """A run over all batches, and what its storage did."""

    def __init__(self, home: Path, failing: str | None = None) -> None:
        self.connections = 0
        event.listen(Engine, "connect", self._connect)
        with open_instance(str(home)) as instance:
            self.storage = instance.event_log_storage
            before = self.connections
            self.result = run_range(graph(failing), BATCHES, instance)
            self.connections -= before
            self.logs = list(instance.all_logs(self.result.run_id))
            self.materialized = instance.get_materialized_partitions(KEY)
            self.checked = {
                info.partition_key: info.is_current
                for info in instance.event_log_storage.get_asset_check_partition_info([CHECK])
                if info.partition_key and info.latest_execution_status.value == "SUCCEEDED"
            }
        index = home / "history" / "runs" / "index.db"
        with closing(sqlite3.connect(index)) as database:
            (self.bytes,) = database.execute("SELECT sum(length(event)) FROM event_logs").fetchone()
        event.remove(Engine, "connect", self._connect)

    def _connect(self, connection: object, record: object) -> None:
        self.connections += 1

    def events(self, kind: dg.DagsterEventType) -> list[str | None]:
        """Partitions of the events of a kind."""
        of_kind = [e.dagster_event for e in self.logs if e.dagster_event and e.dagster_event_type is kind]
        return [found.partition or getattr(found.event_specific_data, "partition", None) for found in of_kind]

    @property
    def lines(self) -> list[str]:
        return [entry.user_message for entry in self.logs if entry.user_message and not entry.dagster_event]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("DAGSTER_HOME", str(home))
        yield Recorded(home)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("DAGSTER_HOME", str(home))
        yield Recorded(home, failing=BATCHES[1])


def test_all_quick_batches_are_materialized(run: Recorded) -> None:
    assert run.result.success
    assert run.materialized == set(BATCHES)


def test_all_quick_batches_have_a_current_check(run: Recorded) -> None:
    assert run.checked == dict.fromkeys(BATCHES, True)


def test_a_failed_run_records_the_other_batches(failed: Recorded) -> None:
    others = set(BATCHES) - {BATCHES[1]}
    assert not failed.result.success
    assert failed.materialized == others
    assert failed.checked == dict.fromkeys(others, True)


@pytest.mark.parametrize(
    ("kind", "per_batch"),
    [
        (dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, 1),
        (dg.DagsterEventType.ASSET_MATERIALIZATION, 2),
        (dg.DagsterEventType.ASSET_CHECK_EVALUATION, 1),
    ],
)
def test_events_per_batch(run: Recorded, kind: dg.DagsterEventType, per_batch: int) -> None:
    found = [batch for batch in run.events(kind) if batch is not None]
    assert len(found) == per_batch * len(BATCHES)


def test_quick_batches_share_log_lines(run: Recorded) -> None:
    counting = [line for line in run.lines if line.startswith("counting")]
    assert LINES_AT_LEAST < len(counting) < len(BATCHES) - 10
    assert counting[-1].startswith(f"counting  batch {len(BATCHES)}/{len(BATCHES)}")


def test_lines_account_for_all_batches(run: Recorded) -> None:
    counting = [line for line in run.lines if line.startswith("counting")]
    silent = [int(line.split("  and ")[1].split()[0]) for line in counting if "  and " in line]
    assert len(counting) + sum(silent) == len(BATCHES)


def test_events_do_not_open_databases_again(run: Recorded) -> None:
    assert isinstance(run.storage, OpenEventLog)
    assert run.connections < len(BATCHES)


def test_records_per_batch_are_small(run: Recorded) -> None:
    assert run.bytes / len(BATCHES) < LARGEST


def test_another_storage_is_used_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = (
        "event_log_storage:\n  module: dagster._core.storage.event_log\n  class: SqliteEventLogStorage\n"
    )
    (tmp_path / "dagster.yaml").write_text(f"{settings}  config:\n    base_dir: {tmp_path / 'own'}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with open_instance(str(tmp_path)) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        assert (tmp_path / "own" / "index.db").exists()


def test_dagsters_storage_reads_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    run_id = Recorded(tmp_path).result.run_id
    with dg.DagsterInstance.get() as plain:
        assert type(plain.event_log_storage) is SqliteEventLogStorage
        assert plain.get_materialized_partitions(KEY) == set(BATCHES)
        assert any(entry.user_message.startswith("counting") for entry in plain.all_logs(run_id))
