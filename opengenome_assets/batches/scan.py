"""Reads each input file once, before planning: the number of records, their lengths, and the file's hash."""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.batches.census import Census
from opengenome_assets.batches.rejected import invalid_letter
from opengenome_assets.inputs.find import InputFile, hash_file
from opengenome_assets.inputs.letters import find_invalid, lengths
from opengenome_assets.inputs.records import read_records
from opengenome_assets.settings import OnInvalid
from opengenome_assets.units import format_bases, number_of

LINE_SECONDS = 5.0


@dataclass(frozen=True)
class ScannedFile:
    """Result of scanning one input file.

    Attributes:
        file: the file.
        sha256: hash of its bytes as stored, in hexadecimal.
        lengths: length of each record in bases, uint32, shape (records,).
        rejected: numbers of the records with a byte that is not a nucleotide letter, counted from 0 in the file.
        longest_id: id of the longest record.
    """

    file: InputFile
    sha256: str
    lengths: NDArray[np.uint32]
    rejected: NDArray[np.int64]
    longest_id: str

    @property
    def longest(self) -> int:
        """Length of the longest record in bases."""
        return int(self.lengths.max(initial=0))

    def as_row(self) -> dict[str, object]:
        """The file's row in the list of input files."""
        bases = int(self.lengths.sum(dtype=np.int64))
        return asdict(self.file) | {"sha256": self.sha256, "rows": self.lengths.size, "bases": bases}


def rejected_rows(scanned: Sequence[ScannedFile]) -> NDArray[np.int64]:
    """Row numbers of the rejected records in the whole input."""
    rows = [np.zeros(0, dtype=np.int64)]
    first = 0
    for each in scanned:
        rows.append(each.rejected + first)
        first += each.lengths.size
    return np.concatenate(rows)


@dataclass
class _Progress:
    """Logs a line every few seconds. A line per file would add thousands of rows to Dagster's database."""

    files: int
    log: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    lines: int = 0
    finished: int = 0
    records: int = 0
    bases: int = 0

    def add(self, records: int, bases: int) -> None:
        """Add a chunk to the totals, and log them if a line is due."""
        self.records += records
        self.bases += bases
        seconds = time.monotonic() - self.began
        if seconds < (self.lines + 1) * LINE_SECONDS:
            return
        self.lines = int(seconds / LINE_SECONDS)
        self.log(
            f"registering  {self.finished:,}/{number_of(self.files, 'file')}  {number_of(self.records, 'record')}  "
            f"{format_bases(self.bases)}  {seconds:.0f} s  {format_bases(self.bases / seconds)}/s"
        )


def scan_files(
    files: Sequence[InputFile],
    on_invalid: OnInvalid,
    census: Census,
    log: Callable[[str], None],
) -> list[ScannedFile]:
    """Read all files of an input, in order.

    Memory: a chunk of 16 MB of bases, and 4 bytes per record.

    Args:
        files: files in the order of the input.
        on_invalid: ``fail`` ends the scan at a byte that is not a nucleotide letter.
        census: counts the records that lack a group or a genetic code.
        log: called with a line every few seconds.

    Raises:
        InvalidLetterError: a record has such a byte, and ``on_invalid`` is ``fail``.
        OpengenomeError: a file cannot be read.
    """
    progress = _Progress(len(files), log)
    scanned: list[ScannedFile] = []
    # Hashing releases the GIL, so it runs in parallel to reading.
    # Closing cancels the remaining hashes, so that an error is reported at once.
    with ThreadPoolExecutor(1, "hash") as pool, closing(_hashes(pool, files)) as hashes:
        for file in files:
            scanned.append(_scan_file(file, progress, on_invalid, census, hashes))
            progress.finished += 1
    return scanned


def _hashes(pool: ThreadPoolExecutor, files: Sequence[InputFile]) -> Generator[str, None, None]:
    yield from pool.map(hash_file, files)


def _scan_file(
    file: InputFile,
    progress: _Progress,
    on_invalid: OnInvalid,
    census: Census,
    hashes: Generator[str, None, None],
) -> ScannedFile:
    found = [np.zeros(0, dtype=np.uint32)]
    rejected: list[int] = []
    row = longest = 0
    longest_id = ""
    for chunk in read_records(file):
        invalid = find_invalid(chunk)
        if invalid and on_invalid == "fail":
            rows = np.arange(progress.records, progress.records + chunk.num_rows, dtype=np.int64)
            raise invalid_letter(file, chunk, rows, invalid[0])
        rejected += [row + letter.row for letter in invalid]
        of_chunk = lengths(chunk)
        found.append(of_chunk.astype(np.uint32))
        if of_chunk.max(initial=0) > longest:
            longest = int(of_chunk.max())
            longest_id = chunk.column("seq_id")[int(of_chunk.argmax())].as_py() or ""
        census.add(chunk, [letter.row for letter in invalid], file)
        row += chunk.num_rows
        progress.add(chunk.num_rows, int(of_chunk.sum()))
    return ScannedFile(
        file, next(hashes), np.concatenate(found), np.array(rejected, dtype=np.int64), longest_id
    )
