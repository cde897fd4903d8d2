"""The column with the sequences: chosen when the input is registered, kept in the plan, used when batches are written."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.errors import InputFormatError, PlanConflictError
from opengenome_assets_tests.scenario import RECORDS, Project, project, write_fasta, write_parquet


def parquet(path: Path, column: str, **others: str) -> Path:
    columns: dict[str, Any] = {"seq_id": list(RECORDS), column: list(RECORDS.values())}
    pq.write_table(pa.table(columns | {name: [text] * len(RECORDS) for name, text in others.items()}), path)
    return path


def lines(path: Path, column: str, **others: str) -> Path:
    rows = ({"id": name, column: letters, **others} for name, letters in RECORDS.items())
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


WRITE = {"a.parquet": parquet, "a.jsonl": lines}


def written(own: Project) -> dict[str, str]:
    """Log and letters of all records of the batch files, after they are registered and written."""
    register(own.runner.dataset, lambda line: None)
    assert {done.error for done in write_batches(own.files, own.files.batches)} == {None}
    tables = [own.files.sequences(batch).read_whole(["seq_id", "sequence"]) for batch in own.files.batches]
    return {row["seq_id"]: row["sequence"] for table in tables for row in table.to_pylist()}


@pytest.mark.parametrize("name", WRITE)
def test_a_column_that_was_chosen_is_kept_in_the_plan(tmp_path: Path, name: str) -> None:
    own = project(tmp_path, WRITE[name](tmp_path / name, "dna"), batch_size=3)
    log: list[str] = []
    register(own.runner.dataset, log.append)
    assert "reading  the sequences from the column 'dna' (OPENGENOME_COLUMN chooses another one)" in log
    assert own.manifest.settings.column == "dna"
    assert written(own) == RECORDS


@pytest.mark.parametrize("name", WRITE)
def test_a_column_that_is_asked_for_is_written(tmp_path: Path, name: str) -> None:
    path = WRITE[name](tmp_path / name, "letters", sequence="no nucleotides")
    own = project(tmp_path, path, batch_size=3, column="letters")
    assert written(own) == RECORDS
    with pytest.raises(
        PlanConflictError, match="registered with OPENGENOME_COLUMN=letters; it cannot be reused with s"
    ):
        register(project(tmp_path, path, batch_size=3, column="sequence").runner.dataset, lambda line: None)
    assert not register(project(tmp_path, path, batch_size=3).runner.dataset, lambda line: None).is_new


def test_the_usual_column_leaves_the_fingerprint_unchanged(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", RECORDS)
    one, other = project(tmp_path / "one", path), project(tmp_path / "other", path, column="sequence")
    for own in (one, other):
        register(own.runner.dataset, lambda line: None)
        assert "column" not in own.manifest.settings.ingredients()
    assert one.manifest.fingerprint == other.manifest.fingerprint


def test_another_column_is_another_fingerprint(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", "dna", rna="ACGU")
    fingerprints = set()
    for column in ("dna", "rna"):
        own = project(tmp_path / column, path, column=column)
        register(own.runner.dataset, lambda line: None)
        fingerprints.add(own.manifest.fingerprint)
    assert len(fingerprints) == 2


def test_a_column_of_fasta_is_refused(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "a.fa", RECORDS), column="text")
    with pytest.raises(
        InputFormatError, match=r"a\.fa has no columns, but OPENGENOME_COLUMN is text\. Unset it\."
    ):
        register(own.runner.dataset, lambda line: None)


def test_all_files_must_have_the_column(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    lines(tmp_path / "in" / "a.jsonl", "dna")
    lines(tmp_path / "in" / "b.jsonl", "seq")
    own = project(tmp_path, tmp_path / "in")
    with pytest.raises(InputFormatError, match=r"b\.jsonl: line 1 has no column 'dna' \(columns: id, seq\)"):
        register(own.runner.dataset, lambda line: None)
