"""The manifest: what was registered, and the plan of its batches. Small, and all that loading reads."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from opengenome_assets import __version__
from opengenome_assets.batches.plan import BatchPlan, batch_number
from opengenome_assets.errors import ManifestError, NotRegisteredError, WarehouseError
from opengenome_assets.files.formats import (
    BATCH_FILE,
    INPUT_FILE_LIST,
    MANIFEST_FILE,
    stated_format,
    writer_in,
)
from opengenome_assets.files.warehouse import MANIFEST, DatasetFolder, file_list_path
from opengenome_assets.settings import BatchSize, OnInvalid, SoftMask


@dataclass(frozen=True)
class PlanSettings:
    """Settings that change rows or counts, and so belong to the fingerprint."""

    batch_size: BatchSize
    sample: int | None
    on_invalid: OnInvalid
    soft_mask: SoftMask
    # sha256 of the sidecar table
    metadata: str | None


@dataclass(frozen=True)
class BatchStamp:
    """Identity of a batch file.

    Attributes:
        dataset: key of the data set.
        batch: partition key.
        first_row: number of the batch's first row in the input.
        end_row: number after its last row.
        batch_size: rows per batch, or ``auto``.
        fingerprint: of the plan, and so of the input and the settings that change counts.
        format: version of the files' layout.
    """

    dataset: str
    batch: str
    first_row: int
    end_row: int
    batch_size: int | str
    fingerprint: str
    format: int = BATCH_FILE.written


@dataclass(frozen=True)
class Manifest:
    """What the input is and how it is cut.

    Attributes:
        dataset: key of the data set.
        fingerprint: sha256 over the input's contents and the plan's settings.
        settings: the plan's settings.
        boundaries: row numbers between batches; batch k is [boundaries[k], boundaries[k + 1]).
        batch_bases: bases of each batch, as registered.
        input_rows: records of the whole input.
        input_bases: bases of the whole input.
        effective_records: as many records of one length would tell as much as the planned ones (Kish), without
            those set aside.
        longest: bases of the longest record.
        longest_id: its id.
        files: number of input files; their list stands beside the manifest.
        file_list: sha256 of that list.
        rejected: records of the input with a byte that is no nucleotide letter, to be set aside.
        unmatched_ids: ids of the sidecar table that match nothing in the input.
        source: where the input came from: location or repository, and revision.
        versions: the project and its main dependencies, when it was registered.
        format: of this file.
    """

    dataset: str
    fingerprint: str
    settings: PlanSettings
    boundaries: tuple[int, ...]
    batch_bases: tuple[int, ...]
    input_rows: int
    input_bases: int
    effective_records: float
    longest: int
    longest_id: str
    files: int
    file_list: str
    rejected: int
    unmatched_ids: int
    source: dict[str, Any]
    versions: dict[str, str]
    format: int = MANIFEST_FILE.written

    @property
    def plan(self) -> BatchPlan:
        return BatchPlan(self.boundaries)

    @property
    def rows(self) -> int:
        return self.boundaries[-1]

    @property
    def bases(self) -> int:
        return sum(self.batch_bases)

    def bases_of(self, key: str) -> int:
        """Bases of one batch, as registered."""
        return self.batch_bases[batch_number(key)]

    def stamp(self, key: str) -> BatchStamp:
        """What every file of this batch must say of itself."""
        first, end = self.plan.range_of(key)
        return BatchStamp(self.dataset, key, first, end, self.settings.batch_size, self.fingerprint)

    def provenance(self) -> dict[str, Any]:
        """What every output's metadata carry about its origin."""
        return {
            "dataset": self.dataset,
            "source": self.source,
            "input_files": self.files,
            "input_file_list_sha256": self.file_list,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "bases": self.bases,
            "effective_records": self.effective_records,
            "batches": len(self.batch_bases),
            "settings": asdict(self.settings),
            "versions": current_versions(),
        }


def find_manifest(folder: DatasetFolder) -> Manifest | None:
    """Read the manifest of a data set, or None where nothing is registered.

    Raises:
        ManifestError: there is one that cannot be read: never taken for none.
    """
    location = folder.location(MANIFEST)
    mend = f"Restore it, or remove {folder.root} and register the input again."
    anew = (
        f"Remove {folder.root} and run opengenome analyze codon on the input, which makes all of it anew; or use "
        "the version that wrote it."
    )
    try:
        with folder.open(MANIFEST) as file:
            fields = json.load(file)
        if not isinstance(fields, dict):
            msg = "not a JSON object"
            raise TypeError(msg)
        _check_kind("format", fields.get("format"), int)
        if refusal := MANIFEST_FILE.refusal(fields["format"], location, writer_in(fields), anew):
            raise ManifestError(refusal)
        settings = PlanSettings(**fields.pop("settings"))
        boundaries, batch_bases = tuple(fields.pop("boundaries")), tuple(fields.pop("batch_bases"))
        manifest = Manifest(settings=settings, boundaries=boundaries, batch_bases=batch_bases, **fields)
        _check(manifest, folder)
    except FileNotFoundError:
        return None
    except WarehouseError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"{location}: cannot be read ({error}). {mend}"
        raise ManifestError(msg) from error
    return manifest


