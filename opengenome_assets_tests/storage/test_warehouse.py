"""Files of the warehouse: whole or absent, and nothing left aside."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from opengenome_assets.storage.warehouse import DatasetFolder


def names(folder: DatasetFolder) -> list[str]:
    return [path.name for path in Path(folder.root).iterdir()]


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    return DatasetFolder(str(tmp_path), "mine")


def test_a_file_appears_when_its_block_ends(folder: DatasetFolder) -> None:
    with folder.replace("a/b.bin") as file:
        file.write(b"whole")
        assert not folder.exists("a/b.bin")
    with folder.open("a/b.bin") as file:
        assert file.read() == b"whole"


def test_what_was_there_before_stays_when_writing_fails(folder: DatasetFolder) -> None:
    folder.write("a.bin", b"before")

    def fail() -> None:
        with folder.replace("a.bin") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with folder.open("a.bin") as file:
        assert file.read() == b"before"
    assert names(folder) == ["a.bin"]


def test_a_writer_killed_before_the_rename_leaves_no_file_and_its_leftover_is_removed(
    folder: DatasetFolder,
) -> None:
    script = (
        "import os, signal, sys\n"
        "from opengenome_assets.storage.warehouse import DatasetFolder\n"
        "with DatasetFolder(sys.argv[1], 'mine').replace('a.bin') as file:\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, folder.warehouse], check=False)
    assert not folder.exists("a.bin")
    assert len(names(folder)) == 1
    assert folder.remove_leftovers() == ["a.bin"]
    assert names(folder) == []


def test_what_a_living_writer_has_aside_is_left_alone(folder: DatasetFolder) -> None:
    with folder.replace("a.bin") as file:
        file.write(b"going on")
        assert folder.remove_leftovers() == []
    assert folder.exists("a.bin")


def test_what_another_machine_has_aside_is_left_alone(folder: DatasetFolder) -> None:
    Path(folder.root).mkdir()
    aside = Path(folder.root) / f".a.bin.not-{socket.gethostname().replace('.', '-')}.999999.0.aside"
    aside.write_bytes(b"theirs")
    assert folder.remove_leftovers() == []
    assert aside.exists()
