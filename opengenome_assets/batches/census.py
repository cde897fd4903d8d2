"""Counts the records of an input that lack a group or a genetic code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from opengenome_assets.batches.manifest import Unresolved
from opengenome_assets.errors import InputFormatError
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.metadata.metadata_table import ALL, UNASSIGNED
from opengenome_assets.metadata.record_classes import RecordClasses
from opengenome_assets.settings import BY_FILE

EXAMPLES = 5


@dataclass
class Census:
    """What the classes say of all records of an input.

    Attributes:
        classes: what decides groups and codes. Its table's rows that have a record are marked.
        unassigned: records in the group ``unassigned``.
    """

    classes: RecordClasses
    unassigned: Unresolved = field(default_factory=Unresolved)
    _without_code: Unresolved = field(default_factory=Unresolved)
    _has_codes: bool = False
    # Name of a file → its location, of files whose records have it as source.
    _files: dict[str, str] = field(default_factory=dict)

    @property
    def without_code(self) -> Unresolved:
        """Records without a genetic code; none if no record has a code."""
        return self._without_code if self._has_codes else Unresolved()

    def add(self, records: pa.RecordBatch, rejected: Sequence[int], file: InputFile) -> None:
        """Count records. Rejected ones mark their rows of the metadata table, and do not count.

        Args:
            records: columns ``seq_id`` and ``source``.
            rejected: positions of the rejected ones.
            file: the file that they are in.

        Raises:
            InputFormatError: groups are made by file, and a record's source is a reserved name, or the name of two
                files.
        """
        if self.classes.table is None and not self.classes.by_file:
            return
        places = self.classes.find(records)
        if self.classes.table is not None:
            self.classes.table.meet(places)
        if self.classes.by_file:
            self._check_sources(records.column("source"), file)
        groups, codes = self.classes.at(places, records)
        counts = np.ones(records.num_rows, dtype=np.bool_)
        counts[list(rejected)] = False
        has_code = pc.is_valid(codes).to_numpy(zero_copy_only=False)
        is_unassigned = pc.equal(groups, UNASSIGNED).to_numpy(zero_copy_only=False)
        self._has_codes |= bool(np.any(counts & has_code))
        self._without_code = _more(self._without_code, records, counts & ~has_code)
        self.unassigned = _more(self.unassigned, records, counts & is_unassigned)

    def _check_sources(self, sources: pa.Array, file: InputFile) -> None:
        reserved = sources.filter(pc.is_in(sources, value_set=pa.array([ALL, UNASSIGNED])))
        if len(reserved):
            msg = (
                f"{file.uri}: OPENGENOME_GROUP={BY_FILE} makes groups by the records' source, and the group name "
                f"'{reserved[0]}' is reserved. Rename the file, or the value in its column source."
            )
            raise InputFormatError(msg)
        # A column source may give the records of several files one group on purpose.
        if pc.index(sources, file.name).as_py() < 0:
            return
        other = self._files.setdefault(file.name, file.uri)
        if other != file.uri:
            msg = (
                f"OPENGENOME_GROUP={BY_FILE}: {other} and {file.uri} have the same name, so their records would be one "
                "group. Rename one of them, or make groups by a column of a metadata table."
            )
            raise InputFormatError(msg)


def _more(known: Unresolved, records: pa.RecordBatch, lacking: NDArray[np.bool_]) -> Unresolved:
    rows = np.flatnonzero(lacking)
    seq_ids, sources = records.column("seq_id"), records.column("source")
    named = (f"{seq_ids[row]} of {sources[row]}" for row in rows[: EXAMPLES - len(known.examples)].tolist())
    return Unresolved(known.records + rows.size, (*known.examples, *named))
