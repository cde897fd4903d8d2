"""``opengenome batches``: keys, rows and state."""

import subprocess
from pathlib import Path

import pytest

from opengenome_assets_tests.cli.scenario import PYTHON, Analyzed, Said, clean_room, opengenome
from opengenome_assets_tests.scenario import write_fasta

HEADER = ["batch", "first_row", "rows", "bases", "state"]


def rows(said: Said) -> list[list[str]]:
    header, *lines = [line.split("\t") for line in said.out.splitlines()]
    assert header == HEADER
    return lines


@pytest.mark.spark
def test_a_batch_that_is_counted_is_told_from_one_that_is_not(analyzed: Analyzed) -> None:
    found = rows(opengenome("batches", "--dataset", "mine", "--warehouse", analyzed.warehouse))
    assert [[*line[:3], line[4]] for line in found] == [
        ["batch_0000", "0", "150", "counted"],
        ["batch_0001", "150", "150", "counted"],
        ["batch_0002", "300", "100", "counted"],
    ]


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which ``a``, of two records, is registered, and ``b`` as a sample of one record."""
    folder = tmp_path_factory.mktemp("registered")
    whole = write_fasta(folder / "a.fa", {"x": "ACG", "y": "AC"})
    sampled = write_fasta(folder / "b.fa", {"x": "ACG", "y": "ACG"})
    with clean_room():
        opengenome("ingest", "-i", whole, "-w", folder / "warehouse")
        opengenome("ingest", "--input", sampled, "--warehouse", folder / "warehouse", "--sample", 1)
    return folder / "warehouse"


def test_a_registered_batch_has_its_bases_and_is_to_do(registered: Path) -> None:
    found = rows(opengenome("batches", "-d", "a", "-w", registered))
    assert found == [["batch_0000", "0", "2", "5", "to do"]]


def test_those_of_a_sample_are_its_own(registered: Path) -> None:
    found = rows(opengenome("batches", "--dataset", "b", "--warehouse", registered, "--sample", 1))
    assert found == [["batch_0000", "0", "1", "3", "to do"]]


def test_a_catalogue_entry_has_its_declared_batches(warehouse: Path) -> None:
    assert len(rows(opengenome("batches", "--dataset", "demo", "--warehouse", warehouse))) == 3


def test_an_input_that_is_not_registered_has_no_batches(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_INPUT", str(tmp_path / "a.fa"))
    said = opengenome("batches", "--warehouse", warehouse)
    assert (said.code, said.out) == (2, "")
    assert "a: not registered yet, so its batches are not known. Run opengenome ingest" in said.err


def test_a_sample_that_is_not_registered_is_refused(registered: Path) -> None:
    said = opengenome("batches", "-d", "a", "-w", registered, "--sample", 1)
    assert said.code == 2
    assert "a@sample-1: no data set with this name" in said.err


def test_a_reader_that_has_enough_ends_it_in_silence(warehouse: Path) -> None:
    command = f"OPENGENOME_SEQUENCES=40000 '{PYTHON}' -c '{MAIN}' batches -d x -w '{warehouse}' | head -n 1"
    variables = {"OPENGENOME_BATCH_SIZE": "1"}
    done = subprocess.run(["bash", "-c", command], env=variables, capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (HEADER, "")


MAIN = "from opengenome_assets.cli import main; main()"
