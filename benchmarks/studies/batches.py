"""What many batches cost beside their counting: planning, Dagster's events, the final table.

The stages without Dagster are run on ten times as many batches as the whole graph.
"""

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.contenders import ROOT, analyze_command, module, reported
from benchmarks.measure import measure
from benchmarks.page import Section, Table
from benchmarks.studies.bench import Bench
from benchmarks.studies.cold import step_seconds
from benchmarks.warm import DATASET, STAGES

BATCHES = {True: 2_000, False: 300}
MORE_WITHOUT_DAGSTER = 10
BASES_A_BATCH = 300


def study(bench: Bench) -> Section:
    """Run the command line over tiny batches of one record each, and load the definitions on what it left."""
    batches = BATCHES[bench.is_full]
    folder = bench.scratch / "batches"
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "home"
    home.mkdir(parents=True)
    location = write_tiny(folder / "tiny.parquet", batches)
    environment = {"DAGSTER_HOME": str(home)}
    bench.log(f"running {batches:,} batches")
    whole = measure(analyze_command(location, folder / "warehouse", "--batch-size", "1"), environment)
    named = {"OPENGENOME_DATASET": DATASET, "OPENGENOME_WAREHOUSE": str(folder / "warehouse")}
    loading = measure(
        [sys.executable, "-c", "import opengenome_assets.definitions"], environment | named, ROOT
    )
    steps = step_seconds(home)
    rows = [
        ["everything from the command line", f"{whole.wall_seconds:,.1f}", f"{whole.peak_bytes / 1e6:,.0f}"],
        *([f"— {step}", f"{seconds:,.1f}", ""] for step, seconds in steps.items()),
        [
            "loading the definitions afterwards",
            f"{loading.wall_seconds:,.1f}",
            f"{loading.peak_bytes / 1e6:,.0f}",
        ],
    ]
    many = batches * MORE_WITHOUT_DAGSTER
    bench.log(f"the stages alone on {many:,} batches")
    location = write_tiny(folder / "many.parquet", many)
    alone = measure(
        module("warm", location, folder / "alone", "--batch-size", "1"), {"PYTHONPATH": str(ROOT)}
    )
    stages = [[stage, what, f"{reported(alone)['seconds'][stage]:,.1f}"] for stage, what in STAGES.items()]
    events, manifest = _bytes(home), (folder / "alone" / DATASET / "manifest.json").stat().st_size
    return Section(
        "Many batches",
        f"One record of {BASES_A_BATCH} bases a batch, so that nothing is left but what a batch costs by itself.",
        [
            Table([f"{batches:,} batches, with Dagster", "s", "peak MB"], rows),
            Table([f"{many:,} batches, without Dagster", "what it does", "s"], stages, text_columns=2),
        ],
        notes=[
            f"Dagster's records take {events / 1e6:,.1f} MB, {events / batches / 1e3:,.1f} kB a batch.",
            f"The manifest of {many:,} batches takes {manifest / 1e6:,.2f} MB; the process tree of the stages "
            f"{alone.peak_bytes / 1e6:,.0f} MB at most.",
        ],
    )


def write_tiny(path: Path, records: int) -> Path:
    """Write so many records, to be a batch each."""
    letters = "ACGTTGCATTAGACCA" * (BASES_A_BATCH // 16 + 1)
    table = pa.table(
        {
            "seq_id": [f"tiny_{number}" for number in range(records)],
            "sequence": [letters[number % 16 :][:BASES_A_BATCH] for number in range(records)],
        }
    )
    pq.write_table(table, path)
    return path


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
