"""Ends, in Dagster's records, the runs of a code location that is gone: ``python -m opengenome_assets.running.orphans``.

A run is a process beside the code location that started it. Where that is a container, both end together and
nobody is left to write the end down: the run would be called running for ever, hold its place in the queue and
keep its backfill from ending. So a container's code location does this before it starts to serve.
"""

import sys

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import GRPC_INFO_TAG

# A queued run has no process yet: the daemon starts it when its turn comes.
_WITH_A_PROCESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_TOLD = (
    "The code location that this run belonged to has ended, and the run with it. Finished batches are kept."
)


def end_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Report as failed every run that a code location started and that has not ended.

    Only where no code location serves this instance; a run of the command line is left alone.

    Returns:
        the ids of the runs.
    """
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_WITH_A_PROCESS)):
        if GRPC_INFO_TAG in run.tags:
            reason = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
            instance.report_run_failed(run, _TOLD, reason)
            ended.append(run.run_id)
    return ended


def main() -> None:
    """End the orphans of the instance in ``DAGSTER_HOME``, and name them."""
    with dg.DagsterInstance.get() as instance:
        for run_id in end_orphans(instance):
            sys.stderr.write(f"run {run_id}: ended with the code location before this one\n")


if __name__ == "__main__":
    main()
