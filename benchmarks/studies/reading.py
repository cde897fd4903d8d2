"""From each format to batch files."""

import shutil
from functools import partial
from pathlib import Path

from benchmarks.contenders import ROOT, module, reported
from benchmarks.genomes import Format
from benchmarks.measure import Measurement, Spread, in_turn, measure
from benchmarks.page import Section, Table, Target, spread_text
from benchmarks.studies.bench import Bench

# What is aimed at, in MB of bases a second.
AIMS: dict[Format, int] = {"fasta.gz": 150, "fasta": 200, "parquet": 250, "parquet-large": 250, "tar": 100}
_NAMES: dict[Format, str] = {
    "fasta.gz": "FASTA, gzip",
    "fasta": "FASTA",
    "parquet": "Parquet",
    "parquet-large": "Parquet, row groups of 5,000",
    "tar": "tar, members of 20 kb",
}


def study(bench: Bench) -> Section:
    """Register and write each format, in turn."""
    aims = {form: aim for form, aim in AIMS.items() if form in (bench.formats or AIMS)}
    paths = bench.genomes(bench.size, *aims)
    measured = in_turn(
        {form: partial(_run, bench, path) for form, path in paths.items()}, bench.rounds, bench.log
    )
    rows, targets = [], []
    for form, aim in aims.items():
        runs = measured[form]
        stages = [reported(run)["seconds"] for run in runs]
        register, write = (Spread.of(each[stage] for each in stages) for stage in ("register", "write"))
        both = Spread.of(each["register"] + each["write"] for each in stages)
        rates = [bench.bases / 1e6 / spread.median for spread in (both, write)]
        rows.append(
            [
                _NAMES[form],
                f"{paths[form].stat().st_size / 1e6:,.0f}",
                spread_text(register),
                spread_text(write),
                *(f"{rate:,.0f}" for rate in rates),
                f"{Spread.of(run.cpu_seconds for run in runs).median:,.1f}",
                f"{Spread.of(run.peak_bytes / 1e6 for run in runs).median:,.0f}",
            ]
        )
        for what, rate in zip(("registered and written", "written"), rates, strict=True):
            targets.append(Target(f"{_NAMES[form]}: {what}", aim, rate, at_least=True, unit="MB/s", digits=0))
    columns = ["format", "file MB", "register s", "write s", "both, MB/s", "write, MB/s", "CPU s", "peak MB"]
    return Section(
        "Reading",
        f"{bench.bases / 1e6:,.0f} Mbp to batch files. Registering reads everything once, writing once more; MB are of "
        "bases. The gzip file is packed with igzip, a little looser than zlib does.",
        [Table(columns, rows)],
        targets=targets,
    )


def _run(bench: Bench, location: Path) -> Measurement:
    folder = bench.scratch / "reading"
    shutil.rmtree(folder, ignore_errors=True)
    return measure(module("warm", location, folder, "--only-reading"), {"PYTHONPATH": str(ROOT)})
