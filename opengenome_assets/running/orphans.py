"""Ends, in Dagster's records, the runs of a container that is gone: ``python -m opengenome_assets.running.orphans``.

A run is a process beside the code location that started it, or that of a command. Where that is a container, both end
together and nobody is left to write the end down: the run would be called running for ever, hold its place in the queue
and in its pool, and keep its backfill from ending. So a container lists them before it begins to serve, while none of
its own can be among them, and ends them.
"""

import argparse
import socket
import sys
import time
from collections.abc import Sequence
from typing import Literal, get_args

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._daemon.controller import RELOAD_WORKSPACE_INTERVAL

Owner = Literal["of-code-location", "of-commands"]

# A queued run has no process yet: the daemon starts it when its turn comes.
_WITH_A_PROCESS = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_TOLD = "The container that this run belonged to has ended, and the run with it. Finished batches are kept."
# The daemon starts a run once more as soon as it has failed, and gives up for good where it cannot reach the code
# location. After an outage it may take it for lost until it looks again.
_DAEMON_KNOWS_AFTER = RELOAD_WORKSPACE_INTERVAL + 15


def orphans(instance: dg.DagsterInstance, owner: Owner) -> list[str]:
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
            instance.report_run_canceled(run, _TOLD)
        else:
            # For this reason Dagster starts it once more.
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
            instance.report_run_failed(run, _TOLD, reason)
        # The daemon would do so too, minutes later.
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        ended.append(run_id)
    return ended


def main(words: Sequence[str] | None = None) -> None:
    """List an owner's runs before it begins to serve, or end runs and name them."""
    parser = argparse.ArgumentParser(prog="orphans", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="print the ids of an owner's runs")
    listing.add_argument("owner", choices=get_args(Owner))
    ending = verbs.add_parser("end", help="end these runs")
    ending.add_argument("run_ids", nargs="*", metavar="ID")
    ending.add_argument("--once-served", type=int, metavar="PORT", help="when the daemon can start them anew")
    given = parser.parse_args(words)
    if given.verb == "list":
        with dg.DagsterInstance.get() as instance:
            sys.stdout.write(" ".join(orphans(instance, given.owner)) + "\n")
    elif given.run_ids:
        listed = time.time()
        if given.once_served is not None:
            while not _listens(given.once_served):
                time.sleep(1)
            time.sleep(_DAEMON_KNOWS_AFTER)
        with dg.DagsterInstance.get() as instance:
            for run_id in end_runs(instance, given.run_ids, listed):
                sys.stderr.write(f"run {run_id}: ended with the container before this one\n")


def _listens(port: int) -> bool:
    """Whether a server is there; the code location's listens once it has loaded the definitions."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
