"""The loaders of a data set's other tables, against sliced strings: counts, per-sequence rows, the report's tables."""

import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

import opengenome_assets as package
from opengenome_assets.errors import BatchFileError, InputFormatError, InputNotFoundError, SettingError
from opengenome_assets.report.write import make_report
from opengenome_assets.schemas import CODON_COUNTS, CODON_USAGE_BY_SEQUENCE
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.by_sequence import BySequence
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets.tables.load_dataset import REPORT_TABLES
from opengenome_assets.tables.text import table_tsv
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import (
    counts_as_dict,
    made_up_records,
    naive_counts,
    project,
    without_pictures,
    write_fasta,
)

RECORDS = made_up_records(40)
EXPECTED = naive_counts(list(RECORDS.values()))
BATCH_SIZE = 15
PARAMETERS = TableParameters(frame=1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With ``mine``: three batches, its table of frame 1, the per-sequence tables and the report, without pictures."""
    folder = tmp_path_factory.mktemp("loaded")
    own = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=BATCH_SIZE, frame=1)
    write_and_count(own)
    for batch in own.files.batches:
        BySequence.of(own.files, PARAMETERS).write(own.manifest.stamp(batch))
    make_table(own.files, PARAMETERS)
    with without_pictures():
        make_report(own.files, [], {})
    return own.warehouse


def test_counts_are_those_of_all_frames(warehouse: Path) -> None:
    counts = package.load_codon_counts("mine", warehouse=warehouse)
    assert counts.schema.equals(CODON_COUNTS)
    assert counts_as_dict(counts) == EXPECTED
    keys = [(row["strand"], row["frame"], row["codon"]) for row in counts.to_pylist()]
    assert keys == sorted(keys)


def test_counts_of_a_batch_are_those_of_its_records(warehouse: Path) -> None:
    letters = list(RECORDS.values())
    for number in range(3):
        counts = package.load_codon_counts("mine", batch=f"batch_{number:04}", warehouse=warehouse)
        assert counts_as_dict(counts) == naive_counts(
            letters[number * BATCH_SIZE : (number + 1) * BATCH_SIZE]
        )


def test_an_unknown_batch_is_refused_with_those_there_are(warehouse: Path) -> None:
    message = r"^batch: 'batch_0003' is not a batch of mine\. It has batch_0000 to batch_0002\.$"
    with pytest.raises(SettingError, match=message):
        package.load_codon_counts("mine", batch="batch_0003", warehouse=warehouse)
    with pytest.raises(SettingError, match=message):
        package.load_sequences("mine", "batch_0003", warehouse=warehouse)


def test_sequences_of_a_batch_are_its_records(warehouse: Path) -> None:
    table = package.load_sequences("mine", "batch_0002", warehouse=warehouse)
    names = list(RECORDS)[2 * BATCH_SIZE :]
    assert table["seq_id"].to_pylist() == names
    assert table["length"].to_pylist() == [len(RECORDS[name]) for name in names]
    assert package.load_sequences(
        "mine", "batch_0002", warehouse=warehouse, columns=["length", "row"]
    ).column_names == ["length", "row"]
    with pytest.raises(SettingError, match=r"^columns: 'size' is no column of sequences\. There are: row, "):
        package.load_sequences("mine", "batch_0002", warehouse=warehouse, columns=["row", "size"])


def test_each_sequence_has_a_row(warehouse: Path) -> None:
    table = package.load_codon_usage_by_sequence("mine", warehouse=warehouse)
    assert table.schema.equals(CODON_USAGE_BY_SEQUENCE)
    assert table["seq_id"].to_pylist() == list(RECORDS)
    for row in table.to_pylist():
        letters = RECORDS[row["seq_id"]].upper().replace("U", "T")
        codons = Counter(letters[at : at + 3] for at in range(1, len(letters) - 2, 3))
        plain = {codon: count for codon, count in codons.items() if set(codon) <= set("ACGT")}
        assert {codon: row[codon] for codon in plain} == plain
        assert row["codons"] + row["skipped_codons"] == codons.total()


def test_columns_of_the_sequences_can_be_chosen(warehouse: Path) -> None:
    table = package.load_codon_usage_by_sequence("mine", warehouse=warehouse, columns=["gc3", "AAA"])
    assert table.column_names == ["gc3", "AAA"]
    message = r"^columns: 'gc4' is no column of the per-sequence table\. There are: row, seq_id, "
    with pytest.raises(SettingError, match=message):
        package.load_codon_usage_by_sequence("mine", warehouse=warehouse, columns=["gc4"])


def test_sequences_of_another_frame_are_not_made(warehouse: Path) -> None:
    message = (
        r"^mine: 3 batches without a per-sequence table with these parameters, first batch_0000\. Make them with "
        r"by_sequence=True \(opengenome analyze codon --by-sequence\)\.$"
    )
    with pytest.raises(BatchFileError, match=message):
        package.load_codon_usage_by_sequence("mine", warehouse=warehouse, frame=0)
    message = r"^load_codon_usage_by_sequence\(\) has no argument 'min_count'\. Parameters: frame, strand, "
    with pytest.raises(TypeError, match=message):
        package.load_codon_usage_by_sequence("mine", warehouse=warehouse, min_count=1)


@pytest.mark.parametrize("name", REPORT_TABLES)
def test_tables_of_the_report_are_those_of_its_files(warehouse: Path, name: str) -> None:
    table = package.load_report_table("mine", name, warehouse=warehouse)
    for folder in (warehouse / "mine", f"{warehouse}/mine/"):
        assert package.load_report_table(folder, name).equals(table)
    with (warehouse / "mine" / "report" / f"{name}.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert table.schema.equals(REPORT_TABLES[name])
    found = [
        {key: None if value is None else str(value) for key, value in row.items()}
        for row in table.to_pylist()
    ]
    assert found == [{key: text or None for key, text in row.items()} for row in rows]


def test_measures_have_the_gc_of_the_codons(warehouse: Path) -> None:
    (row,) = package.load_report_table("mine", "measures", warehouse=warehouse).to_pylist()
    plain = {key[2]: n for key, n in EXPECTED.items() if key[:2] == ("+", 1) and set(key[2]) <= set("ACGT")}
    gc3 = sum(n for codon, n in plain.items() if codon[2] in "GC") / sum(plain.values())
    assert (row["codons"], row["gc3"]) == (sum(plain.values()), pytest.approx(gc3))


def test_an_unknown_data_set_or_table_is_refused(warehouse: Path) -> None:
    with pytest.raises(InputNotFoundError, match="nine: no data set with this name is registered"):
        package.load_codon_counts("nine", warehouse=warehouse)
    with pytest.raises(InputNotFoundError, match="mine/report: no data set with this name is registered"):
        package.load_codon_counts("mine/report", warehouse=warehouse)
    message = r"nine/report/measures\.tsv: there is no such file\. Make it with opengenome analyze codon\.$"
    with pytest.raises(InputNotFoundError, match=message):
        package.load_report_table("nine", "measures", warehouse=warehouse)
    message = (
        r"^name: the report has no table 'gc'\. There are: measures, readings, expectations, six_frames\.$"
    )
    with pytest.raises(SettingError, match=message):
        package.load_report_table("mine", "gc", warehouse=warehouse)


SIX_FRAMES = REPORT_TABLES["six_frames"]


def report_with(folder: Path, text: str) -> Path:
    (folder / "mine" / "report").mkdir(parents=True)
    (folder / "mine" / "report" / "six_frames.tsv").write_text(text)
    return folder / "mine"


@pytest.mark.parametrize("groups", [["a\tb\\n", '"plain"', "NA"], ["007", "1e3", "9606"]])
def test_any_group_is_read_back(tmp_path: Path, groups: list[str]) -> None:
    values = [groups, ["+", "-", "+"], [0, 1, 2], [1] * 3, [0] * 3, [0] * 3]
    table = pa.table([*values, [0.5, None, 0.25], [None] * 3, [0] * 3], schema=SIX_FRAMES)
    assert package.load_report_table(report_with(tmp_path, table_tsv(table)), "six_frames").equals(table)


@pytest.mark.parametrize(
    "text", ["", "group\tstrand\nall\t+\n", "\t".join(SIX_FRAMES.names) + "\nall\t+\tone\n"]
)
def test_a_changed_table_of_the_report_is_refused(tmp_path: Path, text: str) -> None:
    message = (
        r"mine/report/six_frames\.tsv: cannot be read \(.*\)\. Make it again with opengenome analyze codon\.$"
    )
    with pytest.raises(InputFormatError, match=message):
        package.load_report_table(report_with(tmp_path, text), "six_frames")
