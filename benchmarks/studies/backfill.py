"""What a backfill of many small batches takes that the webserver launches and the daemon runs, and Dagster's part of it.

The batches are those of the study of ``batches``; what is not in the stages alone is Dagster's.
"""

import shutil
import sys
from importlib import resources
from pathlib import Path

from benchmarks.contenders import ROOT, module, reported
from benchmarks.measure import measure
from benchmarks.page import Section, Table
from benchmarks.studies.batches import BASES_A_BATCH, BATCHES, write_tiny
from benchmarks.studies.bench import Bench
from benchmarks.studies.cold import step_seconds
from benchmarks.warm import DATASET, STAGES

ASSETS = ("sequences", "codon_counts", "codon_frequencies", "codon_usage_report")
# Counted twice there, to be seen cold and warm; once here.
_NOT_IN_THE_GRAPH = "count, warm"


def study(bench: Bench) -> Section:
    """Register, then launch the backfill; and the same work without Dagster."""
    batches = BATCHES[bench.is_full]
    folder = bench.scratch / "backfill"
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "home"
    home.mkdir(parents=True)
    own = resources.files("opengenome_assets.running").joinpath("dagster.yaml").read_text()
    (home / "dagster.yaml").write_text(own)
    location = write_tiny(folder / "tiny.parquet", batches)
    named = {
        "DAGSTER_HOME": str(home),
        "OPENGENOME_DATASET": DATASET,
        "OPENGENOME_INPUT": str(location),
        "OPENGENOME_WAREHOUSE": str(folder / "warehouse"),
        "OPENGENOME_BATCH_SIZE": "1",
        "PYTHONPATH": str(ROOT),
    }
    measure([str(Path(sys.executable).with_name("opengenome")), "ingest"], named)
    bench.log(f"a backfill of {batches:,} batches")
    whole = measure(module("backfilling", *ASSETS), named, ROOT)
    steps = step_seconds(home)
    bench.log(f"the stages alone on {batches:,} batches")
    alone = measure(
        module("warm", location, folder / "alone", "--batch-size", "1"), {"PYTHONPATH": str(ROOT)}
    )
    stages = {
        stage: seconds
        for stage, seconds in reported(alone)["seconds"].items()
        if stage not in (_NOT_IN_THE_GRAPH, "register")
    }
    took, without = reported(whole)["seconds"], sum(stages.values())
    in_steps = sum(seconds for step, seconds in steps.items() if not step.endswith("raw_sequences"))
    rows = [
        ["from the launch to the end", f"{took:,.1f}"],
        *([f"— {step}", f"{seconds:,.1f}"] for step, seconds in steps.items() if "raw_seq" not in step),
        ["— between the steps: the daemon's looks, runs that start", f"{took - in_steps:,.1f}"],
        ["the same work without Dagster", f"{without:,.1f}"],
        *([f"— {stage}: {STAGES[stage]}", f"{seconds:,.1f}"] for stage, seconds in stages.items()),
        ["Dagster's own part", f"{took - without:,.1f}"],
    ]
    return Section(
        "A backfill from the UI",
        f"{batches:,} batches, one record of {BASES_A_BATCH} bases each, registered before; launched over GraphQL from a "
        "webserver and run by a daemon, both as they are set up by default.",
        [Table([f"{batches:,} batches", "s"], rows)],
        notes=[
            f"{reported(whole)['runs'] - 1:,} runs; Dagster's own part is {(took - without) / took:.0%}, "
            f"{(took - without) / batches:.2f} s a batch.",
            f"Memory of webserver, daemon, code servers and the run together: {whole.peak_bytes / 1e6:,.0f} MB at most.",
        ],
    )
