"""One command makes a table per organelle and genetic code of the real genomes, whose sources are known."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from Bio import SeqIO
from Bio.Data.CodonTable import unambiguous_dna_by_id

from opengenome_assets_tests.cli.scenario import clean_room, opengenome
from opengenome_assets_tests.scenario import GENOMES, GENOMES_ABSENT
from opengenome_assets_tests.tables.tables import genome_records, naive_counts, oracle_counts

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not GENOMES.is_dir(), reason=GENOMES_ABSENT)]

# What SOURCES.md says of each file: human, mammals, hylomys, plants, yeast; and plastids of plants.
FILES = {
    "human_chrM_softmasked.fa": ("mitochondrion", 2),
    "human_mtdna_barbieri2013a.fasta.gz": ("mitochondrion", 2),
    "hylomys_mito_consensus_manyN.fasta": ("mitochondrion", 2),
    "mammal_mito_bs32011.FASTA": ("mitochondrion", 2),
    "plant_mito.fasta": ("mitochondrion", 1),
    "yeast_chrM.fa": ("mitochondrion", 3),
    "pityopsis_plastid_mixedcase_iupac.fa": ("plastid", 11),
    "plastids_pilbara.fasta": ("plastid", 11),
    "plastids_pilbara_gaps_N.fasta": ("plastid", 11),
    "plastids_refs_lower.fasta": ("plastid", 11),
    "plastids_refs_upper.fasta": ("plastid", 11),
    "sarracenia_plastid_contigs.fasta": ("plastid", 11),
}
CODES = {f"{organelle}/{code}": code for organelle, code in FILES.values()}
CODONS = [first + second + third for first in "ACGT" for second in "ACGT" for third in "ACGT"]


def files_of(group: str) -> list[str]:
    return [name for name, (organelle, code) in FILES.items() if f"{organelle}/{code}" == group]


def ids_of(name: str) -> list[str]:
    path = GENOMES / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return [record.id for record in SeqIO.parse(lines, "fasta")]


def write_table(path: Path, id_column: str) -> Path:
    """What is known of each record. Two files have a record ``chrM``, so the source is stated."""
    rows = [
        f"{seq_id}\t{name}\t{organelle}\t{code}"
        for name, (organelle, code) in FILES.items()
        for seq_id in ids_of(name)
    ]
    path.write_text("\n".join([f"{id_column}\tsource\torganelle\tgenetic_code", *rows]) + "\n")
    return path


@pytest.fixture(scope="module", params=["a table", "a table of opengenome metadata"])
def rows(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, spark: object
) -> list[dict[str, str]]:
    """The codon table of the files, with a metadata table or with one that is made of facts."""
    del spark
    folder = tmp_path_factory.mktemp("organelles")
    with clean_room():
        if request.param == "a table":
            metadata = write_table(folder / "table.tsv", "seq_id")
        else:
            facts, metadata = write_table(folder / "facts.tsv", "accession"), folder / "made.tsv"
            said = opengenome("metadata", "--input", GENOMES, "--from", facts, "--output", metadata)
            assert (said.code, said.out) == (0, f"metadata table of 317 records: {metadata}\n")
        said = opengenome(
            *("analyze", "codon", "--input", GENOMES, "--metadata", metadata, "--batch-size", 100),
            *("--group", "organelle,genetic_code", "--warehouse", folder / "warehouse"),
        )
    assert said.code == 0, said.err
    assert "unassigned" not in said.err
    with (folder / "warehouse" / "genomes" / "codon_frequencies.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def counts_of(rows: list[dict[str, str]], group: str) -> dict[str, int]:
    return {row["codon"]: int(row["count"]) for row in rows if row["group"] == group}


def test_the_files_are_those_of_the_folder() -> None:
    assert set(FILES) == set(json.loads((GENOMES / "oracle_per_file.json").read_text()))


def test_each_organelle_and_code_is_a_group(rows: list[dict[str, str]]) -> None:
    assert list(dict.fromkeys(row["group"] for row in rows)) == ["all", *sorted(CODES)]


@pytest.mark.parametrize("group", CODES)
def test_all_64_counts_are_those_of_the_groups_files(rows: list[dict[str, str]], group: str) -> None:
    counted: Counter[str] = Counter()
    for name in files_of(group):
        counted += naive_counts(genome_records(name))
    assert counts_of(rows, group) == {codon: counted[codon] for codon in CODONS}


@pytest.mark.parametrize("group", CODES)
def test_totals_of_groups_are_those_of_the_oracle(rows: list[dict[str, str]], group: str) -> None:
    oracle = json.loads((GENOMES / "oracle_per_file.json").read_text())
    total = sum(oracle[name]["frames"]["fwd0"]["counted_codons"] for name in files_of(group))
    assert sum(counts_of(rows, group).values()) == total


def test_groups_add_up_to_the_oracle(rows: list[dict[str, str]]) -> None:
    groups = [counts_of(rows, group) for group in CODES]
    sums = {codon: sum(counts[codon] for counts in groups) for codon in CODONS}
    assert sums == counts_of(rows, "all") == oracle_counts()


@pytest.mark.parametrize(("group", "code"), CODES.items())
def test_letters_and_fractions_follow_the_groups_code(
    rows: list[dict[str, str]], group: str, code: int
) -> None:
    table = unambiguous_dna_by_id[code]
    letters = {codon: table.forward_table.get(codon, "*") for codon in CODONS}
    counts = counts_of(rows, group)
    family: Counter[str] = Counter()
    for codon, letter in letters.items():
        family[letter] += counts[codon]
    of_group = [row for row in rows if row["group"] == group]
    assert {row["codon"]: row["amino_acid"] for row in of_group} == letters
    assert {row["codon"]: float(row["fraction"]) for row in of_group} == pytest.approx(
        {codon: counts[codon] / family[letter] for codon, letter in letters.items()}
    )
