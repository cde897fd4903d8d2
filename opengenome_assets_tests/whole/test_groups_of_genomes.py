"""The real genomes with groups and genetic codes from a metadata table: tables, measures, report, provenance."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import PROVENANCE
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets_tests.scenario import GENOMES, GENOMES_ABSENT, Project, project

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not GENOMES.is_dir(), reason=GENOMES_ABSENT)]

# What SOURCES.md says of the files; the others are plastids. The yeast's record is called chrM like the human
# one, and this table has no column source, so it is grouped with the mammals.
MITOCHONDRIA = {
    "human_chrM_softmasked.fa": ("mammal_mitochondrion", 2),
    "human_mtdna_barbieri2013a.fasta.gz": ("mammal_mitochondrion", 2),
    "hylomys_mito_consensus_manyN.fasta": ("mammal_mitochondrion", 2),
    "mammal_mito_bs32011.FASTA": ("mammal_mitochondrion", 2),
    "plant_mito.fasta": ("plant_mitochondrion", 1),
}


def write_metadata(path: Path) -> Path:
    rows: dict[str, tuple[str, int]] = {}
    for file in sorted(GENOMES.iterdir()):
        if ".fa" in file.name.lower():
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            for line in content.decode().splitlines():
                if line.startswith(">"):
                    rows.setdefault(line[1:].split()[0], MITOCHONDRIA.get(file.name, ("plastid", 11)))
    lines = [f"{seq_id}\t{group}\t{code}" for seq_id, (group, code) in rows.items()]
    path.write_text("\n".join(["seq_id\tgroup\tgenetic_code", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def genomes(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Project:
    del spark
    folder = tmp_path_factory.mktemp("groups")
    metadata = write_metadata(folder / "genomes.tsv")
    own = project(folder, GENOMES, batch_size=100, metadata=metadata, by_sequence="yes")
    assert {check.name for check in own.run() if not check.passed} <= {"unique_ids"}
    assert [check.passed for check in own.runner.measure_sequences({})] == [True]
    return own


def report_table(own: Project, name: str) -> list[dict[str, str]]:
    with Path(own.folder.location(f"report/{name}.tsv")).open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_the_groups_add_up_to_the_whole(genomes: Project) -> None:
    totals: dict[str, int] = {}
    for row in genomes.table().to_pylist():
        totals[row["group"]] = totals.get(row["group"], 0) + row["count"]
    assert list(totals) == ["all", "mammal_mitochondrion", "plant_mitochondrion", "plastid"]
    assert totals["all"] == 5_221_766 == sum(totals.values()) - totals["all"]


def test_groups_have_their_code_and_mixed_codes_have_no_letter(
    genomes: Project,
) -> None:
    meaning = {
        row["group"]: row["amino_acid"] for row in genomes.table().to_pylist() if row["codon"] == "TGA"
    }
    assert meaning == {"all": None, "mammal_mitochondrion": "W", "plant_mitochondrion": "*", "plastid": "*"}


def test_the_report_has_the_measures_and_a_picture_of_each_group(genomes: Project) -> None:
    measures = {row["group"]: row for row in report_table(genomes, "measures")}
    assert {group: row["genetic_codes"] for group, row in measures.items()} == {
        "all": "1 2 11",
        "mammal_mitochondrion": "2",
        "plant_mitochondrion": "1",
        "plastid": "11",
    }
    assert measures["all"]["enc_wright"] == ""
    assert all(20 < float(row["enc_wright"]) <= 61 for group, row in measures.items() if group != "all")
    pictures = genomes.folder.names("report")
    assert {f"group_{number:02d}_heat_map.svg" for number in (1, 2, 3)} <= set(pictures)


def test_six_frames_stand_side_by_side_for_every_group(genomes: Project) -> None:
    rows = report_table(genomes, "six_frames")
    assert len(rows) == 4 * 6
    whole = {(row["strand"], row["frame"]): int(row["codons"]) for row in rows if row["group"] == "all"}
    summary = json.loads((GENOMES / "oracle_summary.json").read_text())
    assert whole == {
        (strand, str(frame)): summary[f"{'rc_' if strand == '-' else ''}frame{frame}"]["counted_codons"]
        for strand in "+-"
        for frame in (0, 1, 2)
    }


@pytest.mark.parametrize(
    "output",
    ["sequences/batch_0003.parquet", "codon_counts/batch_0003.parquet", "codon_frequencies.parquet"],
)
def test_every_output_says_where_it_comes_from(genomes: Project, output: str) -> None:
    metadata = pq.read_schema(genomes.folder.location(output)).metadata
    provenance = json.loads(metadata[PROVENANCE])
    manifest = genomes.manifest
    assert provenance["dataset"] == "mine"
    assert provenance["source"] == {"locations": [str(GENOMES)]}
    assert provenance["input_file_list_sha256"] == manifest.file_list
    assert (provenance["rows"], provenance["bases"], provenance["batches"]) == (317, 15_803_769, 4)
    assert provenance["settings"]["metadata"] == manifest.settings.metadata
    assert {"opengenome-assets", "dagster", "pyspark", "pyarrow"} <= set(provenance["versions"])


def test_each_sequence_has_the_codons_of_the_oracle(genomes: Project) -> None:
    with (GENOMES / "oracle_per_record_frame0.tsv").open() as file:
        oracle = list(csv.DictReader(file, delimiter="\t"))
    places = [
        genomes.folder.location(f"codon_usage_by_sequence/{batch}.parquet")
        for batch in genomes.manifest.plan.keys
    ]
    assert all(
        pq.read_schema(place).equals(CODON_USAGE_BY_SEQUENCE, check_metadata=False) for place in places
    )
    rows = [row for place in places for row in pq.read_table(place).to_pylist()]
    ours = [(row["seq_id"], row["length"], row["codons"], row["skipped_codons"]) for row in rows]
    assert ours == [
        (row["record_id"], int(row["length"]), int(row["counted_codons"]), int(row["skipped_codons"]))
        for row in sorted(oracle, key=lambda row: (row["file"], int(row["record_no"])))
    ]


def test_sequences_add_up_in_another_frame_and_strand(genomes: Project) -> None:
    checks = genomes.runner.measure_sequences({"frame": 2, "strand": "-", "genetic_code": 2})
    assert [check.passed for check in checks] == [True]
