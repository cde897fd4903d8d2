"""NCBI's answers, kept in one SQLite file, so that nothing is asked twice and interrupted work is resumed.

The file is in ``$XDG_CACHE_HOME/opengenome``, by default ``~/.cache/opengenome``. Several processes may use it at once.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from opengenome_assets.errors import NcbiError, first_line
from opengenome_assets.paths import printable

# NCBI renames organisms and merges taxa, so that an answer becomes old. In days.
KEPT_DAYS = 90
# Ids per statement; older SQLite allows 999.
CHUNK = 500
# How long a process waits for another one that writes, in seconds.
_LOCK_SECONDS = 60.0


# Accessions are given as a list in JSON.
_KEPT = "SELECT accession FROM answers WHERE asked > ? AND accession IN (SELECT value FROM json_each(?))"
_READ = (
    "SELECT accession, genome, genetic_code, taxid, organism, title, length FROM answers "
    "WHERE accession IN (SELECT value FROM json_each(?))"
)


class Answer(NamedTuple):
    """What is kept of NCBI's description of a record; None for what NCBI does not say.

    Attributes:
        accession: as asked.
        genome: NCBI's word for the part of the cell or the kind of molecule.
        genetic_code: number of NCBI's genetic code.
        taxid: number of the taxon.
        organism: its name.
        title: the record's definition line.
        length: in bases.
    """

    accession: str
    genome: str | None
    genetic_code: int | None
    taxid: int | None
    organism: str | None
    title: str | None
    length: int | None


def default_path() -> Path:
    """The file in the user's cache folder. Its name has the number of its format."""
    folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(folder).expanduser() / "opengenome" / "ncbi-1.sqlite"


class Answers:
    """The kept answers of NCBI. A method raises ``NcbiError`` if the file cannot be used."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def missing(self, accessions: Sequence[str]) -> list[str]:
        """The accessions that are not kept, or for too long, in their order."""
        kept: set[str] = set()
        oldest = time.time() - KEPT_DAYS * 86_400
        with _errors(self.path):
            for some in chunks(accessions):
                found = self._connection.execute(_KEPT, (oldest, json.dumps(some)))
                kept.update(row[0] for row in found)
        return [each for each in accessions if each not in kept]

    def keep(self, answers: Iterable[Answer]) -> None:
        """Add answers, or replace older ones, in one transaction."""
        now = time.time()
        rows = [(*answer, now) for answer in answers]
        with _errors(self.path), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def read(self, accessions: Sequence[str]) -> Iterator[list[Answer]]:
        """The kept answers in chunks, in the order of the accessions; also those kept for too long."""
        for some in chunks(accessions):
            with _errors(self.path):
                rows = self._connection.execute(_READ, (json.dumps(some),))
                found = {row[0]: Answer(*row) for row in rows}
            yield [found[each] for each in some if each in found]


@contextmanager
def open_answers(path: Path, log: Callable[[str], None]) -> Iterator[Answers]:
    """Open the file of answers until the block ends, or make it. A damaged file is made again.

    Raises:
        NcbiError: the file or its folder cannot be used.
    """
    with _errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = _connect(path)
        except sqlite3.OperationalError:
            # The machine's fault, such as a full disk, and not damage.
            raise
        except sqlite3.DatabaseError as error:
            log(
                f"asking NCBI  the kept answers in {printable(str(path))} are damaged ({error}) and are removed"
            )
            path.unlink(missing_ok=True)
            connection = _connect(path)
    with closing(connection):
        yield Answers(path, connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS answers (accession TEXT PRIMARY KEY, genome TEXT, genetic_code INTEGER, "
                "taxid INTEGER, organism TEXT, title TEXT, length INTEGER, asked REAL NOT NULL)"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def chunks(ids: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """Slices of at most ``size`` ids."""
    return (ids[first : first + size] for first in range(0, len(ids), size))


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or first_line(error)
        msg = (
            f"{printable(str(path))}: NCBI's answers cannot be kept here ({reason}). Remove the file, or set "
            "XDG_CACHE_HOME to another folder that you can write to."
        )
        raise NcbiError(msg) from error
