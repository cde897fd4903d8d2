"""``opengenome analyze codon --by-sequence``: the per-sequence tables, and which of them a second run makes again."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.tables.by_sequence import PARAMETERS
from opengenome_assets_tests.cli.scenario import Said, clean_room, opengenome
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta

pytestmark = pytest.mark.spark

RECORDS = made_up_records(30)
FRAME = ("--frame", 1, "--strand", "-", "--genetic-code", 2, "--skip-stops")


@dataclass(frozen=True)
class Measured:
    """Three batches whose sequences were measured in frame 1 of the reverse strand."""

    said: Said
    warehouse: Path

    @property
    def folder(self) -> Path:
        return self.warehouse / "mine" / "codon_usage_by_sequence"

    def analyze(self, *options: object) -> Said:
        return opengenome(
            "analyze", "codon", "--dataset", "mine", "--warehouse", self.warehouse, *FRAME, *options
        )

    def written(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in self.folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Measured:
    del spark
    folder = tmp_path_factory.mktemp("measured")
    fasta = write_fasta(folder / "mine.fasta", RECORDS)
    with clean_room():
        said = opengenome(
            *("analyze", "codon", "--input", fasta, "--warehouse", folder / "warehouse"),
            *("--batch-size", 10, "--by-sequence", *FRAME),
        )
    return Measured(said, folder / "warehouse")


def test_the_summary_says_where_the_tables_are(measured: Measured) -> None:
    assert measured.said.code == 0, measured.said.err
    assert f"per sequence: {measured.folder}/" in measured.said.out.splitlines()


def test_each_sequence_has_the_codons_of_the_frame(measured: Measured) -> None:
    rows = [
        row
        for name in sorted(measured.written())
        for row in pq.read_table(measured.folder / name).to_pylist()
    ]
    expected = {
        name: sum(
            count
            for (strand, frame, codon), count in naive_counts([letters]).items()
            if (strand, frame) == ("-", 1) and set(codon) <= set("ACGT")
        )
        for name, letters in RECORDS.items()
    }
    assert {row["seq_id"]: row["codons"] for row in rows} == expected


def test_the_tables_are_made_with_the_parameters_given(measured: Measured) -> None:
    for name in measured.written():
        made = json.loads(pq.read_schema(measured.folder / name).metadata[PARAMETERS])
        values = [made[each] for each in ("frame", "strand", "genetic_code", "skip_stops")]
        assert values == [1, "-", 2, True]


@pytest.mark.parametrize("form", ["tsv", "csv", "parquet"])
def test_the_export_has_the_rows_of_all_batches(measured: Measured, tmp_path: Path, form: str) -> None:
    output = tmp_path / f"rows.{form}"
    options = () if form == "parquet" else ("--format", form)
    command = ("export", "-d", "mine", "-w", measured.warehouse, "--by-sequence", *options)
    said = opengenome(*command, "--output", output)
    assert said.code == 0, said.err
    if form == "parquet":
        rows = pq.read_table(output).select(["seq_id", "AAA"]).to_pylist()
    else:
        assert opengenome(*command).out == output.read_text()
        lines = output.read_text().splitlines()
        rows = list(csv.DictReader(lines, delimiter="\t" if form == "tsv" else ","))
    expected = {name: naive_counts([letters]).get(("-", 1, "AAA"), 0) for name, letters in RECORDS.items()}
    assert [(row["seq_id"], int(row["AAA"])) for row in rows] == list(expected.items())


def test_a_rerun_makes_only_the_missing_table(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    before = measured.written()
    (measured.folder / "batch_0001.parquet").unlink()
    monkeypatch.setenv("OPENGENOME_BY_SEQUENCE", "yes")
    assert measured.analyze().code == 0
    after = measured.written()
    assert [name for name in before if before[name] != after[name]] == ["batch_0001.parquet"]


def test_tables_of_an_older_version_are_refused(
    measured: Measured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = measured.folder / "batch_0002.parquet"
    table = pq.read_table(path)
    metadata = table.schema.metadata
    made = json.loads(metadata[PARAMETERS]) | {"frame": 2}
    pq.write_table(table.replace_schema_metadata({**metadata, PARAMETERS: json.dumps(made)}), path)
    before = path.read_bytes()
    # Another instance does not know the batches, and makes all of them again.
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    refused = measured.analyze("--by-sequence")
    assert (refused.code, path.read_bytes()) == (1, before)
    assert f"{path} was made with frame=2, and frame=1 is asked for. An older version" in refused.lines()[-1]
    path.unlink()


def test_tables_of_other_parameters_are_made_beside(measured: Measured) -> None:
    before = measured.written()
    said = measured.analyze("--by-sequence", "--strand", "both", "--min-count", 1)
    assert said.code == 0, said.err
    # Hidden codons are no matter of a row per sequence.
    beside = measured.warehouse / "mine" / "tables" / "strand-both" / "codon_usage_by_sequence"
    assert f"per sequence: {beside}/" in said.out.splitlines()
    assert {path.name for path in beside.iterdir()} == {f"batch_000{number}.parquet" for number in range(3)}
    assert measured.written().items() >= before.items()
    rows = pq.read_table(beside / "batch_0000.parquet").to_pylist()
    expected = {
        name: sum(
            count
            for (_, frame, codon), count in naive_counts([letters]).items()
            if frame == 1 and set(codon) <= set("ACGT")
        )
        for name, letters in list(RECORDS.items())[:10]
    }
    assert {row["seq_id"]: row["codons"] for row in rows} == expected


def test_no_by_sequence_wins_over_the_environment(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measured.written()
    (measured.folder / "batch_0000.parquet").unlink()
    monkeypatch.setenv("OPENGENOME_BY_SEQUENCE", "yes")
    said = measured.analyze("--no-by-sequence")
    assert "per sequence" not in said.out
    assert set(before) - set(measured.written()) == {"batch_0000.parquet"}
