"""How the stages scale with the workers of a Spark cluster: a standalone master and workers of one core on this machine."""

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.contenders import analyze_command
from benchmarks.measure import measure
from benchmarks.page import Section, Table
from benchmarks.studies.bench import Bench
from opengenome_assets_tests.cluster.event_log import finished_tasks
from opengenome_assets_tests.cluster.standalone import Cluster, standalone

WORKERS = (1, 2, 4)
STAGES = ("registering", "writing", "checking", "counting")


def study(bench: Bench) -> Section:
    """Run the command line on clusters of several sizes. Input, warehouse and event logs are in one folder."""
    location = bench.genomes(bench.size, "parquet")["parquet"]
    rows = []
    for workers in WORKERS:
        bench.log(f"running on {workers} workers")
        with tempfile.TemporaryDirectory(prefix="spark-", dir=bench.scratch) as folder:
            seconds, tasks, wall = _run(bench, location, Path(folder), workers)
        figures = [f"{tasks[stage]} tasks, {seconds[stage]:,.1f}" for stage in STAGES]
        rows.append([str(workers), *figures, f"{wall:,.1f}"])
    return Section(
        "Workers",
        f"{bench.bases / 1e6:,.0f} Mbp of Parquet. Of each stage: its tasks, and the sum of their run times in seconds. "
        "Divided by the workers, that is the least time of the stage. More workers than cores make each task slower.",
        [Table(["workers", *STAGES, "whole command, s"], rows)],
    )


def _run(
    bench: Bench, location: Path, folder: Path, workers: int
) -> tuple[dict[str, float], dict[str, int], float]:
    events = folder / "events"
    events.mkdir()
    warehouse = bench.scratch / "scaling"
    shutil.rmtree(warehouse, ignore_errors=True)
    with standalone(folder / "cluster") as cluster:
        for _ in range(workers):
            cluster.start_worker()
        settings = _settings(cluster, events)
        measured = measure(analyze_command(location, warehouse), settings)
    seconds: dict[str, float] = defaultdict(float)
    tasks: dict[str, int] = defaultdict(int)
    for task in finished_tasks(events):
        seconds[task.doing] += task.seconds
        tasks[task.doing] += 1
    return seconds, tasks, measured.wall_seconds


def _settings(cluster: Cluster, events: Path) -> dict[str, str]:
    return {"DAGSTER_HOME": "", "OPENGENOME_SPARK_EVENT_LOG": str(events), **cluster.settings}
