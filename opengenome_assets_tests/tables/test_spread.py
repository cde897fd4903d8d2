"""How measures spread over single sequences."""

from pathlib import Path

import pyarrow as pa
import pytest

from opengenome_assets.schemas import SEQUENCE_SPREAD
from opengenome_assets.tables.spread import count_in_bins, spread_of_sequences
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.scenario import project, write_fasta


def found(table: pa.Table, measure: str) -> dict[tuple[float | None, float | None], int]:
    rows = [row for row in table.to_pylist() if row["measure"] == measure and row["sequences"]]
    return {(row["low"], row["high"]): row["sequences"] for row in rows}


def test_a_value_at_the_end_of_a_bin_is_in_the_next_one() -> None:
    # Each share k of 50 is the lower end of its bin; 1 is in the last bin.
    shares = [k / 50 for k in range(51)]
    table = count_in_bins([pa.table({"gc3": shares, "enc_wright": [None] * 50 + [61.0]})])
    assert found(table, "gc3") == {
        **{(k / 50, (k + 1) / 50): 1 for k in range(49)},
        (49 / 50, 1.0): 2,
    }
    assert found(table, "enc_wright") == {(60.0, 61.0): 1, (None, None): 50}


def test_all_rows_of_all_parts_are_in_a_bin_or_without_a_value() -> None:
    parts = [
        pa.table({"gc3": [0.31, None, 0.47], "enc_wright": [19.9999999, 61.0000001, 45.5]}),
        pa.table({"gc3": [1.0000001, 0.995, None], "enc_wright": [60.5, 59.5, 20.5]}),
        pa.table({"gc3": pa.array([], pa.float64()), "enc_wright": pa.array([], pa.float64())}),
        pa.table({"gc3": [0.3], "enc_wright": [None]}),
    ]
    table = count_in_bins(parts)
    assert table.schema.equals(SEQUENCE_SPREAD)
    assert found(table, "gc3") == {(0.3, 0.32): 2, (0.46, 0.48): 1, (0.98, 1.0): 2, (None, None): 2}
    assert found(table, "enc_wright") == {
        (20.0, 21.0): 2,
        (45.0, 46.0): 1,
        (59.0, 60.0): 1,
        (60.0, 61.0): 2,
        (None, None): 1,
    }


@pytest.mark.spark
def test_the_report_of_a_command_has_the_spread_of_its_sequences(tmp_path: Path, spark: object) -> None:
    # GC3 by slicing: 1/4, 2/4, 2/4 and none.
    records = {"a": "AAAAACAAAAAA", "b": "AAGTTCAAATTT", "c": "CCCGGGTTTAAA", "d": "AC"}
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", records), batch_size=2)
    asked = ("--input", tmp_path / "mine.fa", "-d", "mine", "-w", own.warehouse, "--batch-size", 2)
    assert opengenome("analyze", "codon", *asked).code == 0
    assert spread_of_sequences(own.files) is None
    report = own.warehouse / "mine" / "report"
    assert not (report / "spread.tsv").exists()
    said = opengenome("analyze", "codon", *asked, "--by-sequence")
    assert said.code == 0, said.err
    lines = [line.split("\t") for line in (report / "spread.tsv").read_text().splitlines()]
    assert lines[0] == ["measure", "low", "high", "sequences"]
    assert [line for line in lines if line[0] == "gc3" and line[3] != "0"] == [
        ["gc3", "0.24", "0.26", "1"],
        ["gc3", "0.5", "0.52", "2"],
        ["gc3", "", "", "1"],
    ]
    assert 'id="spread"' in (report / "index.html").read_text()
    # One batch without its table: its sequences would be missing in the bins.
    (own.warehouse / "mine" / "codon_usage_by_sequence" / "batch_0001.parquet").unlink()
    assert spread_of_sequences(own.files) is None
