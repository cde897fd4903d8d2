"""Writes a local file whole or not at all: beside its place, synced, and then renamed.

A writer locks the file beside, and the kernel releases the lock when the writer ends, however it ends. So a file beside
whose lock is free is what a killed writer left.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_ASIDE = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.aside")
# On a file system without locks nobody can see whether a writer lives.
_KEPT_WITHOUT_LOCKS_SECONDS = 7 * 24 * 3600


@contextmanager
def replace_file(target: Path) -> Iterator[IO[bytes]]:
    """Write beside ``target`` and rename once everything is on disk.

    Raises:
        OSError: the file cannot be written; what was at its place before is unchanged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside, file = _open_aside(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Before the file is closed and its lock released.
            aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    # The rename itself is durable only once the folder is on disk.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_leftovers(root: Path) -> list[str]:
    """Remove what killed writers left in a folder and below it; the names of the files that they were writing."""
    removed = []
    for file in root.glob("**/.*.aside"):
        match = _ASIDE.fullmatch(file.name)
        if match and _remove_unless_locked(file):
            removed.append(match["name"])
    return removed


def _open_aside(target: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside the target, locked for as long as it is open."""
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(8)}.aside")
        file = path.open("xb")
        # Another process may have taken it for a leftover in the moment before it was locked.
        if _lock(file) is not False and os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()
        path.unlink(missing_ok=True)


def _remove_unless_locked(file: Path) -> bool:
    """Remove a file whose writer has ended."""
    # It may be gone by now, be another user's, or be in a folder where nothing can be removed.
    with suppress(OSError), file.open("r+b") as opened:
        has_lock = _lock(opened)
        age = time.time() - os.fstat(opened.fileno()).st_mtime
        if has_lock or (has_lock is None and age > _KEPT_WITHOUT_LOCKS_SECONDS):
            file.unlink()
            return True
    return False


def _lock(file: IO[bytes]) -> bool | None:
    """Whether an open file could be locked; None where the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
