"""Runs whose process is gone without a word: killed, or the machine lost power.

Dagster takes such a run for one that goes on, and it keeps its place in the pool: the next run that counts would wait for
it without end.
"""

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from opengenome_assets.storage.warehouse import is_running

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
        pids = _process_ids(instance, run.run_id)
        if pids and not any(is_running(pid) for pid in pids):
            instance.report_run_failed(run, _MESSAGE)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def _process_ids(instance: dg.DagsterInstance, run_id: str) -> set[int]:
    """Of the processes that ran its steps; the in-process executor tells its own."""
    pids = set()
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        told = event.engine_event_data.metadata.get("pid") if event else None
        if told is not None and str(told.value).isdigit():
            pids.add(int(str(told.value)))
    return pids
