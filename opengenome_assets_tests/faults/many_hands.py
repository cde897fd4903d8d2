"""Concurrent commands on the same batches, and their expected results."""

import subprocess
from pathlib import Path

from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta
from opengenome_assets_tests.services import BIN, ROOT, Place, kill_group, make_place

RECORDS = made_up_records(80)


def expected() -> dict[str, int]:
    counts = naive_counts(list(RECORDS.values()))
    names = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    return {codon: counts.get(("+", 0, codon), 0) for codon in names}


def at_once(place: Place, *commands: tuple[str, ...]) -> list[str]:
    """Run commands side by side to their ends; what they said, where they failed."""
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for command in commands
    ]
    try:
        said = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            kill_group(process.pid)
    return [text for text, process in zip(said, processes, strict=True) if process.returncode]


def make(folder: Path, instance: str = "") -> tuple[Place, Path]:
    path = write_fasta(folder / "mine.fa", RECORDS)
    settings = {"input": path, "dataset": "mine", "batch_size": 20}
    return make_place(folder / "place", instance, **settings), path


def ingested(folder: Path, instance: str = "") -> tuple[Place, Path]:
    """A place where the input is registered, so that Dagster knows the batches."""
    place, path = make(folder, instance)
    options = ("--input", str(path), "--dataset", "mine", "--batch-size", "20")
    assert at_once(place, (str(BIN / "opengenome"), "ingest", *options)) == []
    return place, path


def analyze(path: Path) -> tuple[str, ...]:
    return (str(BIN / "opengenome"), "analyze", "codon", "--input", str(path), "--dataset", "mine")


def materialize(first: int, last: int) -> tuple[str, ...]:
    """Dagster's own command for a range of batches."""
    select = 'key:"mine/sequences" or key:"mine/codon_counts"'
    batches = ("--partition-range", f"batch_{first:04}...batch_{last:04}")
    module = ("-m", "opengenome_assets.definitions")
    return (str(BIN / "dagster"), "asset", "materialize", *module, "--select", select, *batches)
