"""Ends, in Dagster's records, runs whose process is gone: killed, the machine lost power, or its container ended.

Dagster shows such a run as running, and it keeps its place in the queue and in the pool, so the next run that counts
would wait without end. A command looks for lost runs of this machine by their process ids. A container, whose process ids
mean nothing elsewhere, runs ``python -m opengenome_assets.running.lost_runs`` before it begins to serve: at that moment
every run that it owns is lost.
"""

import argparse
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.tags import GRPC_INFO_TAG

# Clocks are set, and the kernel counts in hundredths.
_TOLERANCE_SECONDS = 2.0
_MESSAGE = (
    "The run's process ended without a word. What it had finished stays; the next run does what is missing."
)


def end_abandoned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of this machine as failed whose process is gone, and free their places in pools.

    Only where the instance keeps its records in files: those of a database may be of runs on other machines, whose
    process ids mean nothing here.

    Returns:
        their ids.
    """
    if not isinstance(instance.event_log_storage, SqliteEventLogStorage):
        return []
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run = record.dagster_run
        told = _processes(instance, run.run_id)
        if told and not any(_goes_on(pid, at) for pid, at in told.items()):
            instance.report_run_failed(run, _MESSAGE)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def _processes(instance: dg.DagsterInstance, run_id: str) -> dict[int, float]:
    """Ids of the processes that ran its steps, and when they told so; the in-process executor tells its own."""
    processes = {}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        told = event.engine_event_data.metadata.get("pid") if event else None
        if told is not None and str(told.value).isdigit():
            processes[int(str(told.value))] = entry.timestamp
    return processes


def _goes_on(pid: int, told_at: float) -> bool:
    """Whether a process is there that told its id at a time, and no later one with the same id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        pass
    began = _began(pid)
    return began is None or began <= told_at + _TOLERANCE_SECONDS


def _began(pid: int) -> float | None:
    """When a process was started; None where the system does not tell."""
    try:
        # Behind the name, which may hold anything; the 22nd field are ticks since the machine was started.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    up = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + up


Owner = Literal["of-code-location", "of-commands"]

# A queued run has no process yet: the daemon starts it when its turn comes.
_WITH_A_PROCESS = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_CONTAINER_ENDED = (
    "The container that this run belonged to has ended, and the run with it. Finished batches are kept."
)


def runs_of(instance: dg.DagsterInstance, owner: Owner) -> list[str]:
    """Runs of an owner that have not ended, by id.

    Args:
        instance: keeps the records.
        owner: whose runs: those that a code location started, or those of the command line.
    """
    return [
        run.run_id
        for run in instance.get_runs(dg.RunsFilter(statuses=list(_WITH_A_PROCESS)))
        if (GRPC_INFO_TAG in run.tags) == (owner == "of-code-location")
    ]


def end_runs(instance: dg.DagsterInstance, run_ids: Sequence[str], listed: float) -> list[str]:
    """Report runs as failed, and free their places in pools; one that was being canceled has come to that end.

    Args:
        instance: keeps the records.
        run_ids: what was listed.
        listed: when, in seconds since 1970. One that the daemon has started since has a process now: it could not
            reach the code location that is gone.

    Returns:
        the ids of those that had not ended.
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
            # For this reason Dagster starts it once more.
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
            instance.report_run_failed(run, _CONTAINER_ENDED, reason)
        # The daemon would do so too, minutes later.
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        ended.append(run_id)
    return ended


def main(words: Sequence[str] | None = None) -> None:
    """List an owner's runs before it begins to serve, or end runs and name them."""
    parser = argparse.ArgumentParser(prog="lost_runs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="print the ids of an owner's runs")
    listing.add_argument("owner", choices=get_args(Owner))
    ending = verbs.add_parser("end", help="end these runs")
    ending.add_argument("run_ids", nargs="*", metavar="ID")
    ending.add_argument("--once-served", type=int, metavar="PORT", help="when the daemon can start them anew")
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

    It starts a failed run once more at once, and gives up for good where it cannot reach the code location.
    """
    from dagster._daemon.controller import RELOAD_WORKSPACE_INTERVAL

    while not _listens(port):
        time.sleep(1)
    # After an outage the daemon may not look again before this.
    time.sleep(RELOAD_WORKSPACE_INTERVAL + 15)


def _listens(port: int) -> bool:
    """Whether a server is there; the code location's listens once it has loaded the definitions."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
