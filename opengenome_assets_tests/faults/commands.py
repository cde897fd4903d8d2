"""The command line in a separate process, with data that take a while, so that it can be killed at one of its lines."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from opengenome_assets_tests.services import BIN, Place, group_members, kill_group, wait_until

BATCHES = 4
RECORDS_A_BATCH = 100
# A batch is two tasks or three.
RECORD_BASES = 1_500_000


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, and the lines on its stderr."""

    code: int
    lines: list[str]


@dataclass(frozen=True)
class Genomes:
    """An input, and the codons of its forward strand's frame 0 by numpy."""

    path: Path
    counts: dict[str, int]


def write_genomes(path: Path) -> Genomes:
    """Write records with enough letters that counting takes a second."""
    counts = np.zeros(64, np.int64)
    random = np.random.default_rng(11)
    with path.open("wb") as file:
        for number in range(BATCHES * RECORDS_A_BATCH):
            bases = random.integers(0, 4, RECORD_BASES // 10, dtype=np.uint8)
            letters = np.frombuffer(b"ACGT", np.uint8)[bases]
            # Ten times the same, with a length that keeps the frame.
            file.write(f">r{number}\n".encode() + letters.tobytes() * 10 + b"\n")
            triplets = bases.reshape(-1, 3).astype(np.int64) @ np.array([16, 4, 1])
            counts += 10 * np.bincount(triplets, minlength=64)
    names = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    return Genomes(path, dict(zip(names, counts.tolist(), strict=True)))


def run_until(place: Place, path: Path, line: str, act: Callable[[int], None]) -> Ended:
    """Start the analysis, do something to it once a line appears, and see it and all it started end.

    Args:
        place: where.
        path: the input.
        line: part of a line on stderr; an empty one never comes.
        act: gets the id of the command's process.
    """
    command = (str(BIN / "opengenome"), "analyze", "codon", "--input", str(path), "--dataset", "mine")
    with subprocess.Popen(
        (*command, "--batch-size", str(RECORDS_A_BATCH)),
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        lines = []
        try:
            for said in process.stderr:
                lines.append(said.rstrip("\n"))
                if line and line in said:
                    act(process.pid)
                    line = ""
            code = process.wait(120)
            wait_until(lambda: not group_members(process.pid), 60, "the end of what the command started")
        finally:
            kill_group(process.pid)
    return Ended(code, lines)


def table_of(place: Place) -> dict[str, int]:
    """The final table's counts."""
    table = pq.read_table(place.warehouse / "mine" / "codon_frequencies.parquet")
    return dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True))


def files_aside(place: Place) -> list[Path]:
    """What writers have not finished."""
    return list(place.warehouse.rglob("*.aside"))