def _check(manifest: Manifest, folder: DatasetFolder) -> None:
    for name, kind in _KINDS.items():
        _check_kind(name, getattr(manifest, name), kind)
    for name, kind in _SETTING_KINDS.items():
        _check_kind(f"settings.{name}", getattr(manifest.settings, name), kind)
    cuts = manifest.boundaries
    for number in (*cuts, *manifest.batch_bases):
        _check_kind("a boundary or a number of bases", number, int)
    if len(cuts) < 2 or cuts[0] != 0 or any(a >= b for a, b in pairwise(cuts)):
        msg = "boundaries must begin with 0 and rise"
        raise ValueError(msg)
    if len(manifest.batch_bases) != len(cuts) - 1:
        msg = f"{len(manifest.batch_bases)} numbers of bases for {len(cuts) - 1} batches"
        raise ValueError(msg)
    if min(manifest.batch_bases) < 0 or cuts[-1] > manifest.input_rows:
        msg = f"{cuts[-1]:,} planned rows of {manifest.input_rows:,}, or a negative number of bases"
        raise ValueError(msg)
    if manifest.dataset != folder.dataset:
        msg = f"it is of data set {manifest.dataset!r}, not {folder.dataset!r}"
        raise ValueError(msg)


# What JSON may hold of each field; booleans are no numbers here.
_KINDS: dict[str, Any] = {
    "dataset": str,
    "fingerprint": str,
    "input_rows": int,
    "input_bases": int,
    "effective_records": int | float,
    "longest": int,
    "longest_id": str,
    "files": int,
    "file_list": str,
    "rejected": int,
    "unmatched_ids": int,
    "source": dict,
    "versions": dict,
    "format": int,
}
_SETTING_KINDS: dict[str, Any] = {
    "batch_size": int | str,
    "sample": int | None,
    "on_invalid": str,
    "soft_mask": str,
    "metadata": str | None,
}


def _check_kind(name: str, value: object, kind: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, kind):
        msg = f"{name} is {value!r}, which is not {getattr(kind, '__name__', kind)}"
        raise TypeError(msg)


def load_manifest(folder: DatasetFolder) -> Manifest:
    """Read the manifest of a registered data set.

    Raises:
        NotRegisteredError: there is none.
        ManifestError: it cannot be read.
    """
    manifest = find_manifest(folder)
    if manifest is None:
        msg = (
            f"{folder.dataset}: nothing is registered at {folder.location(MANIFEST)}. "
            f"Materialize {folder.dataset}/raw_sequences first."
        )
        raise NotRegisteredError(msg)
    return manifest


def write_manifest(folder: DatasetFolder, manifest: Manifest, file_list: bytes) -> None:
    """Write the list of files, then the manifest: its appearing is what registers the input."""
    path = file_list_path(manifest.file_list)
    folder.write(path, file_list)
    text = json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n"
    folder.write(MANIFEST, text.encode())
    for name in folder.names("input_files"):
        if f"input_files/{name}" != path:
            folder.remove(f"input_files/{name}")


def read_file_list(folder: DatasetFolder, manifest: Manifest) -> list[dict[str, Any]]:
    """The registered input files, a dictionary each: uri, name, format, size, tag, sha256, rows, bases.

    Raises:
        ManifestError: the list is missing, is not the manifest's, or is of a version that is not read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = file_list_path(manifest.file_list)
    try:
        with folder.open(path) as file:
            content = file.read()
    except FileNotFoundError:
        content = b""
    if hashlib.sha256(content).hexdigest() != manifest.file_list:
        msg = (
            f"{folder.location(path)}: missing, or not the list that {MANIFEST} was written with. "
            f"Restore it, or remove {folder.root} and register the input again."
        )
        raise ManifestError(msg)
    table = pq.read_table(pa.BufferReader(content))
    mend = f"Remove {folder.root} and register the input again."
    if refusal := INPUT_FILE_LIST.refusal(stated_format(table.schema), folder.location(path), None, mend):
        raise ManifestError(refusal)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@cache
def current_versions() -> dict[str, str]:
    """Versions of the project and of the libraries that its numbers rest on."""
    from importlib.metadata import version

    names = ("dagster", "pyspark", "pyarrow", "numpy", "numba", "biopython")
    return {"opengenome-assets": __version__} | {name: version(name) for name in names}
