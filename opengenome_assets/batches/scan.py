"""Reads the whole input once, before planning: records, lengths, census, and the hash of each file.

The input is cut into parts, which any worker can read. A part's lengths go into a file, and its sums to the driver, so no
process holds more than a part.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import accumulate, pairwise
from typing import TypeAlias

import pyarrow as pa

from opengenome_assets.batches.census import Census, add_up
from opengenome_assets.batches.record_lengths import LengthWriter, RecordLengths
from opengenome_assets.batches.rejected import invalid_letter, lineage_in_letters
from opengenome_assets.batches.workers import Workers
from opengenome_assets.errors import InvalidLetterError
from opengenome_assets.inputs.archives import paths_beside_archives, refuse_unpacked
from opengenome_assets.inputs.find import InputFile, hash_file, place_of
from opengenome_assets.inputs.letters import (
    InvalidLetter,
    find_invalid,
    invalid_letters,
    lengths,
    lineage_prompt,
)
from opengenome_assets.inputs.records import cuts, read_records
from opengenome_assets.metadata.record_classes import KeptClasses
from opengenome_assets.settings import OnInvalid
from opengenome_assets.units import format_bases, number_of

LINE_SECONDS = 5.0
# Limits of a part: small enough to keep many workers busy, large enough to be worth a task.
PART_BYTES = 128 * 2**20
PART_FILES = 1_000


@dataclass(frozen=True)
class Span:
    """The records of a file that begin at a place or later, and before another one (``inputs.records.cuts``)."""

    file: InputFile
    begin: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Part:
    """Some spans that follow each other in the input."""

    number: int
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class _Hashing:
    """Files to hash, and the number of the first one."""

    first: int
    files: tuple[InputFile, ...]


@dataclass(frozen=True)
class _Hashed:
    first: int
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class _Progress:
    """What was read since the last one."""

    records: int
    bases: int


@dataclass(frozen=True)
class _Line:
    """A line for the log."""

    text: str


@dataclass(frozen=True)
class _Invalid:
    """The first record that ends the scan: where it is in its part, and its letter."""

    place: str
    seq_id: str
    row: int
    letter: InvalidLetter
    # Begin of a lineage that is among the letters.
    prompt: str | None = None

    def error(self, first_row: int) -> InvalidLetterError:
        """The error for a part that begins with this row of the input."""
        row = first_row + self.row
        if self.prompt is not None:
            return lineage_in_letters(self.place, self.seq_id, row, self.prompt)
        return invalid_letter(self.place, self.seq_id, row, self.letter)


@dataclass(frozen=True)
class _ScannedPart:
    """Sums of a part. ``rows`` and ``bases`` have a number for each span."""

    part: Part
    rows: tuple[int, ...]
    bases: tuple[int, ...]
    rejected: int
    masked: int
    longest: int
    longest_id: str
    census: Census
    invalid: _Invalid | None = None


_Found: TypeAlias = _Progress | _Line | _ScannedPart | _Hashed


@dataclass(frozen=True)
class ScannedFile:
    """Result of scanning one input file.

    Attributes:
        file: the file.
        sha256: hash of its bytes as stored, in hexadecimal.
        rows: number of records.
        bases: number of bases in them.
        starts: (row, place) where reading can begin: the first one is (0, 0).
    """

    file: InputFile
    sha256: str
    rows: int
    bases: int
    starts: tuple[tuple[int, int], ...]

    def as_row(self) -> dict[str, object]:
        """The file's row in the list of input files."""
        starts = [{"row": row, "place": place} for row, place in self.starts]
        return asdict(self.file) | {
            "sha256": self.sha256,
            "rows": self.rows,
            "bases": self.bases,
            "starts": starts,
        }


@dataclass(frozen=True)
class Scan:
    """Result of scanning an input.

    Attributes:
        files: its files, in order.
        parts: number of the files of lengths.
        rejected: number of records to reject: they have a byte that is not a nucleotide letter.
        masked: number of such bytes that become N.
        longest: length of the longest record in bases.
        longest_id: its id.
        census: records that lack a group or a genetic code, and the rows of the metadata table that have a record.
    """

    files: tuple[ScannedFile, ...]
    parts: int
    rejected: int
    masked: int
    longest: int
    longest_id: str
    census: Census

    @property
    def rows(self) -> int:
        """Number of records."""
        return sum(each.rows for each in self.files)


