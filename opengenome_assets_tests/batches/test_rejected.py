"""Records with a byte that is not a nucleotide letter are rejected with the reason, and counted as rejected."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import WrittenBatch, write_batches
from opengenome_assets.checks.batch import ROWS_AS_PLANNED, check_sequences
from opengenome_assets.schemas import REJECTED
from opengenome_assets_tests.scenario import Project, project, write_fasta

RECORDS = {"good": "ACGT", "gap": "AC-GT", "protein": "MKLV", "fine": "acgun", "star": "ACG*", "last": "TTT"}


@pytest.fixture
def own(tmp_path: Path) -> Project:
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=4, on_invalid="skip")
    register(made.runner.dataset, lambda line: None)
    return made


def written(own: Project) -> list[WrittenBatch]:
    return list(write_batches(own.files, own.manifest.plan.keys))


def test_rows_and_rejected_together_are_the_planned_ones(own: Project) -> None:
    assert [(done.rows, done.rejected) for done in written(own)] == [(2, 2), (1, 1)]
    assert own.manifest.rejected == 3


def test_what_is_set_aside_is_kept_as_found_with_the_reason(own: Project) -> None:
    written(own)
    table = pq.read_table(own.folder.location("rejected/batch_0000.parquet"))
    assert table.schema.equals(REJECTED, check_metadata=False)
    rows = table.select(["row", "seq_id", "sequence", "reason"]).to_pylist()
    assert [(row["row"], row["seq_id"], row["sequence"]) for row in rows] == [
        (1, "gap", b"AC-GT"),
        (2, "protein", b"MKLV"),
    ]
    assert "'-' at position 3" in rows[0]["reason"]
    assert "'L' at position 3" in rows[1]["reason"]


def test_rows_keep_the_numbers_that_they_have_in_the_input(own: Project) -> None:
    written(own)
    rows = pq.read_table(own.folder.location("sequences/batch_0000.parquet"), columns=["row"])
    assert rows["row"].to_pylist() == [0, 3]


def test_the_check_takes_what_is_set_aside_for_planned(own: Project) -> None:
    written(own)
    outcome = check_sequences(own.files, "batch_0000")[ROWS_AS_PLANNED]
    assert outcome.passed
    assert outcome.figures["rejected_rows"] == 2


def test_the_check_fails_where_what_was_set_aside_is_lost(own: Project) -> None:
    written(own)
    Path(own.folder.location("rejected/batch_0000.parquet")).unlink()
    assert not check_sequences(own.files, "batch_0000")[ROWS_AS_PLANNED].passed


def test_what_an_earlier_plan_set_aside_is_removed(own: Project) -> None:
    written(own)
    old = Path(own.folder.location("rejected/batch_0000.parquet"))
    assert old.is_file()
    # Someone removes the manifest, and registers an input of the same size without such records.
    Path(own.folder.location("manifest.json")).unlink()
    clean = dict.fromkeys(RECORDS, "ACGT")
    again = project(
        old.parents[3], write_fasta(old.parents[3] / "mine.fa", clean), batch_size=4, on_invalid="skip"
    )
    register(again.runner.dataset, lambda line: None)
    assert [(done.rows, done.rejected, done.error) for done in written(again)] == [(4, 0, None), (2, 0, None)]
    assert list(old.parent.iterdir()) == []
    assert check_sequences(again.files, "batch_0000")[ROWS_AS_PLANNED].passed


def test_what_another_plan_set_aside_is_not_taken_for_this_ones(own: Project) -> None:
    written(own)
    first, second = (Path(own.folder.location(f"rejected/batch_000{n}.parquet")) for n in range(2))
    second.write_bytes(first.read_bytes())
    outcome = check_sequences(own.files, "batch_0001")[ROWS_AS_PLANNED]
    assert not outcome.passed
    assert "rejected/batch_0001.parquet: belongs" in outcome.description


def test_bytes_that_are_no_text_are_set_aside_too(tmp_path: Path) -> None:
    (tmp_path / "mine.fa").write_bytes(b">a\nAC\xff\xfeGT\n>b\nACG\n")
    own = project(tmp_path, tmp_path / "mine.fa", on_invalid="skip")
    register(own.runner.dataset, lambda line: None)
    written(own)
    table = pq.read_table(own.folder.location("rejected/batch_0000.parquet"))
    assert table["sequence"].to_pylist() == [b"AC\xff\xfeGT"]


def test_a_sample_and_rejected_records_go_together(tmp_path: Path) -> None:
    records = {f"r{number}": "AC*" if number % 3 == 0 else "ACGT" for number in range(60)}
    own = project(
        tmp_path, write_fasta(tmp_path / "mine.fa", records), sample=20, batch_size=6, on_invalid="skip"
    )
    register(own.runner.dataset, lambda line: None)
    assert own.folder.dataset == "mine@sample-20"
    done = written(own)
    assert sum(each.rows + each.rejected for each in done) == 20
    tables = [pq.read_table(own.folder.location(f"sequences/{each.batch}.parquet")) for each in done]
    kept = pa.concat_tables(tables)
    assert all(
        records[row["seq_id"]] == row["sequence"] and row["seq_id"] == f"r{row['row']}"
        for row in kept.to_pylist()
    )
    outcomes = [check_sequences(own.files, each.batch)[ROWS_AS_PLANNED] for each in done]
    assert all(outcome.passed for outcome in outcomes)
