"""What twice the bases and what a second core bring."""

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders import ROOT, module, reported
from benchmarks.genomes import genomes_of
from benchmarks.measure import Measurement, Spread, in_turn, measure
from benchmarks.page import Section, Table, Target, spread_text
from benchmarks.studies.bench import Bench

_STAGES = ("register", "write", "check batches", "count, warm", "table")


def study(bench: Bench) -> Section:
    """Run the warm stages on half and on all of the size, and on all of it with one core."""
    half = str(genomes_of(bench.size).bases // 2)
    once, twice = (bench.genomes(size, "parquet")["parquet"] for size in (half, bench.size))
    cases = {"1×": (once, False), "2×": (twice, False), "2×, one core": (twice, True)}
    runs = {name: _run(bench, path, one_core=one_core) for name, (path, one_core) in cases.items()}
    measured = in_turn(runs, bench.rounds, bench.log)
    seconds = {
        (case, stage): Spread.of(reported(run)["seconds"][stage] for run in found)
        for case, found in measured.items()
        for stage in _STAGES
    }
    rows = []
    targets = []
    for stage in _STAGES:
        grown = seconds["2×", stage].median / seconds["1×", stage].median
        gained = seconds["2×, one core", stage].median / seconds["2×", stage].median
        rows.append(
            [stage, *(spread_text(seconds[case, stage]) for case in cases), f"{grown:.2f}", f"{gained:.2f}"]
        )
        if stage in ("write", "count, warm"):
            targets.append(Target(f"{stage}: time for twice the bases", 2.1, grown, at_least=False))
        if stage == "count, warm":
            targets.append(Target(f"{stage}: gain of a second core", 1.7, gained, at_least=True))
    columns = ["stage, s", *cases, "2× / 1×", "one core / two"]
    intro = f"1× are {int(half) / 1e6:,.0f} Mbp, 2× are {bench.bases / 1e6:,.0f} Mbp. One core: everything is pinned to it."
    return Section("Growth", intro, [Table(columns, rows)], targets=targets)


def _run(bench: Bench, location: Path, *, one_core: bool) -> Callable[[], Measurement]:
    pinned = ["taskset", "-c", "0"] if one_core else []

    def run() -> Measurement:
        folder = bench.scratch / "growth"
        shutil.rmtree(folder, ignore_errors=True)
        return measure([*pinned, *module("warm", location, folder)], {"PYTHONPATH": str(ROOT)})

    return run
