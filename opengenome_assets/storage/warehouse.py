"""Where results lie, and how a file gets there: whole or not at all.

On a local disk a file is written aside, synced and renamed. On an object store the completed upload is the
commit. A path is always relative to the data set's folder, so nothing in a record or a name can leave it.
"""

import fcntl
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from opengenome_assets.storage.object_store import file_system, read_object, store_errors, write_object

_ASIDE = re.compile(r"\.(?P<name>.+)\.(?P<host>[^.]+)\.(?P<kernel>[^.]+)\.[0-9a-f]+\.aside")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# In the kernel's place in a name: the file system has no locks.
_UNLOCKED = "unlocked"
# Whether another machine's writer lives cannot be seen from here, unless the file system carries locks.
_OTHERS_KEPT_SECONDS = 7 * 24 * 3600

_PROBE = ".writable"

MANIFEST = "manifest.json"
FREQUENCIES_PARQUET = "codon_frequencies.parquet"
FREQUENCIES_TSV = "codon_frequencies.tsv"
# How the two were made, and their sha256.
FREQUENCIES_JSON = "codon_frequencies.json"
# A folder with a table per batch.
BY_SEQUENCE = "codon_usage_by_sequence"


def file_list_path(sha256: str) -> str:
    """Where a list of input files lies: named by its contents, so that a manifest never meets another's."""
    return f"input_files/{sha256[:16]}.parquet"


def sequences_path(batch: str) -> str:
    """Where a batch of sequences lies."""
    return f"sequences/{batch}.parquet"


def rejected_path(batch: str) -> str:
    """Where the records lie that a batch set aside."""
    return f"rejected/{batch}.parquet"


def counts_path(batch: str) -> str:
    """Where the counts of a batch lie."""
    return f"codon_counts/{batch}.parquet"


def by_sequence_path(batch: str) -> str:
    """Where the table of a batch's sequences lies, a row each."""
    return f"{BY_SEQUENCE}/{batch}.parquet"


@dataclass(frozen=True)
class DatasetFolder:
    """The folder of one data set: ``{warehouse}/{dataset}``, a local path or a URI."""

    warehouse: str
    dataset: str

    @property
    def is_local(self) -> bool:
        return "://" not in self.warehouse

    @cached_property
    def root(self) -> str:
        base = str(Path(self.warehouse).absolute()) if self.is_local else self.warehouse.rstrip("/")
        return f"{base}/{self.dataset}"

    def location(self, path: str) -> str:
        """Absolute path or URI of a file, for people and for tasks."""
        return f"{self.root}/{path}"

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file for reading.

        Raises:
            FileNotFoundError: there is none.
        """
        with open_location(self.location(path)) as file:
            yield file

    def exists(self, path: str) -> bool:
        if self.is_local:
            return Path(self.location(path)).is_file()
        filesystem, inner = file_system(self.location(path))
        with store_errors(self.location(path)):
            return bool(filesystem.isfile(inner))

    @contextmanager
    def replace(self, path: str) -> Iterator[IO[bytes]]:
        """Write a file that appears, or takes the old one's place, only if the block ends well."""
        location = self.location(path)
        with replace_file(Path(location)) if self.is_local else write_object(location) as file:
            yield file

    def write(self, path: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""
        with self.replace(path) as file:
            file.write(content)

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder; none where there is no such folder."""
        if self.is_local:
            path = Path(self.location(folder))
            return sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else []
        filesystem, inner = file_system(self.location(folder))
        with store_errors(self.location(folder)):
            return sorted(file.split("/")[-1] for file in filesystem.find(inner, maxdepth=1))

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        if self.is_local:
            Path(self.location(path)).unlink(missing_ok=True)
            return
        filesystem, inner = file_system(self.location(path))
        with store_errors(self.location(path)), suppress(FileNotFoundError):
            filesystem.rm_file(inner)

    def remove_leftovers(self) -> list[str]:
        """Remove what writers left aside when they were killed; their files' names.

        A writer holds a lock on its file, which the kernel takes back when it ends. A lock is believed among the
        processes of one machine, its containers too; a file of another machine must be a week old besides.
        """
        removed = []
        if self.is_local:
            for file in Path(self.root).glob("**/.*.aside"):
                match = _ASIDE.fullmatch(file.name)
                if match and _remove_unless_locked(file, match):
                    removed.append(match["name"])
        return removed

    def check_writable(self) -> None:
        """Write a file and remove it: before an input is read for hours, rather than after.

        Raises:
            OSError: nothing can be written.
        """
        self.write(_PROBE, b"")
        self.remove(_PROBE)


def registered_names(warehouse: str) -> list[str]:
    """Keys of the data sets that have a manifest.

    Raises:
        WarehouseError: the object store cannot be reached, or refuses.
    """
    if "://" not in warehouse:
        return sorted(path.parent.name for path in Path(warehouse).glob(f"*/{MANIFEST}"))
    filesystem, inner = file_system(warehouse)
    with store_errors(warehouse):
        return sorted(path.split("/")[-2] for path in filesystem.glob(f"{inner.rstrip('/')}/*/{MANIFEST}"))


@contextmanager
def open_location(location: str) -> Iterator[IO[bytes]]:
    """Open a local path or a URI for reading."""
    if "://" in location:
        with read_object(location) as file:
            yield file
    else:
        with Path(location).open("rb") as file:
            yield file


@contextmanager
def replace_file(target: Path) -> Iterator[IO[bytes]]:
    """Write beside ``target`` and rename once everything is on disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside, file = _open_aside(target)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            # Before the file is closed, and its lock given up.
            aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    # The rename itself lasts only once the folder is on disk.
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _open_aside(target: Path) -> tuple[Path, IO[bytes]]:
    """A new file beside the target, locked for as long as it is open."""
    kernel = _kernel()
    while True:
        path = target.with_name(f".{target.name}.{_host()}.{kernel}.{secrets.token_hex(8)}.aside")
        file = path.open("xb")
        locked = _lock(file)
        if locked is None and kernel == _UNLOCKED:
            return path, file
        # Without a name it was taken for a leftover in the moment before it was locked.
        if locked and os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()
        path.unlink(missing_ok=True)
        if locked is None:
            kernel = _UNLOCKED


def _remove_unless_locked(file: Path, name: re.Match[str]) -> bool:
    """Remove a file aside whose writer has ended."""
    # It may be gone by now, be another user's, or lie where nothing can be removed.
    with suppress(OSError), file.open("r+b") as opened:
        written = os.fstat(opened.fileno()).st_mtime
        is_old = time.time() - written > _OTHERS_KEPT_SECONDS
        locked = _lock(opened)
        if locked if _is_of_this_machine(name, written) else is_old and locked is not False:
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


def _is_of_this_machine(name: re.Match[str], written: float) -> bool:
    kernel = _kernel()
    if name["kernel"] in (kernel, _UNLOCKED):
        return name["kernel"] == kernel
    # Of the time before it was started anew; what was written since is of another machine with the same name.
    started = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return name["host"] == _host() and written < started


def _kernel() -> str:
    """Names the running kernel, the same in all of its containers; another one once the machine is started anew."""
    try:
        return _BOOT_ID.read_text().strip().replace("-", "")
    except OSError:
        # No Linux, and so no containers of its own.
        return _host()


def _host() -> str:
    return socket.gethostname().replace(".", "-") or "host"
