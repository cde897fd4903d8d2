"""The folders of data sets in the warehouse. Files in them are written completely or not at all.

On a local disk a file is written under a temporary name, synced and renamed. In an object store the completed upload
is the commit. Paths are always relative to the data set's folder, so that no record or name can point outside of it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO

from opengenome_assets.files.atomic_write import remove_leftovers, replace_file
from opengenome_assets.files.remote import read_object, store, write_object
from opengenome_assets.paths import is_uri

_PROBE = ".writable"

MANIFEST = "manifest.json"
FREQUENCIES_PARQUET = "codon_frequencies.parquet"
FREQUENCIES_TSV = "codon_frequencies.tsv"
# Parameters and sha256 of the two tables.
FREQUENCIES_JSON = "codon_frequencies.json"
# Folder with one table per batch.
BY_SEQUENCE = "codon_usage_by_sequence"
# Folder of a table's report.
REPORT = "report"
# Folder of the tables with other parameters than the data set's own.
TABLES = "tables"


def file_list_path(sha256: str) -> str:
    """Path of a list of input files. Its name is a hash of its contents, so that each manifest finds its own list."""
    return f"input_files/{sha256[:16]}.parquet"


@dataclass(frozen=True)
class DatasetFolder:
    """The folder of one data set: ``{warehouse}/{dataset}``, a local path or a URI; or a folder inside of it."""

    warehouse: str
    dataset: str
    inner: str = ""

    @property
    def is_local(self) -> bool:
        return not is_uri(self.warehouse)

    @cached_property
    def root(self) -> str:
        base = str(Path(self.warehouse).absolute()) if self.is_local else self.warehouse.rstrip("/")
        return f"{base}/{self.dataset}/{self.inner}".rstrip("/")

    def inside(self, path: str) -> "DatasetFolder":
        """A folder inside of this one."""
        return replace(self, inner=f"{self.inner}/{path}".strip("/"))

    def location(self, path: str) -> str:
        """Absolute path or URI of a file, for messages and for tasks."""
        return f"{self.root}/{path}"

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file for reading.

        Raises:
            FileNotFoundError: it does not exist.
        """
        with open_location(self.location(path)) as file:
            yield file

    def exists(self, path: str) -> bool:
        if self.is_local:
            return Path(self.location(path)).is_file()
        with store(self.location(path)) as (filesystem, inner):
            return bool(filesystem.isfile(inner))

    @contextmanager
    def replace(self, path: str) -> Iterator[IO[bytes]]:
        """Write a file that appears, or replaces the old one, only if the block ends without an error."""
        location = self.location(path)
        with replace_file(Path(location)) if self.is_local else write_object(location) as file:
            yield file

    def write(self, path: str, content: bytes) -> None:
        """Write a small file, completely or not at all."""
        with self.replace(path) as file:
            file.write(content)

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder; empty if the folder does not exist."""
        if self.is_local:
            path = Path(self.location(folder))
            return sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else []
        with store(self.location(folder)) as (filesystem, inner):
            return sorted(file.split("/")[-1] for file in filesystem.find(inner, maxdepth=1))

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        if self.is_local:
            Path(self.location(path)).unlink(missing_ok=True)
            return
        with store(self.location(path)) as (filesystem, inner), suppress(FileNotFoundError):
            filesystem.rm_file(inner)

    def sizes(self) -> dict[str, int]:
        """All files in the folder and below: path → bytes. Links to folders are not followed, and listed as files."""
        if self.is_local:
            return dict(_local_sizes(Path(self.root)))
        with store(self.root) as (filesystem, inner), suppress(FileNotFoundError):
            found = filesystem.find(inner, detail=True)
            return {
                path.removeprefix(f"{inner.rstrip('/')}/"): entry["size"] for path, entry in found.items()
            }
        return {}

    def remove_empty_folders(self) -> None:
        """Remove the folders below, and the folder itself, that have no files. An object store has none."""
        if self.is_local:
            for folder, _, _ in os.walk(self.root, topdown=False):
                # Only an empty folder can be removed like this.
                with suppress(OSError):
                    Path(folder).rmdir()

    def remove_leftovers(self) -> list[str]:
        """Remove the temporary files of killed writers. Returns the names of their target files."""
        return remove_leftovers(Path(self.root)) if self.is_local else []

    def check_writable(self) -> None:
        """Write and remove a file, to detect a read-only folder before an input is read for hours.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.write(_PROBE, b"")
        self.remove(_PROBE)


def _local_sizes(root: Path) -> Iterator[tuple[str, int]]:
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for path in (Path(folder) / name for name in (*files, *links)):
            # A running command may remove it meanwhile.
            with suppress(FileNotFoundError):
                yield path.relative_to(root).as_posix(), path.lstat().st_size


def registered_names(warehouse: str) -> list[str]:
    """Keys of the data sets that have a manifest.

    Raises:
        WarehouseError: the object store cannot be reached, or denies access.
    """
    if not is_uri(warehouse):
        return sorted(path.parent.name for path in Path(warehouse).glob(f"*/{MANIFEST}"))
    with store(warehouse) as (filesystem, inner):
        return sorted(path.split("/")[-2] for path in filesystem.glob(f"{inner.rstrip('/')}/*/{MANIFEST}"))


@contextmanager
def open_location(location: str) -> Iterator[IO[bytes]]:
    """Open a local path or a URI for reading."""
    with read_object(location) if is_uri(location) else Path(location).open("rb") as file:
        yield file
