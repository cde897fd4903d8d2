"""Marks orphaned runs as failed: runs whose process was killed, or whose machine or container stopped.

Dagster shows an orphaned run as running. It keeps its slots in the queue and in the pool, so the next counting run would
wait for ever. Commands find the orphaned runs of this machine by process id. The process ids of a container mean nothing
outside of it. So a container runs ``python -m opengenome_assets.running.lost_runs`` before it serves: at that time all
runs that it owns are orphaned.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.tags import GRPC_INFO_TAG

# Clocks are adjusted, and the kernel counts in hundredths of a second.
_TOLERANCE_SECONDS = 2.0
_MESSAGE = (
    "The process of this run has ended without reporting it. Finished batches are kept; the next run processes the "
    "missing ones."
)


def end_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark orphaned runs of this machine as failed, and free their slots in pools.

    Does nothing if the instance keeps its records in a database: its runs may be on other machines.

    Returns:
        ids of the orphaned runs.
    """
    if not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        return []
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run = record.dagster_run
        reported = _processes(instance, run.run_id)
        if reported and not any(_is_running(pid, at) for pid, at in reported.items()):
            instance.report_run_failed(run, _MESSAGE)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def _processes(instance: dg.DagsterInstance, run_id: str) -> dict[int, float]:
    """Ids of the processes that ran the run's steps → time of the report. The in-process executor reports its own."""
    processes = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None and str(pid.value).isdigit():
            processes[int(str(pid.value))] = entry.timestamp
    return processes


def _is_running(pid: int, reported_at: float) -> bool:
    """Whether the process that reported its id at this time is running, and not a later one with the same id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The process belongs to another user.
        pass
    began = _began(pid)
    return began is None or began <= reported_at + _TOLERANCE_SECONDS


def _began(pid: int) -> float | None:
    """Start time of a process; None if the system does not report it."""
    try:
        # The name, which ends with the last ")", can contain blanks. Field 22 is the start time in clock ticks since boot.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    up = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + up


Owner = Literal["of-code-location", "of-commands"]

# Without queued runs, which have no process yet.
_WITH_A_PROCESS = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_CONTAINER_ENDED = "The container of this run has ended, and the run with it. Finished batches are kept."


def runs_of(instance: dg.DagsterInstance, owner: Owner) -> list[str]:
    """Ids of an owner's runs that have not ended.

    Args:
        instance: the Dagster instance.
        owner: the code location, or the command line.
    """
    return [
        run.run_id
        for run in instance.get_runs(dg.RunsFilter(statuses=list(_WITH_A_PROCESS)))
        if (GRPC_INFO_TAG in run.tags) == (owner == "of-code-location")
    ]


def unfinished_runs_for(instance: dg.DagsterInstance, dataset: str) -> list[str]:
    """Ids of the queued and running runs that write or check assets of a data set.

    Args:
        instance: the Dagster instance.
        dataset: key of the data set, with which the keys of its assets begin.
    """
    statuses = [dg.DagsterRunStatus.QUEUED, *_WITH_A_PROCESS]
    runs = instance.get_runs(dg.RunsFilter(statuses=statuses))
    return [
        run.run_id for run in runs if any(key.path[0] == dataset for key in _planned(instance, run.run_id))
    ]


def _planned(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetKey]:
    """Keys of the assets that a run was started for, or for checks of which."""
    of_assets = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
    of_checks = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    for entry in instance.all_logs(run_id, of_type={of_assets, of_checks}):
        event = entry.dagster_event
        if event is not None and event.event_type is of_checks:
            yield event.asset_check_planned_data.asset_key
        elif event is not None and event.asset_key is not None:
            yield event.asset_key


def end_runs(instance: dg.DagsterInstance, run_ids: Sequence[str], listed: float) -> list[str]:
    """Report runs as failed, or as canceled if they were being canceled, and free their slots in pools.

    Args:
        instance: the Dagster instance.
        run_ids: ids of the listed runs.
        listed: time of the listing in seconds since 1970. A run that the daemon has started later has a process.

    Returns:
        ids of the runs that had not ended.
    """
    ended = []
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status not in _WITH_A_PROCESS:
            continue
        if (instance.get_run_stats(run_id).launch_time or 0) > listed:
            continue
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, _CONTAINER_ENDED)
        else:
            # With this reason Dagster retries the run.
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
            instance.report_run_failed(run, _CONTAINER_ENDED, reason)
        # The daemon would also do this, minutes later.
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        ended.append(run_id)
    return ended


def main(words: Sequence[str] | None = None) -> None:
    """List an owner's runs before it serves, or end runs and report their ids."""
    parser = argparse.ArgumentParser(prog="lost_runs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="print the ids of an owner's runs")
    listing.add_argument("owner", choices=get_args(Owner))
    ending = verbs.add_parser("end", help="mark these runs as failed")
    ending.add_argument("run_ids", nargs="*", metavar="ID")
    ending.add_argument(
        "--once-served", type=int, metavar="PORT", help="wait until the daemon can start runs on this port"
    )
    given = parser.parse_args(words)
    if given.verb == "list":
        with dg.DagsterInstance.get() as instance:
            sys.stdout.write(" ".join(runs_of(instance, given.owner)) + "\n")
    elif given.run_ids:
        listed = time.time()
        if given.once_served is not None:
            _wait_for_daemon(given.once_served)
        with dg.DagsterInstance.get() as instance:
            for run_id in end_runs(instance, given.run_ids, listed):
                sys.stderr.write(f"run {run_id}: ended with the container before this one\n")


def _wait_for_daemon(port: int) -> None:
    """Wait until the daemon can reach the code location on a port.

    The daemon retries a failed run immediately, and never again if it cannot reach the code location.
    """
    from dagster._daemon.controller import RELOAD_WORKSPACE_INTERVAL

    while not _listens(port):
        time.sleep(1)
    # After an outage the daemon tries the code location again at this interval.
    time.sleep(RELOAD_WORKSPACE_INTERVAL + 15)


def _listens(port: int) -> bool:
    """Whether a server listens on the port. The code location listens after it has loaded the definitions."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
