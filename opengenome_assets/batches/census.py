"""Counts the records of an input that lack a group or a genetic code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.batches.manifest import PlanSettings, Unresolved
from opengenome_assets.errors import InputFormatError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.metadata.metadata_table import ALL, UNASSIGNED
from opengenome_assets.metadata.record_classes import KeptClasses, RecordClasses
from opengenome_assets.settings import BY_FILE

EXAMPLES = 5


def classes_of(folder: DatasetFolder, settings: PlanSettings) -> KeptClasses:
    """What a plan states about groups and genetic codes."""
    return KeptClasses(folder, settings.metadata, settings.group, settings.ignore_version)


@dataclass
class Census:
    """What the classes say of some records.

    Attributes:
        unassigned: records in the group ``unassigned``.
        met: int32, increasing: rows of the metadata table that have a record.
        own_sources: (name, location) of the files whose records have the file's name, or a path in it, as source.
        all_without_code: records without a genetic code.
        has_codes: whether any record has a code.
    """

    unassigned: Unresolved = field(default_factory=Unresolved)
    met: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    own_sources: tuple[tuple[str, str], ...] = ()
    all_without_code: Unresolved = field(default_factory=Unresolved)
    has_codes: bool = False

    @property
    def without_code(self) -> Unresolved:
        """Records without a genetic code; none if no record has a code."""
        return self.all_without_code if self.has_codes else Unresolved()

    def add(
        self, classes: RecordClasses, records: pa.RecordBatch, rejected: Sequence[int], file: InputFile
    ) -> None:
        """Count records. Rejected ones mark their rows of the metadata table, and do not count.

        Args:
            classes: what decides groups and codes.
            records: columns ``seq_id`` and ``source``.
            rejected: positions of the rejected ones.
            file: the file that they are in.

        Raises:
            InputFormatError: groups are made by file, and a record's source is a reserved name.
        """
        if classes.table is None and not classes.by_file:
            return
        places = classes.find(records)
        self.met = np.union1d(self.met, places.drop_null().to_numpy()).astype(np.int32)
        if classes.by_file:
            self._add_sources(records.column("source"), file)
        groups, codes = classes.at(places, records)
        counts = np.ones(records.num_rows, dtype=np.bool_)
        counts[list(rejected)] = False
        has_code = pc.is_valid(codes).to_numpy(zero_copy_only=False)
        is_unassigned = pc.equal(groups, UNASSIGNED).to_numpy(zero_copy_only=False)
        self.has_codes |= bool(np.any(counts & has_code))
        self.all_without_code = _more(self.all_without_code, records, counts & ~has_code)
        self.unassigned = _more(self.unassigned, records, counts & is_unassigned)

    def _add_sources(self, sources: pa.Array, file: InputFile) -> None:
        reserved = sources.filter(pc.is_in(sources, value_set=pa.array([ALL, UNASSIGNED])))
        if len(reserved):
            msg = (
                f"{file.uri}: OPENGENOME_GROUP={BY_FILE} makes groups by the records' source, and the group name "
                f"'{reserved[0]}' is reserved. Rename the file, or the value in its column source."
            )
            raise InputFormatError(msg)
        # A column source may give the records of several files one group on purpose.
        named = (file.name, file.uri)
        if named in self.own_sources[-1:]:
            return
        of_members = pc.starts_with(sources, f"{file.name}/")
        if pc.any(pc.or_(pc.equal(sources, file.name), of_members)).as_py():
            self.own_sources += (named,)


def add_up(parts: Sequence[Census]) -> Census:
    """The census of the whole input.

    Args:
        parts: of parts of the input, in its order.

    Raises:
        InputFormatError: groups are made by file, and two files have the same name.
    """
    files: dict[str, str] = {}
    for name, uri in (named for part in parts for named in part.own_sources):
        other = files.setdefault(name, uri)
        if other != uri:
            msg = (
                f"OPENGENOME_GROUP={BY_FILE}: {other} and {uri} have the same name, so their records would be one "
                "group. Rename one of them, or make groups by a column of a metadata table."
            )
            raise InputFormatError(msg)
    return Census(
        _sum([part.unassigned for part in parts]),
        np.unique(np.concatenate([Census().met, *(part.met for part in parts)])),
        tuple(files.items()),
        _sum([part.all_without_code for part in parts]),
        any(part.has_codes for part in parts),
    )


def _sum(parts: Sequence[Unresolved]) -> Unresolved:
    examples = [example for part in parts for example in part.examples]
    return Unresolved(sum(part.records for part in parts), tuple(examples[:EXAMPLES]))


def _more(known: Unresolved, records: pa.RecordBatch, lacking: NDArray[np.bool_]) -> Unresolved:
    rows = np.flatnonzero(lacking)
    seq_ids, sources = records.column("seq_id"), records.column("source")
    named = (f"{seq_ids[row]} of {sources[row]}" for row in rows[: EXAMPLES - len(known.examples)].tolist())
    return Unresolved(known.records + rows.size, (*known.examples, *named))
