"""Groups by file and by columns of the metadata table, from the input to the table; and other groups under one name."""

from collections import Counter
from pathlib import Path

import pytest

from opengenome_assets.checks.batch import check_sequences
from opengenome_assets.checks.recount import check_recount
from opengenome_assets.checks.table import check_sums, check_total
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import PlanConflictError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, naive_counts, project, write_fasta

# Two files have a record of the same id. In code 2 TGA is tryptophan, in code 3 CTG is threonine.
FILES = {
    "human.fa": {"chrM": made_up_records(1, seed=11)["record_0"] + "TGATGA", "chr1.2": "CTGCTGATG"},
    "yeast.fa": {"chrM": made_up_records(1, seed=12)["record_0"] + "CTG", "chr1.5": "TGATAG"},
}
TABLE = (
    "seq_id\tsource\tphylum\torganelle\tgenetic_code\n"
    "chrM\thuman.fa\tChordata\tmitochondrion\t2\n"
    "chrM\tyeast.fa\tAscomycota\tmitochondrion\t3\n"
    "chr1\thuman.fa\tChordata\t\t\n"
)


def counted(folder: Path, **settings: object) -> Project:
    (folder / "genomes").mkdir()
    for name, records in FILES.items():
        write_fasta(folder / "genomes" / name, records)
    (folder / "taxa.tsv").write_text(TABLE)
    own = project(folder, folder / "genomes", batch_size=3, **settings)
    write_and_count(own)
    make_table(own.files, TableParameters())
    assert all(check(own.files).passed for check in (check_total, check_sums))
    assert check_recount(own.files, seed=1).passed
    return own


def codons(*records: tuple[str, str]) -> Counter[str]:
    """Codons of frame 0 of some records, by slicing; by file and id."""
    found = naive_counts([FILES[file][seq_id] for file, seq_id in records])
    return Counter(
        {
            codon: n
            for (strand, frame, codon), n in found.items()
            if strand == "+" and frame == 0 and codon in CODONS
        }
    )


def groups_of(own: Project) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in own.table().to_pylist():
        found.setdefault(row["group"], Counter())[row["codon"]] += row["count"]
    return {group: +counts for group, counts in found.items()}


EVERYTHING = [(file, seq_id) for file, records in FILES.items() for seq_id in records]


def test_each_file_is_a_group_without_a_table(tmp_path: Path) -> None:
    own = counted(tmp_path, group="file")
    assert groups_of(own) == {
        "all": codons(*EVERYTHING),
        "human.fa": codons(*EVERYTHING[:2]),
        "yeast.fa": codons(*EVERYTHING[2:]),
    }
    # Registering again does not have to repeat the setting.
    assert not project(tmp_path, tmp_path / "genomes").registered().is_new


def test_columns_are_groups_and_the_source_tells_ids_apart(tmp_path: Path) -> None:
    own = counted(tmp_path, metadata=tmp_path / "taxa.tsv", group="phylum,organelle", ignore_version="yes")
    assert groups_of(own) == {
        "all": codons(*EVERYTHING),
        "Ascomycota/mitochondrion": codons(("yeast.fa", "chrM")),
        "Chordata/mitochondrion": codons(("human.fa", "chrM")),
        "Chordata/unassigned": codons(("human.fa", "chr1.2")),
        "unassigned": codons(("yeast.fa", "chr1.5")),
    }
    meaning = {(row["group"], row["codon"]): row["amino_acid"] for row in own.table().to_pylist()}
    assert (meaning["Chordata/mitochondrion", "TGA"], meaning["unassigned", "TGA"]) == ("W", "*")
    assert (meaning["Ascomycota/mitochondrion", "CTG"], meaning["unassigned", "CTG"]) == ("T", "L")
    outcomes = [check_sequences(own.files, batch)["rows_assigned"] for batch in own.manifest.plan.keys]
    assert [outcome.figures["unassigned_rows"] for outcome in outcomes] == [0, 1]


def test_a_table_given_again_is_read_by_the_registered_groups(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "human.fa", FILES["human.fa"])
    (tmp_path / "taxa.tsv").write_text(TABLE)
    assert project(tmp_path, fasta, metadata=tmp_path / "taxa.tsv", group="phylum").registered().is_new
    assert not project(tmp_path, fasta, metadata=tmp_path / "taxa.tsv").registered().is_new


