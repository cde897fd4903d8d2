"""Files of the warehouse are complete or absent, and no temporary files remain."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from opengenome_assets.files.warehouse import DatasetFolder


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


@pytest.mark.parametrize("size", [5, 3_000_000])
def test_a_file_is_on_disk_before_it_takes_its_name(
    folder: DatasetFolder, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    folder.write("a.bin", b"before")
    sync = os.fsync
    done: list[tuple[str, int, int]] = []

    def synced(descriptor: int) -> None:
        sync(descriptor)
        status = os.fstat(descriptor)
        done.append(("sync", status.st_ino, status.st_size if stat.S_ISREG(status.st_mode) else -1))

    def renaming(real: Callable[..., None]) -> Callable[..., None]:
        def renamed(source: Path, target: Path) -> None:
            done.append(("rename", Path(source).stat().st_ino, Path(source).stat().st_size))
            real(source, target)

        return renamed

    monkeypatch.setattr(os, "fsync", synced)
    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, renaming(getattr(os, name)))
    folder.write("a.bin", b"x" * size)
    file, parent = Path(folder.location("a.bin")), Path(folder.root)
    # Whole, and then the folder, whose entry the rename has changed.
    assert done == [
        ("sync", file.stat().st_ino, size),
        ("rename", file.stat().st_ino, size),
        ("sync", parent.stat().st_ino, -1),
    ]


# A writer in a process of its own: killed with half of the file written, killed where it would rename, or held there
# until its input ends.
WRITER = """
import os, signal, sys
from opengenome_assets.files.warehouse import DatasetFolder
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def hold(*_):
    print("holds", flush=True)
    sys.stdin.read()
    rename(*_)
rename = os.replace
if sys.argv[2] != "half":
    os.replace = die if sys.argv[2] == "whole" else hold
with DatasetFolder(sys.argv[1], "mine").replace("a.bin") as file:
    file.write(b"after")
    file.flush()
    if sys.argv[2] == "half":
        die()
"""


def killed_writer(folder: DatasetFolder, when: str) -> Path:
    """Write until the process is killed; what it leaves."""
    subprocess.run([sys.executable, "-c", WRITER, folder.warehouse, when], check=False)
    (left,) = Path(folder.root).glob("*.aside")
    return left


@contextmanager
def living_writer(folder: DatasetFolder) -> Iterator[Path]:
    """The file aside of a process that is about to rename it, and does when the block ends."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, folder.warehouse, "hold"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"holds\n"
        (aside,) = Path(folder.root).glob("*.aside")
        yield aside
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize("when", ["half", "whole"])
def test_a_killed_writer_leaves_the_old_file_and_a_leftover(folder: DatasetFolder, when: str) -> None:
    folder.write("a.bin", b"before")
    left = killed_writer(folder, when)
    assert left.read_bytes() == b"after"
    with folder.open("a.bin") as file:
        assert file.read() == b"before"
    assert folder.remove_leftovers() == ["a.bin"]
    assert names(folder) == ["a.bin"]


def test_what_a_living_writer_has_aside_is_left_alone(folder: DatasetFolder) -> None:
    with living_writer(folder):
        assert folder.remove_leftovers() == []
    with folder.open("a.bin") as file:
        assert file.read() == b"after"
    assert names(folder) == ["a.bin"]


def test_what_this_process_itself_has_aside_is_left_alone(folder: DatasetFolder) -> None:
    with folder.replace("a.bin") as file:
        file.write(b"going on")
        assert folder.remove_leftovers() == []
    assert folder.exists("a.bin")


def test_a_file_is_rewritten_while_leftovers_are_removed(folder: DatasetFolder) -> None:
    """A writer's file is new and without a lock for a moment, in which it is taken for a leftover."""
    over = threading.Event()
    removed = []

    def remove() -> None:
        while not over.is_set():
            removed.extend(folder.remove_leftovers())

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for number in range(100):
            folder.write("a.bin", str(number).encode())
            with folder.open("a.bin") as file:
                assert file.read() == str(number).encode()
    finally:
        over.set()
        thread.join()
    assert names(folder) == ["a.bin"]


def test_a_file_removed_before_it_was_locked_is_begun_again(
    folder: DatasetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock
    taken: list[Path] = []

    def flock(file: IO[bytes], operation: int) -> None:
        if not taken:
            taken.extend(Path(folder.root).glob("*.aside"))
            taken[0].unlink()
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    folder.write("a.bin", b"whole")
    assert len(taken) == 1
    with folder.open("a.bin") as file:
        assert file.read() == b"whole"


def test_without_locks_leftovers_are_kept_for_a_week(
    folder: DatasetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: IO[bytes], operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with folder.replace("a.bin") as file:
        (aside,) = Path(folder.root).glob("*.aside")
        file.write(b"whole")
        assert folder.remove_leftovers() == []
    assert names(folder) == ["a.bin"]
    aside.write_bytes(b"left")
    for days, removed in ((6.9, []), (7.1, ["a.bin"])):
        then = time.time() - days * 24 * 3600
        os.utime(aside, (then, then))
        assert folder.remove_leftovers() == removed
