"""A row per sequence: seen through the graph, held against the batch's counts and against the oracle."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.checking.by_sequence import check_by_sequence
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets_tests.scenario import GENOMES, GENOMES_ABSENT, Project, project

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not GENOMES.is_dir(), reason=GENOMES_ABSENT)]


@pytest.fixture(scope="module")
def genomes(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Project:
    del spark
    own = project(tmp_path_factory.mktemp("genomes"), GENOMES, batch_size=100, by_sequence="yes")
    own.run()
    assert all(check.passed for check in own.runner.measure_sequences({}))
    return own


def table_of(own: Project, batch: str) -> list[dict[str, object]]:
    path = own.folder.location(f"codon_usage_by_sequence/{batch}.parquet")
    rows: list[dict[str, object]] = pq.read_table(path).to_pylist()
    return rows


def test_every_record_has_the_codons_of_the_oracle(genomes: Project) -> None:
    with (GENOMES / "oracle_per_record_frame0.tsv").open() as file:
        oracle = list(csv.DictReader(file, delimiter="\t"))
    rows = [row for batch in genomes.manifest.plan.keys for row in table_of(genomes, batch)]
    ours = [(row["seq_id"], row["length"], row["codons"], row["skipped_codons"]) for row in rows]
    theirs = [
        (row["record_id"], int(row["length"]), int(row["counted_codons"]), int(row["skipped_codons"]))
        for row in sorted(oracle, key=lambda row: (row["file"], int(row["record_no"])))
    ]
    assert ours == theirs


def test_the_file_has_the_declared_columns(genomes: Project) -> None:
    schema = pq.read_schema(genomes.folder.location("codon_usage_by_sequence/batch_0000.parquet"))
    assert schema.equals(CODON_USAGE_BY_SEQUENCE, check_metadata=False)


def test_a_table_that_does_not_add_up_to_the_batch_fails_its_check(genomes: Project) -> None:
    path = Path(genomes.folder.location("codon_usage_by_sequence/batch_0003.parquet"))
    right = path.read_bytes()
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    outcome = check_by_sequence(genomes.folder, genomes.manifest, "batch_0003")
    path.write_bytes(right)
    assert not outcome.passed
    assert check_by_sequence(genomes.folder, genomes.manifest, "batch_0003").passed


def test_another_frame_and_strand_add_up_too(genomes: Project) -> None:
    checks = genomes.runner.measure_sequences({"frame": 2, "strand": "-", "genetic_code": 2})
    assert [check.passed for check in checks] == [True]


def test_measures_are_null_where_a_record_has_no_codons(tmp_path: Path) -> None:
    fasta = tmp_path / "short.fa"
    fasta.write_text(">none\nAC\n>some\nATGAAATTT\n")
    own = project(tmp_path, fasta, by_sequence="yes")
    own.run()
    own.runner.measure_sequences({})
    short, some = table_of(own, "batch_0000")
    assert [short[name] for name in ("codons", "skipped_share", "gc", "enc_wright")] == [0, None, None, None]
    assert some["gc"] == 1 / 9
