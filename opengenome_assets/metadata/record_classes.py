"""Group and genetic code of records, from the metadata table and from the file that a record is in."""

from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.metadata.metadata_table import (
    ALL,
    UNASSIGNED,
    MetadataTable,
    kept_metadata,
    read_metadata,
)
from opengenome_assets.settings import BY_FILE, Settings


@dataclass(frozen=True)
class RecordClasses:
    """What decides the group and the genetic code of records.

    Attributes:
        table: the metadata table, if there is one.
        by_file: whether the group is the record's ``source``. Otherwise it is the table's, or ``all`` without a table.
    """

    table: MetadataTable | None = None
    by_file: bool = False

    def of(self, records: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """Group and genetic code of records.

        Args:
            records: columns ``seq_id`` and ``source``.

        Returns:
            String without nulls (``unassigned`` if the group is not known), and int32 with nulls.
        """
        return self.at(self.find(records), records)

    def find(self, records: pa.RecordBatch) -> pa.Array:
        """Row of each record in the metadata table; null for records without one."""
        return pa.nulls(records.num_rows, pa.int32()) if self.table is None else self.table.find(records)

    def at(self, places: pa.Array, records: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
        """As ``of``, for records whose rows in the table are known."""
        if self.table is None:
            groups, codes = pa.repeat(ALL, records.num_rows), pa.nulls(records.num_rows, pa.int32())
        else:
            groups, codes = self.table.groups.take(places), self.table.codes.take(places)
        if self.by_file:
            sources = records.column("source")
            groups = pc.if_else(pc.equal(sources, ""), pa.scalar(None, pa.string()), sources)
        return pc.fill_null(groups, UNASSIGNED), codes


def asked_classes(asked: Settings) -> RecordClasses:
    """What the settings ask for. Reads the metadata table.

    Raises:
        SettingError: a setting needs a metadata table, and there is none.
        OpengenomeError: the table cannot be read or is refused.
    """
    by_file = asked.group == BY_FILE
    if asked.metadata is not None:
        ignore_version = asked.ignore_version or False
        return RecordClasses(
            read_metadata(asked.metadata, asked.group, ignore_version=ignore_version), by_file
        )
    needing = None
    if asked.group is not None and not by_file:
        needing = f"OPENGENOME_GROUP={asked.group}"
    elif asked.ignore_version:
        needing = "OPENGENOME_IGNORE_VERSION"
    if needing:
        alone = f" {BY_FILE} alone needs none." if asked.group else ""
        msg = f"{needing} needs a metadata table.{alone} Set OPENGENOME_METADATA to one, or leave this setting out."
        raise SettingError(msg)
    return RecordClasses(by_file=by_file)


@dataclass(frozen=True)
class KeptClasses:
    """What a plan states about groups and codes. Small: the copy of the metadata table is read where it is needed.

    Attributes:
        folder: folder of the data set.
        sha256: of the metadata table; None without one.
        group: the plan's ``group``.
        ignore_version: the plan's ``ignore_version``.
    """

    folder: DatasetFolder
    sha256: str | None
    group: str | None
    ignore_version: bool

    def load(self) -> RecordClasses:
        """Read the copy of the metadata table. Each process reads it once.

        Raises:
            OpengenomeError: the copy is missing, damaged, or has an unsupported version.
        """
        return _load(self)


# The threads of a process share it, and a Spark worker runs many tasks.
@lru_cache(maxsize=1)
def _load(kept: KeptClasses) -> RecordClasses:
    table = kept.sha256 and kept_metadata(kept.folder, kept.sha256, ignore_version=kept.ignore_version)
    return RecordClasses(table or None, kept.group == BY_FILE)
