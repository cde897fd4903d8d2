"""Whether memory stays flat: the whole command line on one size and on four times as much."""

import shutil
from functools import partial

from benchmarks.contenders import analyze_command
from benchmarks.genomes import genomes_of
from benchmarks.measure import Measurement, Spread, in_turn, measure
from benchmarks.page import Section, Table, Target, spread_text
from benchmarks.studies.bench import Bench

SIZES = {True: ("500M", "2G"), False: ("50M", "200M")}


def study(bench: Bench) -> Section:
    """Run the command line cold on both sizes."""
    sizes = SIZES[bench.is_full]
    for size in sizes:
        bench.genomes(size, "parquet-large")
    measured = in_turn({size: partial(_run, bench, size) for size in sizes}, bench.rounds, bench.log)
    rows = []
    for size, runs in measured.items():
        pss, rss = (Spread.of(peak / 1e6 for peak in peaks) for peaks in _peaks(runs))
        wall = Spread.of(run.wall_seconds for run in runs)
        bases = f"{genomes_of(size).bases / 1e6:,.0f} M"
        rows.append([bases, spread_text(pss, 0), spread_text(rss, 0), spread_text(wall, 1)])
    small, large = (Spread.of(run.peak_bytes / 1e6 for run in measured[size]).median for size in sizes)
    return Section(
        "Memory",
        "Peak of the whole process tree (driver, JVM, Python workers) during `opengenome analyze codon`, from Parquet "
        "with row groups of 5,000 rows.",
        [Table(["bases", "peak MB, PSS", "peak MB, RSS", "wall s"], rows)],
        targets=[
            Target(f"peak memory at {sizes[0]} bases", 2_000, small, at_least=False, unit="MB", digits=0),
            Target(
                f"peak memory at {sizes[1]} bases to that at {sizes[0]}", 1.1, large / small, at_least=False
            ),
            Target(f"peak memory at {sizes[1]} bases", 2_500, large, at_least=False, unit="MB", digits=0),
        ],
    )


def _run(bench: Bench, size: str) -> Measurement:
    warehouse = bench.scratch / "memory"
    shutil.rmtree(warehouse, ignore_errors=True)
    location = bench.genomes(size, "parquet-large")["parquet-large"]
    return measure(analyze_command(location, warehouse), {"DAGSTER_HOME": ""})


def _peaks(runs: list[Measurement]) -> tuple[list[int], list[int]]:
    return [run.peak_bytes for run in runs], [run.peak_rss for run in runs]
