"""Data and runs that many tests use: a handful of records, real genomes, and the graph run over them."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest, load_manifest
from opengenome_assets.batches.register import Registration, register
from opengenome_assets.counts.count_files import read_counts
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.report import drawing
from opengenome_assets.running.runner import CheckResult, Runner
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import read_settings

GENOMES = Path(__file__).resolve().parents[2] / "shared" / "genomes"
GENOMES_ABSENT = f"the real genomes are not at {GENOMES.name}/ beside the project"


@contextmanager
def without_pictures() -> Iterator[None]:
    """Reports with all files and texts, but nothing drawn. Drawing takes seconds, and is tested by the tests of the report."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_drawn", lambda name, size, draw: '<svg width="1" height="1"></svg>')
        yield


# Ambiguous, soft-masked, RNA, and too short for one codon or another.
RECORDS: Mapping[str, str] = {
    "plain": "ATGAAATTTGGGCCCTAA",
    "lower": "atgaaatttgggccctaa",
    "rna": "AUGAAAUUUGGGCCCUAA",
    "with_n": "ATGNNNACGTRYACG",
    "one_letter": "A",
    "two_letters": "AC",
    "empty": "",
    "tail_of_one": "ACGTACG",
    "tail_of_two": "ACGTACGT",
    "stops": "TAATAGTGA",
}


def write_fasta(path: Path, records: Mapping[str, str]) -> Path:
    """Write records as FASTA, a line each."""
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in records.items()))
    return path


def write_parquet(path: Path, records: Mapping[str, str], **options: int) -> Path:
    """Write records as Parquet with the two columns that an input usually has."""
    schema = pa.schema([("seq_id", pa.string()), ("sequence", pa.string())])
    table = pa.table({"seq_id": list(records), "sequence": list(records.values())}, schema=schema)
    pq.write_table(table, path, **options)
    return path


def made_up_records(count: int, seed: int = 7, longest: int = 900) -> dict[str, str]:
    """Records of chance: mostly plain letters, some ambiguous or lower case."""
    chance = random.Random(seed)
    letters = "ACGT" * 20 + "acgtNRYU"
    return {
        f"record_{number}": "".join(chance.choices(letters, k=chance.randrange(longest)))
        for number in range(count)
    }


def chance_bases(chance: random.Random, length: int) -> str:
    """A, C, G and T of chance, for long records: thirty times as fast as choosing one letter after the other."""
    return chance.randbytes(length).translate(b"ACGT" * 64).decode()


def naive_counts(records: Sequence[str]) -> dict[tuple[str, int, str], int]:
    """Codons by strand, frame and codon, by slicing strings: the oracle of the tests."""
    complement = dict(zip("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN", strict=True))
    found: dict[tuple[str, int, str], int] = {}
    for record in records:
        forward = record.upper().replace("U", "T")
        backward = "".join(complement[letter] for letter in reversed(forward))
        for strand, text in (("+", forward), ("-", backward)):
            for start in range(len(text) - 2):
                key = (strand, start % 3, text[start : start + 3])
                found[key] = found.get(key, 0) + 1
    return found


def counts_as_dict(counts: pa.Table) -> dict[tuple[str, int, str], int]:
    """A table of counts with one group as the oracle gives it."""
    rows = counts.to_pylist()
    found = {(row["strand"], row["frame"], row["codon"]): row["count"] for row in rows}
    assert len(found) == len(rows)
    return found


def all_counts(files: BatchFiles) -> pa.Table:
    """Counts of all batches, added up."""
    keys = [name for name in CODON_COUNTS.names if name != "count"]
    summed = pa.concat_tables(read_counts(files)).group_by(keys).aggregate([("count", "sum")])
    return summed.rename_columns([*keys, "count"]).select(CODON_COUNTS.names).cast(CODON_COUNTS)


class Quiet:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.batches: list[tuple[str, str]] = []

    def on_line(self, level: int, text: str) -> None:
        del level
        self.lines.append(text)

    def on_batch(self, asset: str, batch: str) -> None:
        self.batches.append((asset, batch))


@dataclass
class Project:
    """One data set in a separate warehouse, with a temporary instance."""

    warehouse: Path | str
    environment: dict[str, str]
    listener: Quiet = field(default_factory=Quiet)
    # Where Dagster's own files go; a bucket cannot hold them.
    home: Path | None = None

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        home = self.home or Path(self.warehouse)
        home.mkdir(parents=True, exist_ok=True)
        return dg.DagsterInstance.ephemeral(tempdir=str(home))

    @property
    def dataset(self) -> Dataset:
        environment = {"OPENGENOME_WAREHOUSE": str(self.warehouse), **self.environment}
        (dataset,) = resolve_datasets(read_settings(environment))
        return dataset

    @property
    def runner(self) -> Runner:
        return Runner(self.dataset, self.instance, self.listener)

    @property
    def folder(self) -> DatasetFolder:
        return self.dataset.folder

    @property
    def files(self) -> BatchFiles:
        return BatchFiles.of(self.folder)

    @property
    def manifest(self) -> Manifest:
        return load_manifest(self.folder)

    def registered(self) -> Registration:
        """Register the input without a Dagster run; what came of it."""
        return register(self.runner.dataset, self.listener.lines.append)

    def run(self, **config: object) -> list[CheckResult]:
        """Register, count the missing batches and make the table. Returns the results of all checks."""
        self.runner.register()
        return self.runner.count(self.runner.missing_batches()) + self.runner.tabulate(config)

    def table(self, **parameters: object) -> pa.Table:
        """The data set's own table, or the one with other parameters, without provenance."""
        files = self.files.of_table(replace(self.manifest.table, **parameters))
        with files.table.open("codon_frequencies.parquet") as file:
            return pq.read_table(file).replace_schema_metadata(None)

    def manifest_fields(self) -> dict[str, object]:
        """The manifest on disk."""
        with self.folder.open("manifest.json") as file:
            fields: dict[str, object] = json.load(file)
        return fields


def project(folder: Path, location: Path | str, **environment: object) -> Project:
    """A project on an input; keywords are settings, ``batch_size=7`` for ``OPENGENOME_BATCH_SIZE``."""
    settings = {f"OPENGENOME_{name.upper()}": str(value) for name, value in environment.items()}
    return Project(
        folder / "warehouse", {"OPENGENOME_INPUT": str(location), "OPENGENOME_DATASET": "mine", **settings}
    )
