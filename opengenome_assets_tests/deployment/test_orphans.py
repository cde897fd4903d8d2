"""Orphaned runs of a code location are ended in the records, and no others."""

import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import GRPC_INFO_TAG

from opengenome_assets.running.lost_runs import Owner, end_runs, runs_of

OF_A_COMMAND: dict[str, str] = {}
OF_A_CODE_LOCATION = {GRPC_INFO_TAG: '{"host": "code-location", "port": 4000}'}
LOCATION = GrpcServerCodeLocationOrigin("code-location", 4000, location_name="made_up")
# Without one, no run can be queued.
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "made_up"), "made_up")
STATUS = dg.DagsterRunStatus


def recorded(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(job_name="made_up", status=status, tags=tags, remote_job_origin=ORIGIN)
    instance.add_run(run)
    return run.run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.parametrize(
    ("owner", "tags"), [("of-code-location", OF_A_CODE_LOCATION), ("of-commands", OF_A_COMMAND)]
)
@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (STATUS.STARTING, STATUS.FAILURE),
        (STATUS.STARTED, STATUS.FAILURE),
        # A canceled run is not retried.
        (STATUS.CANCELING, STATUS.CANCELED),
    ],
)
def test_a_run_whose_container_is_gone_has_ended(
    owner: Owner, tags: dict[str, str], status: dg.DagsterRunStatus, ended: dg.DagsterRunStatus
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, status, tags)
        assert end_runs(instance, runs_of(instance, owner), time.time()) == [run_id]
        assert status_of(instance, run_id) is ended


@pytest.mark.parametrize(
    ("owner", "status", "tags"),
    [
        ("of-code-location", STATUS.QUEUED, {}),
        # Run again by the daemon, its tags are those of the run before.
        ("of-code-location", STATUS.QUEUED, OF_A_CODE_LOCATION),
        ("of-code-location", STATUS.SUCCESS, OF_A_CODE_LOCATION),
        # Its process is in another container, and goes on.
        ("of-code-location", STATUS.STARTED, OF_A_COMMAND),
        ("of-commands", STATUS.STARTED, OF_A_CODE_LOCATION),
    ],
)
def test_any_other_run_stays_as_it_is(
    owner: Owner, status: dg.DagsterRunStatus, tags: dict[str, str]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, status, tags)
        assert runs_of(instance, owner) == []
        assert status_of(instance, run_id) is status


def test_an_orphaned_run_does_not_block_the_pool(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        run_id = recorded(instance, STATUS.STARTED, OF_A_CODE_LOCATION)
        storage = instance.event_log_storage
        storage.set_concurrency_slots("spark", 1)
        assert storage.claim_concurrency_slot("spark", run_id, "a_step").is_claimed
        end_runs(instance, [run_id], time.time())
        assert storage.get_concurrency_info("spark").active_slot_count == 0


def test_a_run_that_has_ended_in_the_meantime_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, STATUS.SUCCESS, OF_A_CODE_LOCATION)
        assert end_runs(instance, [run_id, "one-that-was-removed"], time.time()) == []
        assert status_of(instance, run_id) is STATUS.SUCCESS


@pytest.mark.parametrize(("seconds", "ended"), [(-60, False), (60, True)])
def test_a_run_started_after_the_listing_continues(seconds: int, *, ended: bool) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, STATUS.QUEUED, OF_A_CODE_LOCATION)
        starting = DagsterEvent(DagsterEventType.PIPELINE_STARTING.value, job_name="made_up")
        instance.report_dagster_event(starting, run_id)
        listed = time.time() + seconds
        assert end_runs(instance, [run_id], listed) == ([run_id] if ended else [])
