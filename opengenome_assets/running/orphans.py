"""Ends, in Dagster's records, the runs of a container that is gone: ``python -m opengenome_assets.running.orphans``.

A run is a process beside the code location that started it, or that of a command. Where that is a container, both end
together and nobody is left to write the end down: the run would be called running for ever, hold its place in the queue
and in its pool, and keep its backfill from ending. So a container does this before it begins to serve.
"""

import sys
from typing import Literal, get_args

import click
import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG

Owner = Literal["of-code-location", "of-commands"]

# A queued run has no process yet: the daemon starts it when its turn comes.
_WITH_A_PROCESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_TOLD = "The container that this run belonged to has ended, and the run with it. Finished batches are kept."


def end_orphans(instance: dg.DagsterInstance, owner: Owner) -> list[str]:
    """Report every run of an owner that has not ended as failed, and free its places in pools.

    One that was being canceled has come to that end. Only where the owner's container has just been started, and
    so has no run of its own yet.

    Args:
        instance: keeps the records.
        owner: whose runs: those that a code location started, or those of the command line.

    Returns:
        the ids of the runs.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_WITH_A_PROCESS)):
        if (GRPC_INFO_TAG in run.tags) == (owner == "of-code-location"):
            if run.status is dg.DagsterRunStatus.CANCELING:
                instance.report_run_canceled(run, _TOLD)
            else:
                # For this reason Dagster starts it once more.
                reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
                instance.report_run_failed(run, _TOLD, reason)
            # The daemon would do so too, minutes later.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


@click.command()
@click.argument("owner", type=click.Choice(get_args(Owner)))
def main(owner: Owner) -> None:
    """End the orphans of the instance in ``DAGSTER_HOME``, and name them."""
    with dg.DagsterInstance.get() as instance:
        for run_id in end_orphans(instance, owner):
            sys.stderr.write(f"run {run_id}: ended with the container before this one\n")


if __name__ == "__main__":
    main()