REUSED = {
    "another column": (
        {"group": "phylum"},
        {"group": "organelle"},
        "OPENGENOME_GROUP=phylum; it cannot be reused with organelle",
    ),
    "by file": (
        {"group": "phylum"},
        {"group": "file"},
        "OPENGENOME_GROUP=phylum; it cannot be reused with file",
    ),
    "no group before": (
        {"metadata": "codes.tsv"},
        {"group": "file"},
        "OPENGENOME_GROUP unset; it cannot be reused with file",
    ),
    "versions": (
        {"group": "phylum"},
        {"ignore_version": "yes"},
        "OPENGENOME_IGNORE_VERSION=no; it cannot be reused with yes",
    ),
    "no versions": (
        {"group": "phylum", "ignore_version": "yes"},
        {"ignore_version": "no"},
        "OPENGENOME_IGNORE_VERSION=yes; it cannot be reused with no",
    ),
    "another table": ({"group": "phylum"}, {"metadata": "others.tsv"}, "another metadata table"),
}


@pytest.mark.parametrize("name", REUSED)
def test_other_groups_under_one_name_are_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before, now, message = REUSED[name]
    write_fasta(tmp_path / "human.fa", FILES["human.fa"])
    (tmp_path / "taxa.tsv").write_text(TABLE)
    (tmp_path / "codes.tsv").write_text("seq_id\tgenetic_code\nchrM\t2\n")
    (tmp_path / "others.tsv").write_text(TABLE.replace("Chordata", "chordates"))
    first = {"metadata": "taxa.tsv", **before}
    assert project(tmp_path, "human.fa", **first).registered().is_new
    assert not project(tmp_path, "human.fa", **first).registered().is_new
    manifest = project(tmp_path, "human.fa").manifest
    with pytest.raises(PlanConflictError) as caught:
        project(tmp_path, "human.fa", **first | now).registered()
    assert str(caught.value).startswith(f"'mine' was registered with {message}. ")
    assert project(tmp_path, "human.fa").manifest == manifest


def test_the_refusal_of_other_groups_has_the_command(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "my genome.fa", FILES["human.fa"])
    (tmp_path / "taxa.tsv").write_text(TABLE)
    taxa, warehouse = tmp_path / "taxa.tsv", tmp_path / "warehouse"
    project(tmp_path, fasta, metadata=taxa, group="phylum", ignore_version="yes", sample=1).registered()
    with pytest.raises(PlanConflictError) as caught:
        project(tmp_path, fasta, metadata=taxa, group="organelle", sample=1).registered()
    assert str(caught.value).endswith(
        "Groups and genetic codes are counted together with the sequences, so count the input again under another "
        f"name: opengenome analyze codon --input '{fasta}' --dataset NAME --warehouse {warehouse} --sample 1 "
        f"--metadata {taxa} --group organelle --ignore-version. Or keep the registered value of OPENGENOME_GROUP."
    )


@pytest.mark.parametrize(("files", "named"), [(3, True), (4, False)])
def test_the_command_names_few_registered_files(tmp_path: Path, files: int, *, named: bool) -> None:
    (tmp_path / "genomes").mkdir()
    paths = [write_fasta(tmp_path / "genomes" / f"{number}.fa", {"a": "ACG"}) for number in range(files)]
    own = project(tmp_path, tmp_path / "genomes", group="file")
    own.registered()
    (tmp_path / "codes.tsv").write_text("seq_id\tgenetic_code\na\t2\n")
    # Only the name of the data set is given.
    del own.environment["OPENGENOME_INPUT"]
    own.environment["OPENGENOME_METADATA"] = str(tmp_path / "codes.tsv")
    with pytest.raises(PlanConflictError) as caught:
        own.registered()
    places = " ".join(map(str, paths)) if named else "PATH"
    command = f"--input {places} --dataset NAME --warehouse {own.warehouse} --metadata {tmp_path / 'codes.tsv'} --group file."
    assert command in str(caught.value)
    assert "registered with no metadata table" in str(caught.value)
