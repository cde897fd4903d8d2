"""What Spark's event logs say of tasks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Task:
    """A finished task: the description of its job, the executor, and its run time in seconds."""

    doing: str
    executor: str
    seconds: float


def finished_tasks(events: Path) -> Iterator[Task]:
    """The tasks of all applications whose event logs are in a folder."""
    for folder in sorted(path for path in events.iterdir() if path.is_dir()):
        doing: dict[int, str] = {}
        for event in _events(folder):
            if event["Event"] == "SparkListenerJobStart":
                description = event["Properties"].get("spark.job.description", "")
                doing |= dict.fromkeys(event["Stage IDs"], description)
            elif event["Event"] == "SparkListenerTaskEnd":
                task = event["Task Info"]
                seconds = (task["Finish Time"] - task["Launch Time"]) / 1000
                yield Task(doing[event["Stage ID"]], task["Executor ID"], seconds)


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    for log in sorted(folder.glob("events_*")):
        compression = "zstd" if log.suffix == ".zstd" else None
        with pa.input_stream(str(log), compression=compression) as file:
            yield from map(json.loads, file.read().decode().splitlines())
