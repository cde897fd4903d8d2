"""The manifest: the registered input, and the plan of its batches. Small; loading the definitions reads nothing else."""

import hashlib
import json
import shlex
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from opengenome_assets import __version__
from opengenome_assets.batches.plan import BatchPlan, batch_number
from opengenome_assets.errors import (
    ManifestError,
    NotRegisteredError,
    SettingError,
    WarehouseError,
    first_fault,
)
from opengenome_assets.files.formats import (
    BATCH_FILE,
    INPUT_FILE_LIST,
    MANIFEST_FILE,
    stated_format,
    writer_in,
)
from opengenome_assets.files.warehouse import MANIFEST, DatasetFolder, file_list_path
from opengenome_assets.settings import BatchSize, OnInvalid, SoftMask, TableParameters

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# For pydantic, which is loaded only when a manifest is read: reject booleans as numbers, and unknown keys.
_STRICT = {"strict": True, "extra": "forbid"}
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class PlanSettings:
    """Settings that change rows or counts, and are therefore part of the fingerprint."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    batch_size: BatchSize
    sample: int | None
    on_invalid: OnInvalid
    soft_mask: SoftMask
    # sha256 of the metadata table
    metadata: str | None
    # file, or columns of the metadata table; None for its column group
    group: str | None = None
    ignore_version: bool = False
    # column with the sequences; None for sequence, and for formats without columns
    column: str | None = None

    def ingredients(self) -> dict[str, Any]:
        """What the fingerprint covers. Settings that older versions did not have are left out at their defaults."""
        added = {field.name: field.default for field in fields(self) if field.default is not MISSING}
        values = asdict(self)
        return {name: value for name, value in values.items() if name not in added or value != added[name]}


@dataclass(frozen=True)
class Unresolved:
    """Records that lack a group or a genetic code: their number, and the ids of some."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    records: int = 0
    examples: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The examples, and whether there are more."""
        return ", ".join(self.examples) + (" …" if self.records > len(self.examples) else "")


@dataclass(frozen=True)
class BatchStamp:
    """Identity of a batch file.

    Attributes:
        dataset: key of the data set.
        batch: partition key.
        first_row: number of the batch's first row in the input.
        end_row: number after its last row.
        batch_size: rows per batch, or ``auto``.
        fingerprint: fingerprint of the plan, which covers the input and the settings that change counts.
        format: version of the file layout.
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
    """Description of the registered input and of its batches.

    Attributes:
        dataset: key of the data set.
        fingerprint: sha256 over the input's contents and the plan's settings.
        settings: the plan's settings.
        boundaries: row numbers between batches; batch k is [boundaries[k], boundaries[k + 1]).
        batch_bases: number of bases per batch, as registered.
        input_rows: records of the whole input.
        input_bases: bases of the whole input.
        effective_records: Kish's effective number of the planned records, without rejected ones.
        longest: length of the longest record in bases.
        longest_id: id of the longest record.
        files: number of input files. Their list is a separate file.
        file_list: sha256 of that list.
        rejected: number of records to reject: they contain a byte that is not a nucleotide letter.
        masked: number of bytes of the whole input that are not nucleotide letters and become N.
        unmatched_ids: number of ids in the metadata table without a record in the input.
        source: origin of the input: location or repository, and revision.
        versions: versions of the project and its main dependencies at registration.
        unassigned: records of the whole input in the group ``unassigned``, without rejected ones. None in manifests
            of format 1, where they were not counted.
        without_code: records of the whole input without a genetic code, without rejected ones; no records if none has
            a code. None in manifests of format 1.
        table: parameters of the data set's own table. They are no part of the plan.
        format: version of the layout of this file.
    """

    __pydantic_config__: ClassVar[Any] = _STRICT
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
    unassigned: Unresolved | None = None
    without_code: Unresolved | None = None
    masked: int = 0
    table: TableParameters = field(default_factory=TableParameters)
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
        """The stamp that every file of this batch must have."""
        first, end = self.plan.range_of(key)
        return BatchStamp(self.dataset, key, first, end, self.settings.batch_size, self.fingerprint)

    def provenance(self) -> dict[str, Any]:
        """Origin of the data, for the metadata of every output."""
        return {
            "dataset": self.dataset,
            "source": self.source,
            "input_files": self.files,
            "input_file_list_sha256": self.file_list,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "bases": self.bases,
            "effective_records": self.effective_records,
            "unassigned_records": self.unassigned.records if self.unassigned else None,
            "masked_letters": self.masked,
            "records_without_code": self.without_code.records if self.without_code else None,
            "batches": len(self.batch_bases),
            "settings": asdict(self.settings),
            "versions": current_versions(),
        }


