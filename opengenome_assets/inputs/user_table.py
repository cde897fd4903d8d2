"""Reads users' tables: delimited text from Excel, R, pandas and NCBI, and Parquet.

The content of a file decides its format, never its name.
"""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, first_line

# Removed around values.
BLANKS = " \t\xa0"
PARQUET_MAGIC = b"PAR1"
# Words for a missing value, compared in lower case.
MISSING = ("", "-", "na", "n/a", "#n/a", "<na>", "nan", "null", "none")

_DELIMITERS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
_ROWS_AT_ONCE = 65_536
_LONGEST_LINE = 2**20
# Not with three zeros, which may be thousands: 1.000 means 1,000 in many languages.
_WHOLE = re.compile(r'("?)[ ]*\+?([0-9]+)([.,]0{0,2})?[ ]*\1')
_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")
_SAVE_AS_TEXT = "Save it as TSV or CSV (UTF-8), or as Parquet."
_UNPACK = "Unpack it first."
_OTHER_KINDS = {
    b"PK\x03\x04": f"is a spreadsheet or a zip archive. {_SAVE_AS_TEXT}",
    b"\xd0\xcf\x11\xe0": f"is an old Excel spreadsheet. {_SAVE_AS_TEXT}",
    b"\x1f\x8b": f"is compressed with gzip. {_UNPACK}",
    b"BZh": f"is compressed with bzip2. {_UNPACK}",
    b"\xfd7zXZ\x00": f"is compressed with xz. {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"is compressed with zstd. {_UNPACK}",
}


@dataclass(frozen=True)
class BroughtTable:
    """The requested columns of a table.

    Attributes:
        names: all column names of the file.
        columns: requested name → values, without dictionaries; text as string. Text files have only strings, with
            empty values as "".
        lines: line number of each row in its file, from 1; for Parquet, the row number, from 1.
        unit: unit of ``lines``: ``line`` or ``row``.
        metadata: metadata of a Parquet file's schema.
    """

    names: list[str]
    columns: dict[str, pa.ChunkedArray]
    lines: Sequence[int] | NDArray[np.int64]
    unit: str
    metadata: dict[bytes, bytes] | None = None

    def place(self, row: int) -> str:
        """Position of a row, counted from 0, as the user finds it in the file."""
        return f"{self.unit} {self.lines[row]}"


def read_table(content: bytes, location: str, wanted: Collection[str]) -> BroughtTable:
    """Read some columns of a table: Parquet, or text delimited by tabs, commas or semicolons.

    In tab-delimited text a quote is an ordinary letter, unless the header begins with one. In other text quotes follow
    CSV. Lines without any value are skipped. Column names match in upper or lower case, with surrounding blanks and a
    leading ``#``.

    Args:
        content: content of the whole file.
        location: begin of the error messages.
        wanted: names of columns; missing ones are left out.

    Raises:
        InputFormatError: it is not a table, or a row is ambiguous.
    """
    for magic, text in _OTHER_KINDS.items():
        if content.startswith(magic):
            raise InputFormatError(f"{location} {text}")
    if content.startswith(PARQUET_MAGIC):
        return next(parquet_parts(pa.BufferReader(content), location, wanted, is_whole=True))
    return _TextFile(content, location, wanted).read()


def whole_number(text: str) -> int | None:
    """Read ``2``, ``02``, `` 2 ``, ``"2"``, ``2.0`` or ``2,0``; None for anything else."""
    found = _WHOLE.fullmatch(text.strip(BLANKS))
    # Python raises an error for numbers with thousands of digits.
    return int(found[2]) if found and len(found[2]) < 20 else None


def decimal_number(text: str) -> float | None:
    """Read a number with a decimal point or comma; None for anything else."""
    text = text.strip(BLANKS)
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def is_missing(text: str) -> bool:
    """Whether a value is one of the usual words for a missing value."""
    return text.strip(BLANKS).lower() in MISSING


def parquet_parts(
    source: pa.NativeFile, location: str, wanted: Collection[str], *, is_whole: bool = False
) -> Iterator[BroughtTable]:
    """Read some columns of a Parquet table, a row group at a time or as a whole. There is at least one part.

    Args:
        source: the file.
        location: begin of the error messages.
        wanted: names of columns; missing ones are left out.
        is_whole: make one part of all row groups.

    Raises:
        InputFormatError: it cannot be read, or has a column twice.
    """
    with _parquet_errors(location):
        file = pq.ParquetFile(source)
        schema = file.schema_arrow
        row_groups = list(range(file.num_row_groups))
    places = _places(schema.names, wanted, location)
    # By position, because a name may occur twice.
    names = [schema.names[place] for place in places.values()]
    first = 1
    for part in [row_groups] if is_whole or not row_groups else [[each] for each in row_groups]:
        with _parquet_errors(location):
            table = file.read_row_groups(part, columns=names)
            columns = {name: _plain(table[schema.names[place]]) for name, place in places.items()}
            for column in columns.values():
                column.validate(full=True)
        lines = range(first, first + table.num_rows)
        yield BroughtTable(schema.names, columns, lines, "row", schema.metadata)
        first = lines.stop


