"""What a warehouse holds of a data set: its state, its files by kind with their sizes, and how they are removed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opengenome_assets.batches.batch_files import BatchFileKind
from opengenome_assets.batches.manifest import Manifest, find_manifest
from opengenome_assets.datasets.catalogue import CatalogueEntry
from opengenome_assets.errors import ManifestError, SettingError
from opengenome_assets.files.warehouse import (
    FREQUENCIES_PARQUET,
    MANIFEST,
    REPORT,
    TABLES,
    DatasetFolder,
    registered_names,
)

_TABLE = rf"({TABLES}/[^/]+/)?"
# Paths of all files that the project writes into a data set's folder. Others may be the user's.
_PATHS = {
    "input": r"input/(demo\.parquet|stdin\.fasta)",
    "registration": rf"{re.escape(MANIFEST)}|(input_files|sidecar)/[0-9a-f]{{16}}\.parquet|metadata\.tsv",
    **{kind.value: rf"{_TABLE}{kind.value}/batch_\d+\.parquet" for kind in BatchFileKind},
    "codon_frequencies": rf"{_TABLE}codon_frequencies\.(parquet|tsv|json)",
    "report": rf"{_TABLE}{REPORT}/[^/]+",
    "temporary": r"(.+/)?\..+\.[0-9a-f]{16}\.aside|registering/[^/]+|\.writable|\.shared",
}
_OTHER = "other"


@dataclass(frozen=True)
class Inventory:
    """One data set, registered or only in the catalogue.

    Attributes:
        name: its key.
        folder: its folder, which may not exist.
        entry: its entry in the catalogue, if there is one.
        manifest: its manifest, if it is registered.
        fault: why the manifest cannot be read, if that is so.
        sizes: the files in the folder: path → bytes.
    """

    name: str
    folder: DatasetFolder
    entry: CatalogueEntry | None
    manifest: Manifest | None
    fault: str | None
    sizes: Mapping[str, int]

    @property
    def records(self) -> int | None:
        """Planned records; of an entry, the declared ones."""
        if self.manifest:
            return self.manifest.rows
        return self.entry.sequences if self.entry else None

    @property
    def batches_counted(self) -> int:
        """Batches of the plan that have a file of counts. The files are not read."""
        keys = self.manifest.plan.keys if self.manifest else []
        return sum(f"{BatchFileKind.COUNTS.value}/{key}.parquet" in self.sizes for key in keys)

    @property
    def state(self) -> str:
        """What is done, in a few words."""
        if self.fault:
            return "manifest cannot be read"
        if self.manifest is None:
            return "not registered"
        counted, batches = self.batches_counted, len(self.manifest.plan.keys)
        if counted == batches and FREQUENCIES_PARQUET in self.sizes:
            return "table made"
        return f"{counted:,} of {batches:,} batches counted" if counted else "registered"

    @property
    def other_tables(self) -> list[str]:
        """Names of the tables with other parameters than the data set's own."""
        inner = (re.fullmatch(rf"{TABLES}/([^/]+)/{FREQUENCIES_PARQUET}", path) for path in self.sizes)
        return sorted(found[1] for found in inner if found)

    @property
    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes of the files of each kind that has files."""
        total = Counter[str]()
        for path, size in self.sizes.items():
            total[_kind(path)] += size
        return {kind: total[kind] for kind in (*_PATHS, _OTHER) if kind in total}

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    @property
    def own(self) -> dict[str, int]:
        """The files that the project wrote: path → bytes. The manifest is the last, so that a removal can be repeated."""
        own = [path for path in self.sizes if _kind(path) != _OTHER]
        return {path: self.sizes[path] for path in sorted(own, key=lambda path: path == MANIFEST)}

    @property
    def others(self) -> list[str]:
        """Files in the folder that the project did not write."""
        return sorted(self.sizes.keys() - self.own.keys())

    def remove(self) -> None:
        """Remove the project's files, and the folders that are empty then.

        Raises:
            SettingError: a file cannot be removed.
            WarehouseError: the object store cannot be reached, or denies access.
        """
        for path in self.own:
            try:
                self.folder.remove(path)
            except OSError as error:
                location = self.folder.location(path)
                msg = f"{location}: cannot be removed ({error}). Fix this, and run the command again."
                raise SettingError(msg) from error
        self.folder.remove_empty_folders()


def _kind(path: str) -> str:
    return next((kind for kind, pattern in _PATHS.items() if re.fullmatch(pattern, path)), _OTHER)


def inventory_of(warehouse: str, name: str, catalogue: Mapping[str, CatalogueEntry]) -> Inventory:
    """The inventory of one data set.

    Args:
        warehouse: where data sets are kept.
        name: key of the data set, which must be valid.
        catalogue: the known entries.

    Raises:
        WarehouseError: the object store cannot be reached, or denies access.
    """
    folder = DatasetFolder(warehouse, name)
    manifest = fault = None
    try:
        manifest = find_manifest(folder)
    except ManifestError as error:
        fault = str(error)
    # Without a manifest, a folder of this name may be anything.
    sizes = folder.sizes() if manifest or fault else {}
    return Inventory(name, folder, catalogue.get(name.partition("@")[0]), manifest, fault, sizes)


def inventories(warehouse: str, catalogue: Mapping[str, CatalogueEntry]) -> Iterator[Inventory]:
    """The registered data sets, then the other entries of the catalogue, each sorted by name.

    Raises:
        WarehouseError: the object store cannot be reached, or denies access.
    """
    registered = registered_names(warehouse)
    for name in (*registered, *sorted(catalogue.keys() - set(registered))):
        yield inventory_of(warehouse, name, catalogue)
