"""A folder with one file for each group of a table, and an index of them."""

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from opengenome_assets.errors import SettingError
from opengenome_assets.files.atomic_write import replace_file
from opengenome_assets.tables.export import Export
from opengenome_assets.tables.matrix import codon_totals
from opengenome_assets.tables.text import header_line, table_tsv
from opengenome_assets.tables.whole_groups import groups_of

INDEX = "index.tsv"
_INDEX_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("group", pa.string()),
        ("codons", pa.int64()),
        ("ambiguous_codons", pa.int64()),
        ("refusal", pa.string()),
    ]
)
# Some file systems have names of at most 143 bytes; a number, a suffix and the temporary name are added to this.
_LONGEST_NAME = 80
# Windows allows no file of these names, whatever the suffix.
_RESERVED = {"con", "prn", "aux", "nul", "conin", "conout", "clock"} | {
    f"{device}{number}" for device in ("com", "lpt") for number in range(10)
}
_REFUSALS_HELD = 20


@dataclass
class GroupFiles:
    """What was written.

    Attributes:
        written: number of files, without the index.
        refused: number of groups that the format cannot hold.
        refusals: the first of these groups, with the reason.
    """

    written: int = 0
    refused: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)


class FileNames:
    """Names of files for groups: ASCII letters, digits, ``.``, ``-`` and ``_``, unique also without upper case."""

    def __init__(self) -> None:
        # The index is a file of the same folder.
        self._taken = {"index"}
        self._numbers: dict[str, int] = {}

    def new(self, group: str) -> str:
        """A name without a suffix that no other group has got."""
        # Letters lose their accents, which file systems store in different ways.
        plain = "".join(
            each for each in unicodedata.normalize("NFKD", group) if not unicodedata.combining(each)
        )
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", plain)[:_LONGEST_NAME].strip("._-") or "group"
        # Windows reserves the part before the first dot.
        if name.lower().split(".")[0] in _RESERVED:
            name = f"group_{name}"
        found, key = name, name.lower()
        while found.lower() in self._taken:
            self._numbers[key] = self._numbers.get(key, 1) + 1
            found = f"{name}-{self._numbers[key]}"
        self._taken.add(found.lower())
        return found


def write_group_files(export: Export, parts: Iterable[pa.Table], folder: Path) -> GroupFiles:
    """Write one file for each group, then ``index.tsv``, which names the file of each group.

    Groups that the format cannot hold are in the index without a file, with the reason. Each file appears whole or not
    at all. The index comes last: a folder without it is incomplete. Holds one part, and the names of all files.

    Args:
        export: the format.
        parts: schema ``CODON_FREQUENCIES``, whole groups with the rows of a group beside each other.
        folder: a new or empty folder.

    Raises:
        SettingError: the folder is not empty.
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is not None:
        raise SettingError(f"--all-groups {folder}: the folder is not empty. Name a new or an empty folder.")
    done, names = GroupFiles(), FileNames()
    with replace_file(folder / INDEX) as index:
        index.write(header_line(_INDEX_SCHEMA.names).encode())
        for part in parts:
            outcomes = [_write_group(export, *group, folder, names, done) for group in groups_of(part)]
            files, refusals = (pa.array([each[at] for each in outcomes], pa.string()) for at in (0, 1))
            lines = pa.table([files, *codon_totals(part), refusals], schema=_INDEX_SCHEMA)
            index.write(table_tsv(lines, with_header=False).encode())
        # Once for all files: a sync of each takes most of the time.
        os.sync()
    return done


def _write_group(
    export: Export, group: str, rows: pa.Table, folder: Path, names: FileNames, done: GroupFiles
) -> tuple[str | None, str | None]:
    """Write the file of one group; its name, or the reason why there is none."""
    try:
        content = export.header + export.body(rows)
    except SettingError as refusal:
        done.refused += 1
        if len(done.refusals) < _REFUSALS_HELD:
            done.refusals.append((group, str(refusal)))
        return None, str(refusal)
    name = names.new(group) + export.suffix
    with replace_file(folder / name, is_synced=False) as file:
        file.write(content.encode())
    done.written += 1
    return name, None
