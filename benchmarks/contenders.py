"""Who is compared: a command each, what to install if it is missing, and how its counts are read."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.measure import Measurement, measure
from benchmarks.programs import CODONS
from benchmarks.warm import DATASET

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Inputs:
    """The same genomes as the contenders want them.

    Attributes:
        fasta: plain FASTA.
        gzip: the same, compressed.
        parquet: one Parquet file.
        batches: folder of this project's batch files.
        bases: of all records.
    """

    fasta: Path
    gzip: Path
    parquet: Path
    batches: Path
    bases: int


@dataclass(frozen=True)
class Contender:
    """One way to count codons.

    Attributes:
        name: in tables and pictures.
        what: it does, in a few words.
        command: of inputs and an empty folder for its results.
        counts: of frame 0, read from its measurement and its folder: codon → count.
        needs: what has to be there: a program on the path, or a module with a trailing colon.
        install: the line that brings it.
        is_slow: runs on a part of the data, and is scaled.
        has_target: is compared in a target, so that it runs in every round. The others run once.
        padding: letters that every record must begin with for the counts to be those of frame 0.
    """

    name: str
    what: str
    command: Callable[[Inputs, Path], list[str]]
    counts: Callable[[Measurement, Path], dict[str, int]]
    needs: str = ""
    install: str = ""
    is_slow: bool = False
    has_target: bool = False
    padding: str = ""

    @property
    def is_installed(self) -> bool:
        if self.needs.endswith(":"):
            return find_spec(self.needs[:-1]) is not None
        return not self.needs or shutil.which(self.needs) is not None

    def run(self, inputs: Inputs, folder: Path) -> Measurement:
        """Measure one run in a new folder, which is kept so that the counts can be read."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # A home of Dagster's that holds other runs would not be cold.
        environment = {"DAGSTER_HOME": "", "PYTHONPATH": str(ROOT)}
        return measure(self.command(inputs, folder), environment, folder)


def scaled_seconds(measured: Measurement, factor: float) -> float:
    """Wall seconds on so many times the data: what comes before and after the counting is not done so often."""
    counting = float(reported(measured)["seconds"])
    return measured.wall_seconds - counting + counting * factor


def reported(measured: Measurement) -> dict[str, Any]:
    """What one of the benchmarks' own programs printed."""
    printed: dict[str, Any] = json.loads(measured.output.strip().splitlines()[-1])
    return printed


def module(name: str, *arguments: str | int | Path) -> list[str]:
    """The command that runs a module of the benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]


def analyze_command(location: Path, warehouse: Path, *options: str) -> list[str]:
    """The project's own command line, everything from nothing."""
    program = Path(sys.executable).with_name("opengenome")
    arguments = ["--input", str(location), "--dataset", DATASET, "--warehouse", str(warehouse)]
    return [str(program), "analyze", "codon", *arguments, *options]


def _printed(measured: Measurement, folder: Path) -> dict[str, int]:
    del folder
    counts: dict[str, int] = reported(measured)["counts"]
    return counts


def _from_table(measured: Measurement, folder: Path) -> dict[str, int]:
    del measured
    table = pq.read_table(folder / "warehouse" / DATASET / "codon_frequencies.parquet")
    return dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True))


def _from_text(pattern: str) -> Callable[[Measurement, Path], dict[str, int]]:
    """Counts that a program wrote to its file ``counts``: the pattern's groups are the codon and the count."""

    def read(measured: Measurement, folder: Path) -> dict[str, int]:
        del measured
        found = re.findall(pattern, (folder / "counts").read_text(), re.MULTILINE)
        counts = {codon.replace("U", "T"): int(count) for codon, count in found}
        return {codon: counts.get(codon, 0) for codon in CODONS}

    return read


def _compseq(inputs: Inputs, folder: Path) -> list[str]:
    files = ["-sequence", str(inputs.fasta), "-outfile", str(folder / "counts")]
    # Its frame 3 is frame 0 without each record's first codon; any of the three takes as long.
    return ["compseq", *files, "-word", "3", "-frame", "3", "-auto"]


def _cusp(inputs: Inputs, folder: Path) -> list[str]:
    return ["cusp", "-sequence", str(inputs.fasta), "-outfile", str(folder / "counts"), "-auto"]


def _codonw(inputs: Inputs, folder: Path) -> list[str]:
    options = ["-nomenu", "-nowarn", "-silent", "-cutot"]
    return ["codonw", str(inputs.fasta), str(folder / "indices"), str(folder / "counts"), *options]


COLD = "this project, cold"
COLD_GZIP = "this project, cold, FASTA.gz"
WARM = "this project, warm"
LIMIT = "the limit"
COMPSEQ = "EMBOSS compseq"
ROW_PER_CODON = "Spark, a row per codon"

CONTENDERS = (
    Contender(
        COLD,
        "Parquet → table of six frames: start, batches, checks, report",
        lambda inputs, folder: analyze_command(inputs.parquet, folder / "warehouse"),
        _from_table,
        has_target=True,
    ),
    Contender(
        COLD_GZIP,
        "FASTA.gz → table of six frames: the same",
        lambda inputs, folder: analyze_command(inputs.gzip, folder / "warehouse"),
        _from_table,
        has_target=True,
    ),
    Contender(
        WARM,
        "the stages one by one, in one process",
        lambda inputs, folder: module("warm", inputs.parquet, folder / "warehouse"),
        _printed,
        has_target=True,
    ),
    Contender(
        LIMIT,
        "one process, two threads, batch files → six frames: pyarrow and the kernel",
        lambda inputs, _: module("programs", "limit", inputs.batches),
        _printed,
        has_target=True,
    ),
    Contender(
        COMPSEQ,
        "FASTA → one frame",
        _compseq,
        _from_text(r"^([ACGT]{3})\t(\d+)"),
        needs="compseq",
        install="apt-get install emboss",
        padding="NNN",
        has_target=True,
    ),
    Contender(
        "EMBOSS cusp",
        "FASTA → one frame, ambiguous letters read as A",
        _cusp,
        _from_text(r"^([ACGT]{3}) .* (\d+)$"),
        needs="cusp",
        install="apt-get install emboss",
    ),
    Contender(
        "codonW",
        "FASTA → one frame",
        _codonw,
        _from_text(r"([ACGU]{3}) *(\d+) "),
        needs="codonw",
        install="apt-get install codonw",
    ),
    Contender(
        "Biopython loop",
        "FASTA → one frame",
        lambda inputs, _: module("programs", "biopython", inputs.fasta),
        _printed,
        needs="Bio:",
        install="pip install biopython",
        is_slow=True,
    ),
    Contender(
        "DuckDB",
        "Parquet → one frame, every codon a row",
        lambda inputs, _: module("programs", "duckdb", inputs.parquet),
        _printed,
        needs="duckdb:",
        install="pip install duckdb",
        is_slow=True,
    ),
    Contender(
        ROW_PER_CODON,
        "Parquet → one frame: mapInPandas, groupBy, as the predecessor did",
        lambda inputs, _: module("programs", "row_per_codon", inputs.parquet),
        _printed,
        is_slow=True,
    ),
)
