"""Letters that are no nucleotides become N, are counted, and leave positions unchanged."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks.batch import ROWS_AS_PLANNED, check_sequences
from opengenome_assets.errors import InvalidLetterError
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import (
    Project,
    all_counts,
    counts_as_dict,
    naive_counts,
    project,
    write_fasta,
)

RECORDS = {"good": "ACGTA", "gap": "AC-GT.ACC", "lower": "acgtn", "joints": "@ACG##TTTA", "last": "TTTRY"}
AS_N = {"good": "ACGTA", "gap": "ACNGTNACC", "lower": "acgtn", "joints": "NACGNNTTTA", "last": "TTTRY"}


def masking(tmp_path: Path, path: Path, **settings: object) -> Project:
    return project(tmp_path, path, batch_size=2, on_invalid="mask", **settings)


def test_masked_letters_are_n_and_are_counted_per_batch(tmp_path: Path) -> None:
    own = masking(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS))
    log: list[str] = []
    register(own.runner.dataset, log.append)
    assert "masking  5 bytes that are no nucleotide letters, each as N" in log
    for _ in range(2):
        written = list(write_batches(own.files, own.files.batches))
        assert [(done.rows, done.rejected, done.masked) for done in written] == [
            (2, 0, 2),
            (2, 0, 3),
            (1, 0, 0),
        ]
    tables = [own.files.sequences(batch).read_whole(["seq_id", "sequence"]) for batch in own.files.batches]
    assert {row["seq_id"]: row["sequence"] for table in tables for row in table.to_pylist()} == AS_N
    assert (own.manifest.masked, own.manifest.rejected) == (5, 0)
    assert own.manifest.provenance()["masked_letters"] == 5
    assert all(check_sequences(own.files, batch)[ROWS_AS_PLANNED].passed for batch in own.files.batches)


def test_counts_are_those_of_the_records_with_n(tmp_path: Path) -> None:
    own = masking(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS))
    write_and_count(own)
    counts = all_counts(own.files).drop_columns(["group", "genetic_code"])
    assert counts_as_dict(counts) == naive_counts(list(AS_N.values()))


def test_each_byte_of_parquet_is_a_letter(tmp_path: Path) -> None:
    table = pa.table({"sequence": pa.array([b"AC\xffGT", "A\u00e4C".encode(), b"\0"], pa.binary())})
    pq.write_table(table, tmp_path / "mine.parquet")
    own = masking(tmp_path, tmp_path / "mine.parquet")
    register(own.runner.dataset, lambda line: None)
    list(write_batches(own.files, own.files.batches))
    found = [own.files.sequences(batch).read_whole(["length", "sequence"]) for batch in own.files.batches]
    assert [(row["length"], row["sequence"]) for table in found for row in table.to_pylist()] == [
        (5, "ACNGT"),
        (4, "ANNC"),
        (1, "N"),
    ]
    assert own.manifest.masked == 4


def test_a_sample_masks_its_rows_only(tmp_path: Path) -> None:
    own = masking(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), sample=3)
    register(own.runner.dataset, lambda line: None)
    written = list(write_batches(own.files, own.files.batches))
    tables = [own.files.sequences(batch).read_whole(["seq_id"]) for batch in own.files.batches]
    drawn = [name for table in tables for name in table["seq_id"].to_pylist()]
    assert sum(done.masked for done in written) == sum(
        one != two for name in drawn for one, two in zip(RECORDS[name], AS_N[name], strict=True)
    )


@pytest.mark.parametrize("on_invalid", ["mask", "fail"])
@pytest.mark.parametrize("text", ["|D__BACTERIA;P__X;C__Y|ACGT", "ACGT|d__Bacteria;p__X|ACGT"])
def test_a_lineage_among_the_letters_is_refused(tmp_path: Path, on_invalid: str, text: str) -> None:
    path = write_fasta(tmp_path / "mine.fa", {"good": "ACGT", "prompt": text})
    own = project(tmp_path, path, on_invalid=on_invalid)
    with pytest.raises(
        InvalidLetterError, match=r"record 'prompt' \(row 1\) has a lineage among its letters, '\|[dD]__"
    ):
        register(own.runner.dataset, lambda line: None)


def test_bars_that_are_no_lineage_are_masked(tmp_path: Path) -> None:
    records = {"bar": "AC|GT|", "end": "ACG|", "next": "T__A", "other": "|a_b|"}
    own = masking(tmp_path, write_fasta(tmp_path / "mine.fa", records))
    register(own.runner.dataset, lambda line: None)
    assert own.manifest.masked == 2 + 1 + 2 + 3
