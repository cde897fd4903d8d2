"""``opengenome_assets.analyze`` and the loaders of a data set's tables, against sliced strings."""

import csv
import logging
import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import opengenome_assets as package
from opengenome_assets.errors import BatchFileError, InputNotFoundError, RunFailedError, SettingError
from opengenome_assets.schemas import CODON_COUNTS, CODON_USAGE_BY_SEQUENCE
from opengenome_assets.tables.load_dataset import REPORT_TABLES
from opengenome_assets_tests.cli.scenario import clean_room
from opengenome_assets_tests.scenario import counts_as_dict, made_up_records, naive_counts, write_fasta

RECORDS = made_up_records(40)
EXPECTED = naive_counts(list(RECORDS.values()))

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory, spark: object) -> tuple[Path, pa.Table]:
    """The warehouse of three batches in frame 1, and the table that the call returned."""
    folder = tmp_path_factory.mktemp("python")
    halves = [dict(list(RECORDS.items())[part]) for part in (slice(25), slice(25, None))]
    files = [write_fasta(folder / f"{n}.fasta", half) for n, half in enumerate(halves)]
    with clean_room():
        table = package.analyze(
            files, dataset="mine", warehouse=folder / "data", batch_size=15, frame=1, by_sequence=True
        )
    return folder / "data", table


def test_analyze_returns_the_table_of_the_frame(analyzed: tuple[Path, pa.Table]) -> None:
    found = dict(zip(analyzed[1]["codon"].to_pylist(), analyzed[1]["count"].to_pylist(), strict=True))
    assert len(found) == 64
    assert found == {codon: EXPECTED.get(("+", 1, codon), 0) for codon in found}
    assert package.load_codon_frequencies("mine", warehouse=analyzed[0]).equals(analyzed[1])


def test_counts_are_those_of_all_frames(analyzed: tuple[Path, pa.Table]) -> None:
    counts = package.load_codon_counts("mine", warehouse=analyzed[0])
    assert counts.schema.equals(CODON_COUNTS)
    assert counts_as_dict(counts) == EXPECTED
    keys = [(row["strand"], row["frame"], row["codon"]) for row in counts.to_pylist()]
    assert keys == sorted(keys)


def test_each_sequence_has_a_row(analyzed: tuple[Path, pa.Table]) -> None:
    table = package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0])
    assert table.schema.equals(CODON_USAGE_BY_SEQUENCE)
    assert table["seq_id"].to_pylist() == list(RECORDS)
    for row in table.to_pylist():
        letters = RECORDS[row["seq_id"]].upper().replace("U", "T")
        codons = Counter(letters[at : at + 3] for at in range(1, len(letters) - 2, 3))
        assert {codon: row[codon] for codon in codons if set(codon) <= set("ACGT")} == {
            codon: count for codon, count in codons.items() if set(codon) <= set("ACGT")
        }
        assert row["codons"] + row["skipped_codons"] == codons.total()


def test_columns_of_the_sequences_can_be_chosen(analyzed: tuple[Path, pa.Table]) -> None:
    table = package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0], columns=["gc3", "AAA"])
    assert table.column_names == ["gc3", "AAA"]
    with pytest.raises(SettingError, match="columns: 'gc4' is no column"):
        package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0], columns=["gc4"])


def test_sequences_of_another_frame_are_not_made(analyzed: tuple[Path, pa.Table]) -> None:
    with pytest.raises(BatchFileError, match="3 batches without a per-sequence table with these parameters"):
        package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0], frame=0)
    with pytest.raises(TypeError, match="no argument 'min_count'"):
        package.load_codon_usage_by_sequence("mine", warehouse=analyzed[0], min_count=1)


@pytest.mark.parametrize("name", REPORT_TABLES)
def test_tables_of_the_report_are_those_of_its_files(analyzed: tuple[Path, pa.Table], name: str) -> None:
    table = package.load_report_table("mine", name, warehouse=analyzed[0])
    assert package.load_report_table(analyzed[0] / "mine", name).equals(table)
    with (analyzed[0] / "mine" / "report" / f"{name}.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert table.schema.equals(REPORT_TABLES[name])
    assert [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in table.to_pylist()
    ] == rows


def test_measures_have_the_gc_of_the_codons(analyzed: tuple[Path, pa.Table]) -> None:
    (row,) = package.load_report_table("mine", "measures", warehouse=analyzed[0]).to_pylist()
    plain = {key[2]: n for key, n in EXPECTED.items() if key[:2] == ("+", 1) and set(key[2]) <= set("ACGT")}
    gc3 = sum(n for codon, n in plain.items() if codon[2] in "GC") / sum(plain.values())
    assert (row["codons"], row["gc3"]) == (sum(plain.values()), pytest.approx(gc3))


class Lines(logging.Handler):
    """Remembers what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_a_second_call_makes_another_table_and_logs(
    analyzed: tuple[Path, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, heard = logging.getLogger("opengenome_assets"), Lines()
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "handlers", [heard])
    table = package.analyze(dataset="mine", warehouse=analyzed[0], strand="both", skip_n=False)
    expected = sum(count for (_, frame, _), count in EXPECTED.items() if frame == 1)
    assert pc.sum(table["count"]).as_py() == expected
    assert any(" codons in the table" in line for line in heard.lines)
    assert not any(line.startswith("counting") for line in heard.lines)


def test_dagster_home_is_that_of_before(
    analyzed: tuple[Path, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(SettingError):
        package.analyze(dataset="mine", warehouse=analyzed[0], sample=0)
    with pytest.raises(RunFailedError, match="was registered with on_invalid=fail"):
        package.analyze(dataset="mine", warehouse=analyzed[0], on_invalid="skip")
    assert "DAGSTER_HOME" not in os.environ


def test_errors_name_the_arguments(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^frame: '7' is not allowed"):
        package.analyze("x.fasta", frame=7, warehouse=tmp_path)
    with pytest.raises(SettingError, match=r"Give input=PATH for your own data, or dataset=NAME"):
        package.analyze(warehouse=tmp_path)
    with pytest.raises(TypeError, match=r"analyze\(\) has no argument 'frames'. There are: input, dataset"):
        package.analyze("x.fasta", frames=1)
    assert not list(tmp_path.iterdir())


def test_an_unknown_data_set_or_table_is_refused(analyzed: tuple[Path, pa.Table]) -> None:
    with pytest.raises(InputNotFoundError, match="nine: no data set with this name is registered"):
        package.load_codon_counts("nine", warehouse=analyzed[0])
    with pytest.raises(InputNotFoundError, match=r"nine/report/measures.tsv: there is no such file"):
        package.load_report_table("nine", "measures", warehouse=analyzed[0])
    with pytest.raises(SettingError, match=r"the report has no table 'gc'. There are: measures, readings"):
        package.load_report_table("mine", "gc", warehouse=analyzed[0])


def test_an_escaped_group_is_read_back(tmp_path: Path) -> None:
    from opengenome_assets.tables.text import table_tsv

    schema = REPORT_TABLES["six_frames"]
    values = [["a\tb\\n"], ["+"], [0], [1], [0], [0], [0.5], [None], [0]]
    table = pa.table(values, schema=schema)
    (tmp_path / "mine" / "report").mkdir(parents=True)
    (tmp_path / "mine" / "report" / "six_frames.tsv").write_text(table_tsv(table))
    assert package.load_report_table(tmp_path / "mine", "six_frames").equals(table)
