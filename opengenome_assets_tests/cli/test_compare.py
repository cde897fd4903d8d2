"""``opengenome compare``: results, messages and exit codes."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import PROVENANCE
from opengenome_assets.batches.manifest import load_manifest
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import write_table
from opengenome_assets.tables.text import table_tsv
from opengenome_assets_tests.cli.scenario import Analyzed, Said, opengenome

EVEN = {"AAA": 50, "TTT": 50}
UNEVEN = {"AAA": 90, "TTT": 10}


def put(
    warehouse: Path, dataset: str, counts: dict[str, int], records: float | None = 1000, **parameters: object
) -> Path:
    """Write a table as the graph does; the folder it is in."""
    rows = [
        {"group": group, "codon": codon, "count": count}
        for group in ("all", "g")
        for codon, count in counts.items()
    ]
    provenance = {} if records is None else {"effective_records": records}
    folder = DatasetFolder(str(warehouse), dataset)
    made = TableParameters(**parameters)
    write_table(folder, [pa.Table.from_pylist(rows, schema=CODON_FREQUENCIES)], made, provenance)
    return warehouse / dataset


@pytest.mark.spark
def test_a_sample_of_a_twentieth_agrees_with_the_whole(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    said = opengenome(
        "compare", "mine@sample-20", "mine", "--warehouse", analyzed.warehouse, "--format", "json"
    )
    found = json.loads(said.out)
    assert (said.code, found["agree"]) == (0, True)
    assert 1 / 40 < found["ratio_of_totals"] < 1 / 10


@pytest.mark.spark
def test_the_number_of_records_comes_with_the_table(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    said = opengenome("compare", "mine@sample-20", "mine", "-w", analyzed.warehouse, "--format", "json")
    manifest = load_manifest(DatasetFolder(str(analyzed.warehouse), "mine@sample-20"))
    assert json.loads(said.out)["a"]["effective_records"] == manifest.effective_records
    assert 10 < manifest.effective_records <= 20


@pytest.mark.spark
def test_a_table_of_another_composition_does_not_agree(analyzed: Analyzed, tmp_path: Path) -> None:
    table = pq.read_table(analyzed.folder("mine") / "codon_frequencies.parquet")
    # As if all records had lost two of the four letters.
    counts = [0 if set(codon) & {"G", "T"} else count for codon, count in zip(*columns(table), strict=True)]
    other = table.set_column(3, CODON_FREQUENCIES.field("count"), pa.array(counts))
    pq.write_table(other, tmp_path / "other.parquet")
    said = opengenome("compare", "mine", tmp_path / "other.parquet", "--warehouse", analyzed.warehouse)
    assert said.code == 1
    assert "they do not agree: " in said.out


def columns(table: pa.Table) -> tuple[list[str], list[int]]:
    return table["codon"].to_pylist(), table["count"].to_pylist()


def test_equal_tables_agree_and_end_with_0(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    said = opengenome("compare", "one", "one", "--warehouse", warehouse)
    assert said.code == 0
    assert "they agree: " in said.out


def test_different_tables_end_with_1(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    put(warehouse, "other", UNEVEN)
    said = opengenome("compare", "one", "other", "--warehouse", warehouse)
    assert said.code == 1
    assert "they do not agree: AAA goes farthest beyond its bound, 0.4 where " in said.out


def test_a_bound_wider_than_the_frequency_is_reported_as_weak(
    warehouse: Path,
) -> None:
    put(warehouse, "one", EVEN, records=2)
    put(warehouse, "other", UNEVEN, records=2)
    said = opengenome("compare", "one", "other", "--warehouse", warehouse)
    assert said.code == 0
    assert "This says little: so few records allow more than the codon's frequency, 0.3." in said.out


def test_comparing_a_table_without_record_counts_exits_with_3(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    put(warehouse, "old", EVEN, records=None)
    said = opengenome("compare", "one", "old", "--warehouse", warehouse)
    assert said.code == 3
    assert "bound: not known, B does not say how many records it is of" in said.out


@pytest.mark.parametrize("kind", ["tsv", "csv"])
def test_text_is_compared_without_a_verdict(warehouse: Path, tmp_path: Path, kind: str) -> None:
    table = pq.read_table(put(warehouse, "one", EVEN) / "codon_frequencies.parquet")
    path = tmp_path / f"table.{kind}"
    csv = "codon,count,freq,aa\nAAA,5,0.5,K\nTTT,5,0.5,F\n"
    path.write_text(csv if kind == "csv" else table_tsv(table))
    said = opengenome("compare", path, "one", "--warehouse", warehouse)
    assert said.code == 3
    assert f"A: {path} (does not say its frame, strand and skipped codons)" in said.out


def test_a_table_that_excel_saved_is_compared_and_exported(warehouse: Path, tmp_path: Path) -> None:
    table = pq.read_table(put(warehouse, "one", EVEN) / "codon_frequencies.parquet")
    saved = tmp_path / "saved.CSV"
    saved.write_text(table_tsv(table).replace(".", ",").replace("\t", ";"), encoding="utf-8-sig")
    assert "ratio of totals" in opengenome("compare", saved, "one", "--warehouse", warehouse).out
    assert opengenome("export", "--dataset", saved).out == table_tsv(table)


def test_a_spreadsheet_ends_compare_and_export_with_2(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    path.write_bytes(b"PK\x03\x04")
    for command in (["compare", path, path], ["export", "--dataset", path]):
        said = opengenome(*command)
        assert (said.code, said.out) == (2, "")
        assert f"{path} is a spreadsheet or a zip archive. Save it as TSV or CSV" in said.err


def test_a_folder_is_taken_for_the_table_in_it(warehouse: Path) -> None:
    folder = put(warehouse, "one", EVEN)
    assert opengenome("compare", folder, folder / "codon_frequencies.parquet").code == 0


def test_tables_of_different_parameters_end_with_2_and_one_line(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    put(warehouse, "other", EVEN, frame=2)
    said = opengenome("compare", "one", "other", "--warehouse", warehouse)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "Error: one and other were made with different parameters: frame 0 and 2. "
        "Make one of them again with those of the other.\n"
    )


def test_a_data_set_without_a_table_ends_with_2(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    said = opengenome("compare", "one", "absent", "--warehouse", warehouse)
    assert said.code == 2
    assert said.err.startswith("Error: absent: no data set with this name is registered in ")


def test_a_group_is_compared_without_a_verdict(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    said = opengenome("compare", "one", "one", "--group", "g", "--warehouse", warehouse)
    assert said.code == 3
    assert "the tables do not say how many records group g is of" in said.out


def test_a_group_that_is_not_there_ends_with_2(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    said = opengenome("compare", "one", "one", "--group", "h", "--warehouse", warehouse)
    assert said.code == 2
    assert "The table has no group 'h'. It has: all, g." in said.err


def test_json_holds_everything_that_was_found(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    put(warehouse, "other", {codon: 10 * count for codon, count in UNEVEN.items()}, records=None)
    said = opengenome("compare", "one", "other", "--format", "json", "--warehouse", warehouse)
    found = json.loads(said.out)
    assert found.pop("jensen_shannon_bits") == pytest.approx(0.147, abs=1e-3)
    assert found == {
        "a": {"name": "one", "codons": 100, "effective_records": 1000},
        "b": {"name": "other", "codons": 1000, "effective_records": None},
        "group": "all",
        "ratio_of_totals": 0.1,
        "largest_difference": {"codon": "AAA", "frequency": 0.4},
        "correlation": None,
        "bound": None,
        "agree": None,
    }


def test_the_table_shows_what_json_holds(warehouse: Path) -> None:
    put(warehouse, "one", EVEN)
    put(warehouse, "other", UNEVEN, records=500.25)
    out = opengenome("compare", "one", "other", "--warehouse", warehouse).out
    lines = {line[0].strip(): [part.strip() for part in line[1:]] for line in cells(out)}
    assert lines == {
        "codons": ["100", "100"],
        "effective records": ["1,000.0", "500.2"],
        "ratio of totals": ["1", ""],
        "largest difference": ["0.4", "AAA"],
        "correlation": ["undefined", ""],
        "Jensen-Shannon divergence": ["0.147", "bits"],
    }


def cells(out: str) -> list[list[str]]:
    return [line.strip("│").split("│") for line in out.splitlines() if line.startswith("│")]


def test_the_metadata_key_is_the_one_that_every_output_has(warehouse: Path) -> None:
    schema = pq.read_schema(put(warehouse, "one", EVEN) / "codon_frequencies.parquet")
    assert json.loads(schema.metadata[PROVENANCE]) == {"effective_records": 1000}
