"""The batch files of a data set: their paths, their stamps, and reading with verification."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets import schemas
from opengenome_assets.batches.manifest import BatchStamp, Manifest, load_manifest
from opengenome_assets.errors import (
    BatchFileError,
    BatchFileMissingError,
    NewerFormatError,
    WarehouseError,
    first_line,
)
from opengenome_assets.files.formats import BATCH_FILE, writer_in
from opengenome_assets.files.warehouse import BY_SEQUENCE, TABLES, DatasetFolder, open_location
from opengenome_assets.settings import TableParameters

STAMP = b"opengenome_assets.batch"
PROVENANCE = b"opengenome_assets.provenance"
# Counts of a batch of many groups are millions of rows, and a reader holds a row group: here about 5 MB.
_ROWS_OF_A_GROUP = 1 << 17
# What file systems, object stores and shells all take as a name.
_STRANDS = {"+": "plus", "-": "minus"}


class BatchFileKind(Enum):
    """Kind of a batch file. The value is the folder of such files."""

    SEQUENCES = "sequences"
    LENGTHS = "lengths"
    REJECTED = "rejected"
    COUNTS = "codon_counts"
    BY_SEQUENCE = BY_SEQUENCE

    @property
    def asset(self) -> str:
        """The asset whose partitions write these files."""
        made_with_sequences = (BatchFileKind.LENGTHS, BatchFileKind.REJECTED)
        return "sequences" if self in made_with_sequences else self.value

    @property
    def schema(self) -> pa.Schema:
        """The columns, in order."""
        return _SCHEMAS[self]


_SCHEMAS = {
    BatchFileKind.SEQUENCES: schemas.SEQUENCES,
    BatchFileKind.LENGTHS: schemas.LENGTHS,
    BatchFileKind.REJECTED: schemas.REJECTED,
    BatchFileKind.COUNTS: schemas.CODON_COUNTS,
    BatchFileKind.BY_SEQUENCE: schemas.CODON_USAGE_BY_SEQUENCE,
}


@dataclass(frozen=True)
class BatchFile:
    """One file of one batch. Its size does not depend on the number of batches, because it is pickled for Spark tasks."""

    folder: DatasetFolder
    kind: BatchFileKind
    stamp: BatchStamp

    @property
    def path(self) -> str:
        """Path relative to the folder."""
        return f"{self.kind.value}/{self.stamp.batch}.parquet"

    @property
    def location(self) -> str:
        """Absolute path or URI."""
        return self.folder.location(self.path)

    @property
    def remedy(self) -> str:
        """What to do if the file cannot be used."""
        return f"Materialize {self.stamp.dataset}/{self.kind.asset} for {self.stamp.batch} again."

    def exists(self) -> bool:
        """Whether the file exists, planned or not."""
        return self.folder.exists(self.path)

    @property
    def is_pruned(self) -> bool:
        """Whether this file of sequences was removed on purpose, and only lengths and hashes were kept."""
        is_of_sequences = self.kind is BatchFileKind.SEQUENCES
        return is_of_sequences and not self.exists() and replace(self, kind=BatchFileKind.LENGTHS).exists()

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.folder.remove(self.path)

    def is_planned(self) -> bool:
        """Whether the file exists and its stamp matches the plan. Does not read its pages.

        Raises:
            NewerFormatError: a newer version wrote it.
        """
        try:
            with self.open():
                return True
        except BatchFileError:
            return False

    @contextmanager
    def open(self) -> Iterator[pq.ParquetFile]:
        """Open the file and verify that it is the planned one.

        Raises:
            BatchFileError: it is missing, damaged, too old, or belongs to another data set, plan, input or batch.
            NewerFormatError: a newer version wrote it.
            WarehouseError: the object store cannot be reached, or denies access.
        """
        with ExitStack() as stack:
            try:
                source = stack.enter_context(open_location(self.location))
            except FileNotFoundError as error:
                if self.is_pruned:
                    msg = f"{self.location}: removed by opengenome prune. {self.remedy}"
                else:
                    msg = f"{self.location}: missing. {self.remedy.removesuffix(' again.')}."
                raise BatchFileMissingError(msg, self.location) from error
            except WarehouseError:
                # The message has the store's reason. The file itself may be good.
                raise
            except OSError as error:
                msg = f"{self.location}: cannot be opened ({first_line(error)}). Fix this. {self.remedy}"
                raise BatchFileError(msg) from error
            yield self._verified(source)

    def read(
        self, columns: Sequence[str] | None = None, row_groups: Iterable[int] | None = None
    ) -> Iterator[pa.Table]:
        """Read the file, holding one row group at a time.

        Args:
            columns: names of columns; all of them by default.
            row_groups: numbers of row groups; all of them by default.

        Raises:
            BatchFileError: as in ``open``.
        """
        with self.open() as file:
            for number in range(file.metadata.num_row_groups) if row_groups is None else row_groups:
                try:
                    table = file.read_row_group(number, columns=columns and list(columns), use_threads=False)
                except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                    msg = f"{self.location}: damaged ({first_line(error)}). {self.remedy}"
                    raise BatchFileError(msg) from error
                stated = file.metadata.row_group(number).num_rows
                if table.num_rows != stated:
                    # Arrow reads no rows, without an error, from a page whose damaged header states zero.
                    msg = (
                        f"{self.location}: damaged: it states {stated:,} rows but contains {table.num_rows:,}. "
                        f"{self.remedy}"
                    )
                    raise BatchFileError(msg)
                yield table

    def read_whole(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read small columns of the whole file at once.

        Raises:
            BatchFileError: as in ``open``.
        """
        schema = self.kind.schema
        chosen = pa.schema([schema.field(name) for name in columns or schema.names])
        tables = (table.replace_schema_metadata(None) for table in self.read(chosen.names))
        return pa.concat_tables([chosen.empty_table(), *tables])

    @contextmanager
    def replace(self) -> Iterator[IO[bytes]]:
        """Write a file that appears, or replaces the old one, only if the block ends without an error."""
        with self.folder.replace(self.path) as file:
            yield file

    def write(self, table: pa.Table, provenance: dict[str, Any]) -> int:
        """Write a small table with the columns of this kind, completely or not at all. Returns its size in bytes."""
        with self.replace() as file:
            pq.write_table(
                table.replace_schema_metadata(self.stamped_schema(provenance).metadata),
                file,
                row_group_size=_ROWS_OF_A_GROUP,
                compression="zstd",
                write_page_checksum=True,
            )
            return file.tell()

    def stamped_schema(self, provenance: dict[str, Any]) -> pa.Schema:
        """The columns of this kind, with stamp and provenance in the schema's metadata."""
        return self.kind.schema.with_metadata(
            {STAMP: _json(asdict(self.stamp)), PROVENANCE: _json(provenance)}
        )

    def _verified(self, source: IO[bytes]) -> pq.ParquetFile:
        location, again = self.location, self.remedy
        try:
            # Without page checksums a flipped bit would give a wrong count.
            file = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
            columns = file.schema_arrow.names
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            msg = f"{location}: not a complete Parquet file ({first_line(error)}). {again}"
            raise BatchFileError(msg) from error
        footer = file.metadata
        held = sum(footer.row_group(number).num_rows for number in range(footer.num_row_groups))
        if held != footer.num_rows:
            # The footer has no checksum, and a damaged one may hide row groups.
            msg = (
                f"{location}: damaged: it states {footer.num_rows:,} rows but its row groups contain {held:,}. "
                f"{again}"
            )
            raise BatchFileError(msg)
        self._verify_stamp(file)
        if not file.schema_arrow.equals(self.kind.schema, check_metadata=False):
            msg = f"{location}: has columns {columns}, expected {self.kind.schema.names}. {again}"
            raise BatchFileError(msg)
        return file

    def _verify_stamp(self, file: pq.ParquetFile) -> None:
        location, again = self.location, self.remedy
        found = _read_json(file, STAMP)
        if found is None:
            msg = f"{location}: has no batch stamp, so opengenome-assets did not write it. {again}"
            raise BatchFileError(msg)
        remedy = f"{again} The command opengenome analyze codon does this for all such batches."
        version = found.get("format")
        if refusal := BATCH_FILE.refusal(version, location, writer_in(_read_json(file, PROVENANCE)), remedy):
            raise NewerFormatError(refusal) if BATCH_FILE.is_newer(version) else BatchFileError(refusal)
        planned = asdict(self.stamp)
        # Files of all supported versions are accepted.
        differing = [name for name in planned if name != "format" and found.get(name) != planned[name]]
        if differing:
            what = ", ".join(f"{name} {found.get(name)!r}, expected {planned[name]!r}" for name in differing)
            msg = f"{location}: belongs to another batch or input ({what}). {again}"
            raise BatchFileError(msg)