def scan_files(
    files: Sequence[InputFile],
    on_invalid: OnInvalid,
    classes: KeptClasses,
    kept: RecordLengths,
    workers: Workers,
    log: Callable[[str], None],
) -> Scan:
    """Read all files of an input.

    Memory of each worker: a chunk of 16 MB of bases, or one longer record. Memory of the driver: the sums of each part,
    and the rows of the metadata table that have a record.

    Args:
        files: files in the order of the input.
        on_invalid: ``fail`` ends the scan at a byte that is not a nucleotide letter.
        classes: decides groups and genetic codes.
        kept: receives the lengths.
        workers: who reads.
        log: called with a line every few seconds, and with lines about what is left out of archives.

    Raises:
        InvalidLetterError: a record has such a byte, and ``on_invalid`` is ``fail``. It is the first one of the input.
        OpengenomeError: a file cannot be read.
    """
    parts = list(cut_parts(files))
    work = partial(_scan_or_hash, on_invalid, classes, kept, paths_beside_archives(files))
    hashes: dict[int, str] = {}
    scanned: dict[int, _ScannedPart] = {}
    progress = _Lines(files, parts, log)
    known = rows = 0
    # Hashing a large file takes longest and cannot be cut, so it begins first.
    for found in workers.run("registering", work, [*_hashing(files), *parts]):
        match found:
            case _Progress():
                progress.add(found)
            case _Line():
                log(found.text)
            case _Hashed():
                hashes |= dict(enumerate(found.sha256, found.first))
            case _ScannedPart():
                scanned[found.part.number] = found
                progress.finish(found.part)
        # The row number in the message needs all parts before.
        while (part := scanned.get(known)) is not None:
            if part.invalid is not None:
                raise part.invalid.error(rows)
            rows += sum(part.rows)
            known += 1
    in_order = [scanned[part.number] for part in parts]
    longest = max(in_order, key=lambda each: each.longest)
    return Scan(
        tuple(_files(files, hashes, in_order)),
        len(parts),
        sum(each.rejected for each in in_order),
        sum(each.masked for each in in_order),
        longest.longest,
        longest.longest_id,
        add_up([each.census for each in in_order]),
    )


def cut_parts(files: Iterable[InputFile]) -> Iterator[Part]:
    """Cut an input into parts of about ``PART_BYTES`` as stored. Small files share a part."""
    number, held = 0, 0.0
    spans: list[Span] = []
    for file in files:
        places = [*cuts(file), None]
        # A server may not state the size; such a file is not cut.
        size = file.size / (len(places) - 1) if file.size >= 0 else PART_BYTES
        for begin, end in pairwise(places):
            if spans and (held + size > PART_BYTES or len(spans) >= PART_FILES):
                yield Part(number, tuple(spans))
                number, held, spans = number + 1, 0.0, []
            spans.append(Span(file, begin or 0, end))
            held += size
    if spans:
        yield Part(number, tuple(spans))


def _hashing(files: Sequence[InputFile]) -> Iterator[_Hashing]:
    first = held = 0
    for number, file in enumerate(files):
        size = file.size if file.size >= 0 else PART_BYTES
        if number > first and (held + size > PART_BYTES or number - first >= PART_FILES):
            yield _Hashing(first, tuple(files[first:number]))
            first, held = number, 0
        held += size
    yield _Hashing(first, tuple(files[first:]))


def _scan_or_hash(
    on_invalid: OnInvalid,
    classes: KeptClasses,
    kept: RecordLengths,
    beside: frozenset[str],
    item: Part | _Hashing,
    stopping: threading.Event,
) -> Iterator[_Found]:
    if isinstance(item, Part):
        yield from _scan(on_invalid, classes, kept, beside, item, stopping)
        return
    found = []
    for file in item.files:
        if stopping.is_set():
            return
        found.append(hash_file(file))
    yield _Hashed(item.first, tuple(found))


@dataclass
class _Sums:
    """Sums of a part, while it is read."""

    census: Census = field(default_factory=Census)
    rows: list[int] = field(default_factory=list)
    bases: list[int] = field(default_factory=list)
    rejected: int = 0
    masked: int = 0
    longest: int = -1
    longest_id: str = ""

    def of(self, part: Part, invalid: _Invalid | None = None) -> _ScannedPart:
        return _ScannedPart(
            part,
            tuple(self.rows),
            tuple(self.bases),
            self.rejected,
            self.masked,
            self.longest,
            self.longest_id,
            self.census,
            invalid,
        )


