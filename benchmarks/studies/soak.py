"""Many runs against one instance: whether memory, open files, processes or temporary files grow."""

import shutil

from benchmarks.contenders import ROOT, module, reported
from benchmarks.measure import measure
from benchmarks.page import Section, Table
from benchmarks.studies.bench import Bench

RUNS = {True: 200, False: 20}


def study(bench: Bench) -> Section:
    """Run them in one process that does nothing else."""
    runs = RUNS[bench.is_full]
    folder = bench.scratch / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    environment = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp"), "DAGSTER_HOME": ""}
    soaked = measure(module("soaking", runs, folder), environment)
    found = reported(soaked)
    rows = [
        [
            f"{held['runs']:,}",
            f"{held['seconds']:,.0f}",
            f"{held['memory'] / 1e6:,.0f}",
            f"{held['files']:,}",
            f"{held['processes']:,}",
            f"{held['temporary']:,}",
            f"{held['warehouse']:,}",
            f"{held['records'] / 1e6:,.1f}",
        ]
        for held in found["held"]
    ]
    left = [path for path in (folder / "tmp").rglob("*") if path.is_file()]
    columns = [
        "runs",
        "s",
        "MB, PSS",
        "open files",
        "processes",
        "temporary files",
        "files in the warehouse",
        "Dagster's records, MB",
    ]
    return Section(
        f"{found['runs']:,} runs on one instance",
        "One process, every second run with a Spark session of its own, the others with a table and a report. Figures "
        "are of the process tree (Python, JVM, Python workers) right after a run of the table.",
        [Table(columns, rows)],
        notes=[f"Temporary files left when the process had ended: {len(left):,}."],
    )
