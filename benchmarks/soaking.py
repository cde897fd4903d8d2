"""Runs on one instance, one after another in one process: ``python -m benchmarks.soaking RUNS FOLDER``.

Every second run counts a batch on a Spark session of its own, the others make the table and the report. Prints one JSON
object: what the process tree held at points on the way, and what was left when all was over.
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import click
import psutil

from benchmarks.warm import DATASET

RECORDS = 40
BATCH_ROWS = 10
POINTS = 10


class Held(TypedDict):
    """What there is after so many runs; memory in bytes, of the whole tree."""

    runs: int
    seconds: float
    memory: int
    files: int
    processes: int
    temporary: int
    warehouse: int
    records: int


class _Silent:
    def on_line(self, level: int, text: str) -> None:
        """Nothing is shown."""

    def on_batch(self, asset: str, batch: str) -> None:
        """Nothing is shown."""


def look(began: float, runs: int, warehouse: Path, home: Path) -> Held:
    """Look at this process, at what it started, and at its folders."""
    own = psutil.Process()
    tree = [own, *own.children(recursive=True)]
    here = [path for path in warehouse.rglob("*") if path.is_file()]
    records = [path for path in here if home in path.parents]
    return Held(
        runs=runs,
        seconds=time.monotonic() - began,
        memory=sum(process.memory_full_info().pss for process in tree),
        files=sum(process.num_fds() for process in tree),
        processes=len(tree),
        temporary=sum(1 for path in Path(tempfile.gettempdir()).rglob("*") if path.is_file()),
        warehouse=len(here) - len(records),
        records=sum(path.stat().st_size for path in records),
    )


@click.command()
@click.argument("runs", type=int)
@click.argument("folder", type=click.Path(path_type=Path))
def main(runs: int, folder: Path) -> None:
    """Run so many times in a folder."""
    from opengenome_assets.datasets.catalogue import resolve_datasets
    from opengenome_assets.running.instance import open_instance
    from opengenome_assets.running.runner import Runner
    from opengenome_assets.settings import read_settings

    warehouse = folder / "warehouse"
    location = folder / "soak.fasta"
    location.write_text("".join(f">r{number}\n{'ACGTTGCAT' * (20 + number)}\n" for number in range(RECORDS)))
    settings = read_settings(
        {
            "OPENGENOME_INPUT": str(location),
            "OPENGENOME_DATASET": DATASET,
            "OPENGENOME_WAREHOUSE": str(warehouse),
            "OPENGENOME_BATCH_SIZE": str(BATCH_ROWS),
        }
    )
    began = time.monotonic()
    held: list[Held] = []
    with open_instance(str(warehouse)) as instance:
        home = Path(os.environ["DAGSTER_HOME"])
        (dataset,) = resolve_datasets(settings)
        runner = Runner(dataset, instance, _Silent())
        runner.register()
        runner.count(runner.missing_batches())
        before = instance.get_runs_count()
        for number in range(runs):
            if number % 2:
                runner.tabulate({"frame": number // 2 % 3})
            else:
                runner.count([f"batch_{number // 2 % (RECORDS // BATCH_ROWS):04}"])
            if number % max(runs // POINTS, 1) == max(runs // POINTS, 1) - 1:
                held.append(look(began, number + 1, warehouse, home))
        click.echo(json.dumps({"held": held, "runs": instance.get_runs_count() - before}))


if __name__ == "__main__":
    main()
