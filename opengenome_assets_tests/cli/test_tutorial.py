"""The commands of docs/tutorial.md, run unchanged on a small folder of FASTA files."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from opengenome_assets import load_codon_frequencies
from opengenome_assets_tests.cli.scenario import PYTHON
from opengenome_assets_tests.scenario import made_up_records, write_fasta
from opengenome_assets_tests.services import ROOT, run_script, shell_blocks

COMMANDS = shell_blocks(ROOT / "docs" / "tutorial.md")


@dataclass(frozen=True)
class Followed:
    """What is in the folder after the tutorial, and what the commands printed."""

    folder: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "genomes").mkdir()
    write_fasta(folder / "genomes" / "some.fasta", made_up_records(120))
    write_fasta(folder / "genomes" / "one.fa", {"one": "ACGT" * 500})
    script = "".join(COMMANDS).replace("python -", f"'{PYTHON}' -")
    return Followed(folder, run_script(folder, script))


def test_from_fasta_to_a_figure_are_five_commands() -> None:
    assert len(COMMANDS) == 5


@pytest.mark.spark
def test_every_command_runs(followed: Followed) -> None:
    assert followed.done.returncode == 0, followed.done.stderr


@pytest.mark.spark
def test_there_is_a_figure(followed: Followed) -> None:
    with Image.open(followed.folder / "results" / "codons.png") as figure:
        # White paper, black text, and colours of which none covers everything.
        shades = figure.convert("L").histogram()
        assert figure.format == "PNG"
    assert shades[0]
    assert 0.1 * sum(shades) < shades[255] < 0.99 * sum(shades)


@pytest.mark.spark
@pytest.mark.parametrize("name", ["codon_frequencies.tsv", "report/index.html", "genomes.cut"])
def test_every_file_that_the_page_names_is_there(followed: Followed, name: str) -> None:
    assert (followed.folder / "results" / name).stat().st_size > 0


@pytest.mark.spark
def test_the_last_lines_that_the_page_shows_are_said(followed: Followed) -> None:
    assert "genomes: 121 rows in 2 batches, batch_0000 to batch_0001" in followed.done.stdout
    assert "2 of 2 batches counted now, 0 were finished before" in followed.done.stdout


@pytest.mark.spark
def test_the_table_is_in_the_folder_that_the_page_says(followed: Followed) -> None:
    table = load_codon_frequencies("genomes", warehouse=followed.folder / "data")
    assert table.num_rows == 64
