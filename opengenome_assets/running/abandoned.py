"""Runs whose process is gone without a word: killed, or the machine lost power.

Dagster takes such a run for one that goes on, and it keeps its place in the pool: the next run of the queue that counts
would wait for it without end.
"""

import os
import time
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

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
