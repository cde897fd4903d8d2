"""``opengenome metadata``, and ``--metadata auto`` on the way: from headers, a table and a taxdump to groups and codes."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.manifest import load_manifest
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.metadata.make import RANKS
from opengenome_assets.metadata.metadata_table import kept_metadata
from opengenome_assets.metadata.ncbi import NcbiClient
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.metadata.dump import ROOT, TREE, Taxon, files, write_folder
from opengenome_assets_tests.metadata.eutils_server import record_of, serve_eutils
from opengenome_assets_tests.metadata.organelles_60 import ORGANELLES_60, RIGHT, needs_organelles_60
from opengenome_assets_tests.scenario import write_fasta


@pytest.fixture(autouse=True)
def home(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def genomes(tmp_path: Path) -> Path:
    path = tmp_path / "mine.fa"
    path.write_text(">c Felis catus mitochondrion [gcode=2]\nACGT\n>p plasmid pX\nACG\n>x\nAC\n")
    return path


@needs_organelles_60
@pytest.mark.parametrize("name", ["made.tsv", "made.parquet"])
def test_the_60_organelles_get_their_codes_by_one_command(tmp_path: Path, name: str) -> None:
    source = write_fasta(tmp_path / "organelles.fa", dict.fromkeys(RIGHT, "ACGT"))
    dump = write_folder(tmp_path / "dump", files(TREE))
    said = opengenome(
        *("metadata", "--input", source, "--from", ORGANELLES_60, "--taxdump", dump),
        *("--ranks", "phylum,class", "--output", name),
    )
    assert (said.code, said.out) == (0, f"metadata table of 60 records: {name}\n")
    if name.endswith("tsv"):
        lines = [line.split("\t") for line in (tmp_path / name).read_text().splitlines()]
        rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
        found = {
            row["seq_id"]: (row["organelle"], int(row["genetic_code"]), row["phylum"] or None) for row in rows
        }
    else:
        rows = pq.read_table(tmp_path / name).to_pylist()
        found = {row["seq_id"]: (row["organelle"], row["genetic_code"], row["phylum"]) for row in rows}
    assert found == RIGHT


def test_it_writes_a_table_of_the_headers(genomes: Path, tmp_path: Path) -> None:
    said = opengenome("metadata", "--input", genomes, "--from", "headers")
    assert said.code == 0
    assert (tmp_path / "metadata.tsv").read_text().splitlines() == [
        "seq_id\tgroup\tgenetic_code\torganelle\ttaxid\torganism",
        "c\tmitochondrion\t2\tmitochondrion\t\t",
        "p\tplasmid\t\tplasmid\t\t",
        "x\t\t\t\t\t",
    ]
    assert "1 record without an organelle, in the group unassigned: x" in said.err


def test_a_registered_data_set_is_named_without_its_input(genomes: Path, tmp_path: Path) -> None:
    place = ("--dataset", "mine", "--warehouse", tmp_path / "warehouse")
    assert opengenome("ingest", "--input", genomes, *place).code == 0
    assert opengenome("metadata", *place, "--output", "again.tsv").code == 0
    assert (tmp_path / "again.tsv").read_text().count("\n") == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "header"], "--from': there is no file 'header'. Give ncbi, headers, or the path"),
        (["--from", "s3:///absent.csv"], "--from: s3:///absent.csv cannot be read"),
        (["--taxdump", "absent"], "--taxdump: absent cannot be read"),
        (["--ranks", "phylum"], "--ranks phylum: ranks are from NCBI's taxonomy. Add --taxdump"),
        (["--ranks", "tribe", "--taxdump", "dump"], "rank 'tribe' is not in the taxdump"),
        (["--output", "folder/"], "--output"),
    ],
)
def test_wrong_options_are_one_error(genomes: Path, tmp_path: Path, options: list[str], message: str) -> None:
    write_folder(tmp_path / "dump", files(TREE))
    (tmp_path / "folder").mkdir()
    said = opengenome("metadata", "--input", genomes, *options)
    assert said.code in (1, 2)
    assert message in said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert not (tmp_path / "metadata.tsv").exists()


def test_an_existing_file_is_overwritten_only_by_force(genomes: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.tsv").write_text("by hand")
    said = opengenome("metadata", "--input", genomes)
    assert said.code == 2
    assert "--output metadata.tsv: the file exists. Add --force" in said.err
    assert (tmp_path / "metadata.tsv").read_text() == "by hand"
    assert opengenome("metadata", "--input", genomes, "--force").code == 0
    assert (tmp_path / "metadata.tsv").read_text().startswith("seq_id\t")


def test_auto_with_ranks_asks_for_the_taxdump_first(genomes: Path, tmp_path: Path) -> None:
    options = ("--input", genomes, "--warehouse", tmp_path / "warehouse", "--metadata", "auto")
    said = opengenome("ingest", *options, "--group", "organelle,phylum")
    assert said.code == 1
    assert "--group=organelle,phylum needs NCBI's taxonomy, which has the phylum" in said.err
    assert "reading the headers" not in said.err
    tree = [ROOT, *(Taxon(10 + i, 9 + i if i else 1, f"a {rank}", rank) for i, rank in enumerate(RANKS))]
    dump = write_folder(tmp_path / "dump", files(tree))
    assert opengenome("ingest", *options, "--group", "organelle,phylum", "--taxdump", dump).code == 0


def test_auto_makes_the_table_once(genomes: Path, tmp_path: Path) -> None:
    options = ("--input", genomes, "--warehouse", tmp_path / "warehouse", "--metadata", "auto")
    first = opengenome("ingest", *options)
    assert first.code == 0
    assert "1 record without an organelle, in the group unassigned: x" in first.err
    assert "without a genetic code" in first.err
    assert "--genetic-code" in first.err
    folder = DatasetFolder(str(tmp_path / "warehouse"), "mine")
    manifest = load_manifest(folder)
    assert manifest.settings.metadata is not None
    kept = kept_metadata(folder, manifest.settings.metadata)
    assert kept.groups.to_pylist() == ["mitochondrion", "plasmid", None]
    assert kept.codes.to_pylist() == [2, None, None]
    assert Path(folder.location("metadata.tsv")).is_file()
    again = opengenome("ingest", *options)
    assert again.code == 0
    assert "without an organelle" not in again.err
    assert load_manifest(folder) == manifest


def test_auto_is_refused_for_a_data_set_without_a_table(genomes: Path, tmp_path: Path) -> None:
    options = ("--input", genomes, "--warehouse", tmp_path / "warehouse")
    assert opengenome("ingest", *options).code == 0
    said = opengenome("ingest", *options, "--metadata", "auto")
    assert said.code == 1
    assert "was registered with no metadata table" in said.err


@pytest.mark.service
def test_auto_asks_ncbi_about_accessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_fasta(tmp_path / "mine.fa", {"NC_000001.1": "ACGT", "NC_000002.1": "ACG"})
    with serve_eutils(
        lambda accession: record_of(accession, 1, genome="mitochondrion", geneticcode="5")
    ) as server:
        client = NcbiClient(address=server.address, cache=tmp_path / "cache.sqlite", rate=100)
        monkeypatch.setattr(NcbiClient, "from_environment", lambda: client)
        said = opengenome(
            *("ingest", "--input", source, "--warehouse", tmp_path / "warehouse", "--metadata", "auto")
        )
    assert said.code == 0
    assert "2 records of another length than their source states" in said.err
    text = (tmp_path / "warehouse" / "mine" / "metadata.tsv").read_text()
    assert text.splitlines()[1].split("\t")[:3] == ["NC_000001.1", "mitochondrion", "5"]


@pytest.mark.parametrize(("option", "unassigned"), [("--ignore-version", 0), ("--no-ignore-version", 1)])
def test_versions_of_ids_are_ignored_by_option(tmp_path: Path, option: str, unassigned: int) -> None:
    source = write_fasta(tmp_path / "mine.fa", {"a.2": "ACGT", "b.1": "ACG"})
    (tmp_path / "groups.tsv").write_text("seq_id\tgroup\na\tx\nb.1\ty\n")
    options = ("--input", source, "--warehouse", tmp_path / "warehouse", "--metadata", "groups.tsv")
    said = opengenome("ingest", *options, option)
    assert said.code == 0
    assert said.err.count("1 record of 2 in the group 'unassigned': a.2") == unassigned
