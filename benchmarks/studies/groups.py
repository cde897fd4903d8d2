"""What groups cost beside their counts: the same records as one group, and as a group each."""

import shutil
from pathlib import Path

import numpy as np

from benchmarks.contenders import analyze_command
from benchmarks.measure import measure
from benchmarks.page import Section, Table
from benchmarks.studies.bench import Bench
from benchmarks.studies.cold import step_seconds

RECORDS = {True: 100_000, False: 10_000}
# Lengths of mitochondrial genes.
SHORTEST, LONGEST = 900, 2_500
# Records take these in turn.
GENETIC_CODES = (1, 2, 5, 11)


def study(bench: Bench) -> Section:
    """Run the command line with and without a metadata table that has a group for each record."""
    records = RECORDS[bench.is_full]
    folder = bench.scratch / "groups"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    genomes, metadata = write_species(folder, records)
    measured, steps = {}, {}
    for name, options in {"one group": (), "a group per record": ("--metadata", str(metadata))}.items():
        home = folder / name / "home"
        home.mkdir(parents=True)
        bench.log(f"running {records:,} records with {name}")
        command = analyze_command(genomes, folder / name / "warehouse", *options)
        measured[name] = measure(command, {"DAGSTER_HOME": str(home)})
        steps[name] = step_seconds(home)
    figures = {
        "wall s": [f"{run.wall_seconds:,.1f}" for run in measured.values()],
        "CPU s": [f"{run.cpu_seconds:,.1f}" for run in measured.values()],
        "peak MB": [f"{run.peak_bytes / 1e6:,.0f}" for run in measured.values()],
    }
    # Names of steps are the same in both runs.
    figures |= {
        f"— {step}, s": [f"{found[step]:,.1f}" for found in steps.values()] for step in steps["one group"]
    }
    return Section(
        "Many groups",
        f"{records:,} records of {SHORTEST:,} to {LONGEST:,} bases in batches of 5,000 rows, from the command line.",
        [Table(["what", *measured], [[what, *each] for what, each in figures.items()])],
        notes=[
            f"Files of {name}: counts {_megabytes(folder / name, 'codon_counts/*.parquet')}, "
            f"table {_megabytes(folder / name, 'codon_frequencies.*')}."
            for name in measured
        ],
    )


def write_species(folder: Path, records: int) -> tuple[Path, Path]:
    """Write so many records and a metadata table with a species for each. The same for the same number."""
    random = np.random.default_rng(1)
    genomes, metadata = folder / "species.fasta", folder / "species.tsv"
    with genomes.open("wb") as fasta, metadata.open("w") as table:
        table.write("seq_id\tgroup\tgenetic_code\n")
        for number, length in enumerate(random.integers(SHORTEST, LONGEST, records)):
            letters = np.frombuffer(b"ACGT", np.uint8)[random.integers(0, 4, length)]
            fasta.write(b">r%d\n%s\n" % (number, letters.tobytes()))
            code = GENETIC_CODES[number % len(GENETIC_CODES)]
            table.write(f"r{number}\tspecies number {number:06}\t{code}\n")
    return genomes, metadata


def _megabytes(folder: Path, pattern: str) -> str:
    return f"{sum(file.stat().st_size for file in folder.glob(f'warehouse/*/{pattern}')) / 1e6:,.0f} MB"
