"""Twelve files of real genomes give counts on which four other programs agree."""

import csv
import json
from pathlib import Path

import pyarrow.compute as pc
import pytest

from opengenome_assets_tests.scenario import GENOMES, GENOMES_ABSENT, Project, all_counts, project

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not GENOMES.is_dir(), reason=GENOMES_ABSENT)]

TABLES = [(strand, frame) for strand in "+-" for frame in (0, 1, 2)]


@pytest.fixture(scope="module")
def genomes(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Project:
    del spark
    own = project(tmp_path_factory.mktemp("genomes"), GENOMES, batch_size=100)
    assert all(check.passed or check.name == "unique_ids" for check in own.run())
    return own


def oracle_name(strand: str, frame: int) -> str:
    return f"rc_frame{frame}" if strand == "-" else f"frame{frame}"


def test_317_records_make_four_batches(genomes: Project) -> None:
    assert genomes.manifest.boundaries == (0, 100, 200, 300, 317)


@pytest.mark.parametrize(("strand", "frame"), TABLES)
def test_every_codon_has_the_count_of_the_oracle(genomes: Project, strand: str, frame: int) -> None:
    genomes.runner.tabulate({"strand": strand, "frame": frame})
    path = GENOMES / f"oracle_{oracle_name(strand, frame)}.tsv"
    with path.open() as file:
        oracle = {row["codon"]: int(row["count"]) for row in csv.DictReader(file, delimiter="\t")}
    table = genomes.table(strand=strand, frame=frame)
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == oracle


@pytest.mark.parametrize(("strand", "frame"), TABLES)
def test_totals_counted_and_skipped_are_those_of_the_oracle(
    genomes: Project, strand: str, frame: int
) -> None:
    oracle = json.loads((GENOMES / "oracle_summary.json").read_text())[oracle_name(strand, frame)]
    counts = all_counts(genomes.files)
    here = counts.filter((pc.field("strand") == strand) & (pc.field("frame") == frame))
    plain = pc.match_substring_regex(here["codon"], "^[ACGT]{3}$")
    counted = pc.sum(here.filter(plain)["count"]).as_py()
    total = pc.sum(here["count"]).as_py()
    assert (total, counted, total - counted) == (
        oracle["total_codons"],
        oracle["counted_codons"],
        oracle["skipped_codons"],
    )
    assert (genomes.manifest.rows, genomes.manifest.bases) == (oracle["records"], oracle["bases"])


def test_the_tsv_says_what_the_parquet_says(genomes: Project) -> None:
    with Path(genomes.folder.location("codon_frequencies.tsv")).open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    table = genomes.table()
    assert [int(row["count"]) for row in rows] == table["count"].to_pylist()
    assert [float(row["frequency"]) for row in rows] == table["frequency"].to_pylist()
