"""Writes a local file atomically: to a temporary file in the same folder, which is synced and then renamed.

A writer locks its temporary file, and the kernel releases the lock when the writer ends for any reason. So a temporary
file without a lock is a leftover of a killed writer.
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
# On a file system without locks, it is unknown whether the writer still runs.
_KEPT_WITHOUT_LOCKS_SECONDS = 7 * 24 * 3600


@contextmanager
def replace_file(target: Path, *, is_synced: bool = True) -> Iterator[IO[bytes]]:
    """Write a temporary file and rename it to ``target`` once everything is on disk.

    Args:
        target: the file.
        is_synced: wait for the disk. A caller that writes many files can sync them together instead.

    Raises:
        OSError: the file cannot be written. An existing file is unchanged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside, file = _open_aside(target)
    try:
        with file:
            yield file
            file.flush()
            if is_synced:
                os.fsync(file.fileno())
            # Before the file is closed and its lock released.
            aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if not is_synced:
        return
    # The rename itself is durable only once the folder is on disk.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_leftovers(root: Path) -> list[str]:
    """Remove the temporary files of killed writers in a folder and below. Returns the names of their target files."""
    removed = []
    for file in root.glob("**/.*.aside"):
        match = _ASIDE.fullmatch(file.name)
        if match and _remove_unless_locked(file):
            removed.append(match["name"])
    return removed


def _open_aside(target: Path) -> tuple[Path, IO[bytes]]:
    """A new temporary file in the folder of the target, locked while it is open."""
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(8)}.aside")
        file = path.open("xb")
        # Before it was locked, another process may have removed it as a leftover.
        if _lock(file) is not False and os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()
        path.unlink(missing_ok=True)


def _remove_unless_locked(file: Path) -> bool:
    """Remove a file whose writer has ended."""
    # It may have been removed, belong to another user, or be in a read-only folder.
    with suppress(OSError), file.open("r+b") as opened:
        has_lock = _lock(opened)
        age = time.time() - os.fstat(opened.fileno()).st_mtime
        if has_lock or (has_lock is None and age > _KEPT_WITHOUT_LOCKS_SECONDS):
            file.unlink()
            return True
    return False


def _lock(file: IO[bytes]) -> bool | None:
    """Lock an open file; False if another process has locked it, None if the file system has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
