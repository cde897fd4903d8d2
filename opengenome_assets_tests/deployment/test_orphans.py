"""Runs whose process went away with its code location are ended in the records; no others are."""

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import GRPC_INFO_TAG

from opengenome_assets.running.orphans import end_orphans

OF_A_CODE_LOCATION = {GRPC_INFO_TAG: '{"host": "code-location", "port": 4000}'}
LOCATION = GrpcServerCodeLocationOrigin("code-location", 4000, location_name="made_up")
# Without one, no run can be queued.
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "made_up"), "made_up")
STATUS = dg.DagsterRunStatus


def recorded(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]) -> str:
    run = dg.DagsterRun(job_name="made_up", status=status, tags=tags, remote_job_origin=ORIGIN)
    instance.add_run(run)
    return run.run_id


@pytest.mark.parametrize("status", [STATUS.STARTING, STATUS.STARTED, STATUS.CANCELING])
def test_a_run_of_a_code_location_that_is_gone_has_failed(status: dg.DagsterRunStatus) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, status, OF_A_CODE_LOCATION)
        assert end_orphans(instance) == [run_id]
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is STATUS.FAILURE


@pytest.mark.parametrize(
    ("status", "tags"),
    [
        (STATUS.QUEUED, {}),
        # Run again by the daemon, its tags are those of the run before.
        (STATUS.QUEUED, OF_A_CODE_LOCATION),
        (STATUS.SUCCESS, OF_A_CODE_LOCATION),
        # Of the command line, whose process is its own.
        (STATUS.STARTED, {}),
    ],
)
def test_any_other_run_stays_as_it_is(status: dg.DagsterRunStatus, tags: dict[str, str]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run_id = recorded(instance, status, tags)
        assert end_orphans(instance) == []
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is status