@dataclass(frozen=True)
class BatchFiles:
    """All batch files of a registered data set, and where the files of a table made from them are.

    Attributes:
        folder: folder of the data set.
        manifest: manifest of its registered input.
        beside: path of the table in the folder; empty for the data set's own table.
    """

    folder: DatasetFolder
    manifest: Manifest
    beside: str = ""

    @classmethod
    def of(cls, folder: DatasetFolder) -> "BatchFiles":
        """The batch files of a registered data set.

        Raises:
            NotRegisteredError: nothing is registered.
            ManifestError: the manifest cannot be read.
        """
        return cls(folder, load_manifest(folder))

    def of_table(self, parameters: TableParameters) -> "BatchFiles":
        """The same batches, with the table of these parameters, whose folder is named after those that differ."""
        differing = parameters.differing(self.manifest.table)
        label = ".".join(f"{name}-{_STRANDS.get(value, value)}" for name, value in differing.items())
        return replace(self, beside=f"{TABLES}/{label}" if label else "")

    @property
    def table(self) -> DatasetFolder:
        """Folder of the table, of its report and of the per-sequence tables."""
        return self.folder.inside(self.beside)

    @property
    def batches(self) -> list[str]:
        """Keys of all batches, in order."""
        return self.manifest.plan.keys

    def sequences(self, batch: str) -> BatchFile:
        """The file with the batch's sequences."""
        return self._file(BatchFileKind.SEQUENCES, batch)

    def lengths(self, batch: str) -> BatchFile:
        """The file with the lengths and hashes of the batch's sequences. It exists if they were removed once."""
        return self._file(BatchFileKind.LENGTHS, batch)

    def rejected(self, batch: str) -> BatchFile:
        """The file with the batch's rejected records. It does not exist if there are none."""
        return self._file(BatchFileKind.REJECTED, batch)

    def counts(self, batch: str) -> BatchFile:
        """The file with the batch's counts."""
        return self._file(BatchFileKind.COUNTS, batch)

    def by_sequence(self, batch: str) -> BatchFile:
        """The file with the batch's per-sequence table."""
        return BatchFile(self.table, BatchFileKind.BY_SEQUENCE, self.manifest.stamp(batch))

    def _file(self, kind: BatchFileKind, batch: str) -> BatchFile:
        return BatchFile(self.folder, kind, self.manifest.stamp(batch))


def _read_json(file: pq.ParquetFile, key: bytes) -> dict[str, Any] | None:
    text = (file.schema_arrow.metadata or {}).get(key)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