@contextmanager
def _parquet_errors(location: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        msg = f"{location} cannot be read as Parquet ({first_line(error)}). Write it again."
        raise InputFormatError(msg) from error


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column


def _places(names: list[str], wanted: Collection[str], location: str) -> dict[str, int]:
    """Positions of the requested columns: by exact names, otherwise by names with a similar spelling."""
    found = {}
    near = [_spelled(name) for name in names]
    for name in wanted:
        places = [place for place, each in enumerate(names) if each == name]
        places = places or [place for place, each in enumerate(near) if each == _spelled(name)]
        if len(places) > 1:
            msg = f"{location} has {len(places)} columns named {name}. Keep one of them."
            raise InputFormatError(msg)
        if places:
            found[name] = places[0]
    return found


def _spelled(name: str) -> str:
    return re.sub(r"[ .-]+", "_", name.strip(BLANKS).lstrip("#").strip(BLANKS).lower())


def _rows_of(lines: Iterable[str], header: str, delimiter: str) -> Iterator[list[str]]:
    """Split lines into values, with the quoting that the header shows."""
    # R quotes all names in the header of a TSV file, or none. Without quotes there, a quote is an ordinary letter.
    quoted = delimiter != "\t" or header.startswith('"')
    # A quoted value may follow a comma and blanks.
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        skipinitialspace=delimiter != "\t",
        strict=True,
    )


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(_rows_of([header], header, delimiter))
    except csv.Error:
        return [header]


@dataclass
class _TextFile:
    content: bytes
    location: str
    wanted: Collection[str]
    # Number of lines read so far.
    number: int = field(default=0, init=False)

    def read(self) -> BroughtTable:
        # A value may be as long as a line. The limit of csv applies to the whole process.
        csv.field_size_limit(_LONGEST_LINE)
        lines = self._lines()
        header, delimiter = self._header(lines)
        names = _split(header, delimiter)
        places = _places(names, self.wanted, self.location)
        while names and not names[-1].strip(BLANKS):
            names.pop()
        rows = self._whole_rows(_rows_of(lines, header, delimiter), len(names), delimiter)
        columns: dict[str, list[pa.Array]] = {name: [] for name in places}
        numbers = [np.empty(0, np.int64)]
        while part := list(islice(rows, _ROWS_AT_ONCE)):
            numbers.append(np.fromiter((number for number, _ in part), np.int64, len(part)))
            for name, place in places.items():
                columns[name].append(pa.array([row[place] for _, row in part], pa.string()))
        chunked = {name: pa.chunked_array(parts, pa.string()) for name, parts in columns.items()}
        return BroughtTable(names, chunked, np.concatenate(numbers), "line")

    def _refusal(self, what: str, number: int | None = None) -> InputFormatError:
        return InputFormatError(f"{self.location}: line {number or self.number} {what}")

    def _lines(self) -> Iterator[str]:
        is_utf16 = self.content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding, shown = ("utf-16", "UTF-16") if is_utf16 else ("utf-8-sig", "UTF-8")
        # CR and CRLF become LF. Invalid bytes are kept, so that the error can name their line.
        stream = io.TextIOWrapper(io.BytesIO(self.content), encoding, errors="surrogateescape")
        while True:
            self.number += 1
            try:
                line = stream.readline(_LONGEST_LINE)
                if not line.isascii():
                    line.encode()
            except UnicodeError as error:
                raise self._refusal(f"is not {shown} text. Save the table as UTF-8.") from error
            if not line:
                return
            if not line.endswith("\n") and len(line) >= _LONGEST_LINE:
                raise self._refusal(f"has more than {_LONGEST_LINE:,} characters. Write one row per line.")
            yield line.removesuffix("\n")

    def _header(self, lines: Iterator[str]) -> tuple[str, str]:
        """The header line, and the delimiter."""
        delimiter = None
        for line in lines:
            if "\x00" in line:
                raise self._refusal("is binary, or UTF-16 without its mark. Save the table as UTF-8.")
            if found := re.fullmatch(r'"?sep=([\t;,])"?', line.strip()):
                # Excel's line with the delimiter.
                delimiter = found[1]
            elif line.strip() and not line.startswith("##"):
                return line, delimiter or self._delimiter(line)
        raise InputFormatError(f"{self.location} is empty. Add a header line and rows.")

    def _delimiter(self, header: str) -> str:
        """The delimiter that gives the most requested names, or the most frequent one of these."""

        def found(delimiter: str) -> tuple[int, int]:
            names = {_spelled(name) for name in _split(header, delimiter)}
            return len(names.intersection(map(_spelled, self.wanted))), header.count(delimiter)

        return max(_DELIMITERS, key=found)

    def _open_quote(self, number: int) -> InputFormatError:
        what = "has an open quote or a value with a line break. Close the quote, or remove the line break."
        return self._refusal(what, number)

    def _whole_rows(
        self, rows: Iterator[list[str]], width: int, delimiter: str
    ) -> Iterator[tuple[int, list[str]]]:
        """Line number and values of each row that has any values."""
        while True:
            begin = self.number
            try:
                row = next(rows, None)
            except csv.Error as error:
                if self.number == begin + 1:
                    what = f"is not valid CSV ({error}). Double each quote in a quoted value."
                    raise self._refusal(what) from error
                raise self._open_quote(begin + 1) from error
            if row is None:
                return
            if self.number > begin + 1:
                raise self._open_quote(begin + 1)
            if not "".join(row).strip(BLANKS):
                continue
            if len(row) < width or any(value.strip(BLANKS) for value in row[width:]):
                values = "1 value" if len(row) == 1 else f"{len(row)} values"
                msg = (
                    f"has {values}, the header has {width} (separated by {_DELIMITERS[delimiter]}). "
                    "Write one value per column in each row, empty if missing, and no row names."
                )
                raise self._refusal(msg)
            yield self.number, row