def find_manifest(folder: DatasetFolder) -> Manifest | None:
    """Read the manifest of a data set; None if nothing is registered.

    Raises:
        ManifestError: a manifest exists but cannot be read.
    """
    location = folder.location(MANIFEST)
    again = (
        f"Remove {folder.root} and run opengenome analyze codon on the input again, or use the version that wrote "
        "the manifest."
    )
    try:
        with folder.open(MANIFEST) as file:
            content = file.read()
        stated: _Stated = _reader(_Stated).validate_json(content)
        if refusal := MANIFEST_FILE.refusal(stated.format, location, writer_in(asdict(stated)), again):
            raise ManifestError(refusal)
        manifest: Manifest = _reader(Manifest).validate_json(content)
        _check(manifest, folder)
    except FileNotFoundError:
        return None
    except WarehouseError:
        raise
    except (OSError, ValueError, SettingError) as error:
        remedy = f"Restore it, or remove {folder.root} and register the input again."
        msg = f"{location}: cannot be read ({first_fault(error)}). {remedy}"
        raise ManifestError(msg) from error
    return manifest


@dataclass(frozen=True)
class _Stated:
    """The fields that manifests of all versions have."""

    __pydantic_config__: ClassVar[Any] = {"strict": True}
    format: int
    versions: Any = None


@cache
def _reader(kind: type[_Kind]) -> "TypeAdapter[_Kind]":
    """Reads JSON as a dataclass. Raises pydantic's ``ValueError``."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _check(manifest: Manifest, folder: DatasetFolder) -> None:
    """Reject an impossible plan. Raises a ``ValueError``."""
    cuts, bases = manifest.boundaries, manifest.batch_bases
    wrong = None
    if len(cuts) < 2 or cuts[0] != 0 or any(a >= b for a, b in pairwise(cuts)):
        wrong = "boundaries must begin with 0 and increase"
    elif len(bases) != len(cuts) - 1:
        wrong = f"{len(bases)} numbers of bases for {len(cuts) - 1} batches"
    elif min(bases) < 0 or cuts[-1] > manifest.input_rows:
        wrong = f"{cuts[-1]:,} planned rows of {manifest.input_rows:,}, or a negative number of bases"
    elif manifest.dataset != folder.dataset:
        wrong = f"it belongs to data set {manifest.dataset!r}, not {folder.dataset!r}"
    if wrong:
        raise ValueError(wrong)


def load_manifest(folder: DatasetFolder) -> Manifest:
    """Read the manifest of a registered data set.

    Raises:
        NotRegisteredError: the data set has no manifest.
        ManifestError: the manifest cannot be read.
    """
    manifest = find_manifest(folder)
    if manifest is None:
        msg = (
            f"{folder.dataset}: nothing is registered at {folder.location(MANIFEST)}. "
            f"Materialize {folder.dataset}/raw_sequences first."
        )
        raise NotRegisteredError(msg)
    return manifest


def removal_command(folder: DatasetFolder) -> str:
    """The command that removes a registered data set, for messages. It works in any folder and shell."""
    warehouse = str(Path(folder.warehouse).absolute()) if folder.is_local else folder.warehouse
    return shlex.join(["opengenome", "datasets", "remove", folder.dataset, "--warehouse", warehouse])


def write_manifest(folder: DatasetFolder, manifest: Manifest, file_list: bytes) -> None:
    """Write the list of files, then the manifest. The input counts as registered once the manifest exists."""
    path = file_list_path(manifest.file_list)
    folder.write(path, file_list)
    text = json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n"
    folder.write(MANIFEST, text.encode())
    for name in folder.names("input_files"):
        if f"input_files/{name}" != path:
            folder.remove(f"input_files/{name}")


def read_file_list(folder: DatasetFolder, manifest: Manifest) -> list[dict[str, Any]]:
    """The registered input files, one dictionary each: uri, name, format, size, tag, sha256, rows, bases, starts.

    Lists of older versions have no ``starts``.

    Raises:
        ManifestError: the list is missing, does not match the manifest, or has an unsupported version.
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
            f"{folder.location(path)}: missing, or its checksum differs from the one in {MANIFEST}. "
            f"Restore it, or remove {folder.root} and register the input again."
        )
        raise ManifestError(msg)
    table = pq.read_table(pa.BufferReader(content))
    remedy = f"Remove {folder.root} and register the input again."
    if refusal := INPUT_FILE_LIST.refusal(stated_format(table.schema), folder.location(path), None, remedy):
        raise ManifestError(refusal)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@cache
def current_versions() -> dict[str, str]:
    """Versions of the project and of the libraries that its results depend on."""
    from importlib.metadata import version

    names = ("dagster", "pyspark", "pyarrow", "numpy", "numba", "biopython")
    return {"opengenome-assets": __version__} | {name: version(name) for name in names}
