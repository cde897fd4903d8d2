"""A command ends orphaned runs, and does not touch running ones."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.events import DagsterEvent, EngineEventData

from opengenome_assets.running.lost_runs import end_abandoned_runs


@dg.job
def nothing() -> None:
    """A job of no ops."""


def a_run_of(instance: dg.DagsterInstance, process: int, at: float | None = None) -> str:
    """A run that has started and not ended, in a process that reported it at a given time."""
    run = instance.create_run_for_job(nothing)
    event = DagsterEvent(
        event_type_value=dg.DagsterEventType.ENGINE_EVENT.value,
        job_name="nothing",
        event_specific_data=EngineEventData.in_process(process),
    )
    instance.report_dagster_event(event, run.run_id, timestamp=at)
    instance.report_dagster_event(
        DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name="nothing"), run.run_id
    )
    return str(run.run_id)


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def status(instance: dg.DagsterInstance, run: str) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run)
    assert found is not None
    return found.status


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").touch()
    return tmp_path


def test_a_run_is_ended_where_its_process_is_gone(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        gone, going_on = a_run_of(instance, ended_process()), a_run_of(instance, os.getpid())
        assert end_abandoned_runs(instance) == [gone]
        assert status(instance, gone) is dg.DagsterRunStatus.FAILURE
        assert status(instance, going_on) is dg.DagsterRunStatus.STARTED


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not asked when a process began")
def test_a_reused_process_id_does_not_hide_an_orphaned_run(home: Path) -> None:
    began = psutil.Process().create_time()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        of_another, own = a_run_of(instance, os.getpid(), began - 60), a_run_of(instance, os.getpid(), began)
        assert end_abandoned_runs(instance) == [of_another]
        assert status(instance, own) is dg.DagsterRunStatus.STARTED


def test_the_place_in_the_pool_is_free_again(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        gone = a_run_of(instance, ended_process())
        instance.event_log_storage.set_concurrency_slots("spark", 1)
        claimed = instance.event_log_storage.claim_concurrency_slot("spark", gone, "step")
        assert claimed.is_claimed
        end_abandoned_runs(instance)
        again = instance.event_log_storage.claim_concurrency_slot("spark", "another", "step")
        assert again.is_claimed


def test_a_run_that_tells_no_process_is_left_alone(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
        assert end_abandoned_runs(instance) == []
        assert status(instance, run.run_id) is dg.DagsterRunStatus.STARTED
