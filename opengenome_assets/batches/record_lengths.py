"""Lengths of all records of an input, kept in files while it is registered, so that no process holds them all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.files.warehouse import DatasetFolder

# Temporary folder in the data set's folder.
_FOLDER = "registering"
# The highest bit of a length marks a rejected record: a record has fewer than 2^31 bases.
_REJECTED = np.uint32(1 << 31)
_ROWS_AT_ONCE = 1 << 20
# The registration of a file that is older has been killed: nothing can tell whether one on another machine still runs.
_KEPT = timedelta(days=7)


def _started(time: datetime) -> str:
    return f"{time:%Y%m%dT%H%M%S}"


def _new_name() -> str:
    return f"{_started(datetime.now(UTC))}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class RecordLengths:
    """Files of lengths, one per part of the input: uint32 each, in the order of the records.

    Attributes:
        folder: the data set's folder.
        name: begin of the files' names: when the registration began, and random digits, because another one may run.
    """

    folder: DatasetFolder
    name: str = field(default_factory=_new_name)

    @contextmanager
    def write(self, part: int) -> "Iterator[LengthWriter]":
        """Write the file of a part. It appears, or replaces an earlier one, if the block ends without an error."""
        with self.folder.replace(self._path(part)) as file:
            yield LengthWriter(file)

    def read(self, parts: int) -> "Iterator[tuple[NDArray[np.uint32], NDArray[np.bool_]]]":
        """The lengths of all parts in order, and which records are rejected; a million records at a time, at most.

        Args:
            parts: number of parts.
        """
        for part in range(parts):
            with self.folder.open(self._path(part)) as file:
                while content := file.read(_ROWS_AT_ONCE * _REJECTED.itemsize):
                    kept = np.frombuffer(content, np.uint32)
                    yield kept & ~_REJECTED, kept >= _REJECTED

    def remove(self) -> None:
        """Remove the files, and those that a killed registration left a week ago or earlier."""
        oldest = _started(datetime.now(UTC) - _KEPT)
        for name in self.folder.names(_FOLDER):
            # Hidden ones are being written.
            if name.startswith(self.name) or (not name.startswith(".") and name < oldest):
                self.folder.remove(f"{_FOLDER}/{name}")

    def _path(self, part: int) -> str:
        return f"{_FOLDER}/{self.name}-{part:06d}.lengths"


@dataclass(frozen=True)
class LengthWriter:
    """Appends to the file of a part."""

    file: IO[bytes]

    def add(self, lengths: NDArray[np.int64], rejected: list[int]) -> None:
        """Append the lengths of some records in bases, and the positions of the rejected ones among them."""
        kept = lengths.astype(np.uint32)
        kept[rejected] |= _REJECTED
        self.file.write(kept.tobytes())
