"""The commands of docs/tutorial-organelles.md, run unchanged on small data, with NCBI's answers from loopback."""

import csv
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from opengenome_assets.metadata.make import RANKS
from opengenome_assets.metadata.ncbi import NcbiClient
from opengenome_assets_tests.metadata.dump import ROOT as LIFE
from opengenome_assets_tests.metadata.dump import Taxon, archive, files
from opengenome_assets_tests.metadata.eutils_server import record_of, serve_eutils
from opengenome_assets_tests.scenario import write_fasta
from opengenome_assets_tests.services import ROOT, run_script, shell_blocks

PAGE = ROOT / "docs" / "tutorial-organelles.md"
COMMANDS = shell_blocks(PAGE)
DOWNLOAD = "curl -O https://ftp.ncbi.nlm.nih.gov/pub/taxonomy/new_taxdump/new_taxdump.tar.gz\n"
# Accession → organelle, taxid and genetic code, as NCBI answers. The last code is that of the nucleus.
NCBI = {
    "NC_012920.1": ("mitochondrion", 25, 2),
    "NC_001224.1": ("mitochondrion", 35, 3),
    "NC_000932.1": ("chloroplast", 45, 1),
}


def lineage(first: int, phylum: str, mitochondrial: int, plastid: int | None = None) -> list[Taxon]:
    """A taxon of each rank, from the phylum to the species."""
    return [
        Taxon(
            first + place,
            first + place - 1 if place else 1,
            f"{phylum} {rank}" if place else phylum,
            rank,
            mitochondrial=mitochondrial,
            plastid=plastid,
        )
        for place, rank in enumerate(RANKS)
    ]


TREE = [
    LIFE,
    *lineage(20, "Chordata", 2),
    *lineage(30, "Ascomycota", 3),
    *lineage(40, "Streptophyta", 1, plastid=11),
]


@dataclass(frozen=True)
class Followed:
    """What is in the folder after the tutorial, and what the commands printed."""

    folder: Path
    done: subprocess.CompletedProcess[str]

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open() as file:
            return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("organelles")
    chance = random.Random(3)
    genomes = {name: "".join(chance.choices("ACGT", k=3000)) for name in [*NCBI, "mine"]}
    (folder / "genomes").mkdir()
    write_fasta(folder / "genomes" / "organelles.fasta", genomes)
    (folder / "catalogue.toml").write_text(
        f'[organelle]\ndescription = "Four"\nlocation = "{folder / "genomes" / "organelles.fasta"}"\n'
    )
    (folder / "facts.tsv").write_text("acc\ttaxid\torganelle\nNC_012920.1\t25\tmitochondrion\n")
    (folder / "new_taxdump.tar.gz").write_bytes(archive(files(TREE)))
    # What NCBI answered is kept, so the commands do not ask again.
    with serve_eutils(
        lambda accession: record_of(
            accession,
            NCBI[accession][1],
            genome=NCBI[accession][0],
            taxid=NCBI[accession][1],
            geneticcode=str(NCBI[accession][2]),
            slen=3000,
        )
    ) as server:
        cache = folder / "cache" / "opengenome" / "ncbi-1.sqlite"
        NcbiClient(address=server.address, cache=cache, rate=100).facts(list(NCBI), lambda _: None)
    variables = f"export XDG_CACHE_HOME='{folder}/cache' OPENGENOME_CATALOGUE='{folder}/catalogue.toml'\n"
    script = variables + "".join(COMMANDS).replace(DOWNLOAD, "")
    return Followed(folder, run_script(folder, script, within=600))


def test_the_page_downloads_the_taxonomy_first() -> None:
    assert COMMANDS[0] == DOWNLOAD
    assert len(COMMANDS) == 7


@pytest.mark.spark
@pytest.mark.service
def test_every_command_runs(followed: Followed) -> None:
    assert followed.done.returncode == 0, followed.done.stderr


@pytest.mark.spark
@pytest.mark.service
def test_the_log_says_what_the_page_shows(followed: Followed) -> None:
    shown = PAGE.read_text().split("```text\n")[1].split("```")[0]
    assert shown in followed.done.stderr
    # The taxdump's code is used for the plastid, not NCBI's answer.
    assert "another genetic code in NCBI's answer: NC_000932.1 (used: 11, there: 1)\n" in followed.done.stderr


@pytest.mark.spark
@pytest.mark.service
@pytest.mark.parametrize(
    ("folder", "meaning"),
    [
        (
            "results",
            {
                "all": "",
                "mitochondrion/2": "W",
                "mitochondrion/3": "W",
                "plastid/11": "*",
                "unassigned": "*",
            },
        ),
        (
            "by-phylum",
            {
                "all": "",
                "mitochondrion/Ascomycota": "W",
                "mitochondrion/Chordata": "W",
                "plastid/Streptophyta": "*",
                "unassigned": "*",
            },
        ),
    ],
)
def test_each_group_is_read_by_its_code(followed: Followed, folder: str, meaning: dict[str, str]) -> None:
    rows = followed.rows(f"{folder}/codon_frequencies.tsv")
    assert {row["group"]: row["amino_acid"] for row in rows if row["codon"] == "TGA"} == meaning
    counted = {group: sum(int(row["count"]) for row in rows if row["group"] == group) for group in meaning}
    assert counted == {group: 4000 if group == "all" else 1000 for group in meaning}
    assert (followed.folder / folder / "report" / "index.html").is_file()


@pytest.mark.spark
@pytest.mark.service
def test_the_export_has_the_codons_of_its_group(followed: Followed) -> None:
    text = (followed.folder / "vertebrates.cut").read_text()
    assert text.startswith("#Species: mitochondrion/2\n")
    assert "\nTGA    W " in text


@pytest.mark.spark
@pytest.mark.service
def test_one_command_for_own_files_gives_the_same(followed: Followed) -> None:
    assert followed.rows("mine/codon_frequencies.tsv") == followed.rows("by-phylum/codon_frequencies.tsv")
    own, asked = followed.rows("data/mine/metadata.tsv"), followed.rows("organelles.tsv")
    assert own == asked


@pytest.mark.spark
@pytest.mark.service
def test_a_table_of_facts_needs_no_request(followed: Followed) -> None:
    first, *others = followed.rows("from-table.tsv")
    assert [first[name] for name in ("seq_id", "group", "genetic_code", "phylum")] == [
        "NC_012920.1",
        "mitochondrion",
        "2",
        "Chordata",
    ]
    assert all(row["group"] == "" for row in others)