def _scan(
    on_invalid: OnInvalid,
    classes: KeptClasses,
    kept: RecordLengths,
    beside: frozenset[str],
    part: Part,
    stopping: threading.Event,
) -> Iterator[_Found]:
    """Read a part. Yields its progress, and at the end its sums."""
    sums = _Sums()
    decided = classes.load()
    lines: list[str] = []
    with kept.write(part.number) as writer:
        for span in part.spans:
            sums.rows.append(0)
            sums.bases.append(0)
            for chunk in read_records(span.file, span.begin, span.end, lines.append):
                if stopping.is_set():
                    return
                refuse_unpacked(span.file, chunk, beside)
                invalid = find_invalid(chunk)
                refused = _refused(on_invalid, span.file, chunk, invalid, sum(sums.rows))
                if refused is not None:
                    yield sums.of(part, refused)
                    return
                rejected = []
                if on_invalid == "skip":
                    rejected = [letter.row for letter in invalid]
                elif invalid:
                    sums.masked += invalid_letters(chunk)
                sums.census.add(decided, chunk, rejected, span.file)
                yield _take(chunk, rejected, sums, writer)
    yield from map(_Line, lines)
    yield sums.of(part)


def _refused(
    on_invalid: OnInvalid,
    file: InputFile,
    chunk: pa.RecordBatch,
    invalid: list[InvalidLetter],
    first_row: int,
) -> _Invalid | None:
    """The record of a chunk that ends the scan."""
    if not invalid or on_invalid == "skip":
        return None
    row, prompt = lineage_prompt(chunk) or (-1, None)
    found = invalid[0]
    if on_invalid == "mask":
        if prompt is None:
            return None
        found = next(letter for letter in invalid if letter.row == row)
    seq_id = chunk.column("seq_id")[found.row].as_py()
    place = place_of(file, chunk, found.row)
    return _Invalid(place, seq_id, first_row + found.row, found, prompt if row == found.row else None)


def _take(chunk: pa.RecordBatch, rejected: list[int], sums: _Sums, writer: LengthWriter) -> _Progress:
    of_chunk = lengths(chunk)
    writer.add(of_chunk, rejected)
    if of_chunk.max(initial=-1) > sums.longest:
        sums.longest = int(of_chunk.max())
        sums.longest_id = chunk.column("seq_id")[int(of_chunk.argmax())].as_py() or ""
    bases = int(of_chunk.sum())
    sums.rows[-1] += chunk.num_rows
    sums.bases[-1] += bases
    sums.rejected += len(rejected)
    return _Progress(chunk.num_rows, bases)


def _files(
    files: Sequence[InputFile], hashes: dict[int, str], parts: Sequence[_ScannedPart]
) -> Iterator[ScannedFile]:
    by_file: dict[str, list[tuple[Span, int, int]]] = {file.uri: [] for file in files}
    for each in parts:
        for span, rows, bases in zip(each.part.spans, each.rows, each.bases, strict=True):
            by_file[span.file.uri].append((span, rows, bases))
    for number, file in enumerate(files):
        found = by_file[file.uri]
        first_rows = accumulate((rows for _, rows, _ in found), initial=0)
        yield ScannedFile(
            file,
            hashes[number],
            sum(rows for _, rows, _ in found),
            sum(bases for _, _, bases in found),
            tuple((row, span.begin) for row, (span, *_) in zip(first_rows, found, strict=False)),
        )


class _Lines:
    """Logs a line every few seconds. A line per file would add thousands of rows to Dagster's database."""

    def __init__(self, files: Sequence[InputFile], parts: Sequence[Part], log: Callable[[str], None]) -> None:
        self._files = len(files)
        self._unread = Counter(span.file.uri for part in parts for span in part.spans)
        self._log = log
        self._began = time.monotonic()
        self._lines = self._records = self._bases = 0

    def finish(self, part: Part) -> None:
        """A part was read."""
        self._unread.subtract(span.file.uri for span in part.spans)
        self._unread = +self._unread

    def add(self, more: _Progress) -> None:
        """Add to the totals, and log them if a line is due."""
        self._records += more.records
        self._bases += more.bases
        seconds = time.monotonic() - self._began
        if seconds < (self._lines + 1) * LINE_SECONDS:
            return
        self._lines = int(seconds / LINE_SECONDS)
        finished = self._files - len(self._unread)
        self._log(
            f"registering  {finished:,}/{number_of(self._files, 'file')}  {number_of(self._records, 'record')}  "
            f"{format_bases(self._bases)}  {seconds:.0f} s  {format_bases(self._bases / seconds)}/s"
        )
