"""Reads JSON lines, plain or compressed: one object with a sequence per line."""

import json
import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, RecordTooLongError, first_line
from opengenome_assets.files.compression import BLOCK_BYTES
from opengenome_assets.inputs.columns import sequence_column
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.other_kinds import refuse_other_kind
from opengenome_assets.inputs.parquet import cut
from opengenome_assets.inputs.text_blocks import text_blocks
from opengenome_assets.schemas import RECORDS
from opengenome_assets.units import number_of

# After blank lines.
LOOKS_LIKE_OBJECT = re.compile(rb"\s*\{")
# Arrow counts the bytes of a block in 32 bits.
LONGEST_LINE = 2**31 - 2

# The first that a line has is its id.
_IDS = ("seq_id", "record", "id")
_TEXTS = ("description", "source")
_SHOWN = 40


@dataclass(frozen=True)
class _Lines:
    """Whole lines of a file.

    Attributes:
        text: the lines.
        first: number of the first one in the file, from 1.
    """

    text: bytearray
    first: int

    def numbers(self) -> NDArray[np.int64]:
        """Numbers of the lines that are not blank, int64, increasing."""
        begins, ends = self._bounds()
        # Nearly all lines begin with a brace, so few are looked at.
        others = np.flatnonzero(np.frombuffer(self.text, np.uint8)[begins] != ord("{"))
        blank = [line for line in others if not self.text[begins[line] : ends[line]].strip()]
        return np.delete(np.arange(self.first, self.first + begins.size), blank)

    def split(self) -> list[bytearray]:
        """All lines, without their ends."""
        return self.text.split(b"\n")

    def _bounds(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ends = np.flatnonzero(np.frombuffer(self.text, np.uint8) == ord("\n")) + 1
        if not ends.size or ends[-1] != len(self.text):
            ends = np.append(ends, len(self.text))
        return np.concatenate(([0], ends[:-1])), ends


def read_jsonl(
    file: InputFile, chunk_bases: int, chunk_rows: int, block_bytes: int = BLOCK_BYTES
) -> Generator[pa.RecordBatch, None, None]:
    """Read JSON lines as `schemas.RECORDS`. Holds about five times the bytes of a chunk or of one longer line.

    The sequence is in the column that `sequence_column` finds in the first line. The id is in ``seq_id``, ``record`` or
    ``id``, as text or whole number; otherwise it is ``{file name}:{line}``. ``description`` and ``source`` are used if they
    exist. Blank lines are skipped.

    Args:
        file: the file.
        chunk_bases: maximum number of bases in a chunk, except for a single longer record.
        chunk_rows: maximum number of records in a chunk.
        block_bytes: bytes of text per read.

    Raises:
        InputFormatError: a line is not an object with a sequence. The message names the line.
        TruncatedInputError: the compressed data end too early or are corrupt.
        RecordTooLongError: a line exceeds `LONGEST_LINE`.
    """
    schema = None
    with closing(_parts(file, chunk_bases, block_bytes)) as parts:
        for lines, numbers in parts:
            schema = schema or _schema(file, lines, numbers)
            yield from cut(_records(file, lines, numbers, schema), chunk_bases, chunk_rows)


def jsonl_column(file: InputFile) -> str:
    """Name of the column with the sequences. Reads the first line. Raises the errors of `read_jsonl`."""
    with closing(_parts(file, 1, BLOCK_BYTES)) as parts:
        lines, numbers = next(parts)
        column: str = _schema(file, lines, numbers).names[0]
        return column


def _parts(
    file: InputFile, least: int, block_bytes: int
) -> Generator[tuple[_Lines, NDArray[np.int64]], None, None]:
    """Lines of at least so many bytes, except for the last part, and the numbers of those that are not blank."""
    with closing(_whole_lines(file, least, block_bytes)) as parts:
        for lines in parts:
            numbers = lines.numbers()
            if numbers.size:
                yield lines, numbers


def _whole_lines(file: InputFile, least: int, block_bytes: int) -> Generator[_Lines, None, None]:
    held = bytearray()
    first = 1
    is_empty = True
    with closing(
        text_blocks(file, block_bytes, lambda: number_of(first - 1 + held.count(b"\n"), "complete line"))
    ) as blocks:
        for block in blocks:
            if is_empty and not LOOKS_LIKE_OBJECT.match(block):
                _refuse_text(file, block)
            is_empty = False
            held += block
            end = held.rfind(b"\n", len(held) - len(block)) + 1 if len(held) >= least else 0
            if end:
                rest = held[end:]
                del held[end:]
                count = held.count(b"\n")
                yield _Lines(held, first)
                first += count
                held = rest
            elif len(held) > LONGEST_LINE:
                line = first + held.count(b"\n")
                msg = (
                    f"{file.uri}: line {line:,} is longer than {LONGEST_LINE:,} bytes, the limit "
                    "of a value. Split the record."
                )
                raise RecordTooLongError(msg)
    if is_empty:
        refuse_other_kind(file.uri)
    if held:
        yield _Lines(held, first)


def _refuse_text(file: InputFile, block: bytes) -> NoReturn:
    refuse_other_kind(file.uri)
    msg = (
        f"{file.uri} is not JSON lines: it begins with {block[:_SHOWN]!r}, not with '{{'. "
        "Write one object per line, or give the file the extension of its format."
    )
    raise InputFormatError(msg)


def _schema(file: InputFile, lines: _Lines, numbers: NDArray[np.int64]) -> pa.Schema:
    """The columns to read, by the first line: that of the sequences, then the others."""
    first = lines.split()[numbers[0] - lines.first]
    with _line_errors(file, lines, numbers[:1]):
        found = pj.read_json(pa.BufferReader(first), _options(first)).schema
    column = sequence_column(f"{file.uri}: line {numbers[0]}", found.names, file.column)
    kinds = {name: pa.string() for name in (*_IDS, *_TEXTS) if name != column}
    for name in kinds.keys() & set(found.names):
        if pa.types.is_integer(found.field(name).type):
            kinds[name] = pa.int64()
    return pa.schema([(column, pa.large_string()), *kinds.items()])


def _options(text: bytearray) -> pj.ReadOptions:
    return pj.ReadOptions(use_threads=False, block_size=len(text) + 1)


def _records(file: InputFile, lines: _Lines, numbers: NDArray[np.int64], schema: pa.Schema) -> pa.RecordBatch:
    with _line_errors(file, lines, numbers):
        parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        table = pj.read_json(pa.BufferReader(lines.text), _options(lines.text), parsing)
        if table.num_rows != numbers.size:
            # Arrow accepts two objects in a line, and an object in two lines.
            msg = f"{number_of(table.num_rows, 'object')} in {number_of(numbers.size, 'line')}"
            raise pa.ArrowInvalid(msg)
    columns = dict(zip(schema.names, (_one(column) for column in table.columns), strict=True))
    column = schema.names[0]
    sequences = columns.pop(column)
    if sequences.null_count:
        line = numbers[sequences.is_null().to_pylist().index(True)]
        msg = (
            f"{file.uri}: line {line} has no sequence in '{column}'. Remove the line, or give it a sequence."
        )
        raise InputFormatError(msg)
    texts = {name: _text(file, numbers, name, values) for name, values in columns.items()}
    places = pa.array(numbers).cast(pa.string())
    ids = [texts[name] for name in _IDS if name in texts]
    return pa.record_batch(
        [
            pc.coalesce(*ids, pc.binary_join_element_wise(file.name, places, ":")),
            pc.coalesce(texts["description"], ""),
            sequences,
            pc.coalesce(texts["source"], file.name),
        ],
        schema=RECORDS,
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _text(file: InputFile, numbers: NDArray[np.int64], name: str, values: pa.Array) -> pa.Array:
    """The values as text. Arrow's parser accepts bytes that are not UTF-8."""
    texts = values.cast(pa.string())
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        for number, text in zip(numbers, texts.cast(pa.binary()).to_pylist(), strict=True):
            if text is not None and text.decode("utf-8", "ignore").encode() != text:
                msg = f"{file.uri}: line {number}: '{name}' is not UTF-8. Write the file as UTF-8."
                raise InputFormatError(msg) from error
        raise
    return texts


@contextmanager
def _line_errors(file: InputFile, lines: _Lines, numbers: NDArray[np.int64]) -> Iterator[None]:
    """Turn Arrow's errors into one that names the line."""
    try:
        yield
    except pa.ArrowException as error:
        number, reason = _fault(lines, numbers, error)
        msg = (
            f"{file.uri}: line {number} cannot be read as a JSON object ({reason}). Write one object per line, or "
            "download the file again."
        )
        raise InputFormatError(msg) from error


def _fault(lines: _Lines, numbers: NDArray[np.int64], error: pa.ArrowException) -> tuple[int, str]:
    """Number of the first bad line, and what is wrong with it."""
    texts = lines.split()
    for number in map(int, numbers):
        try:
            value = json.loads(texts[number - lines.first].decode("utf-8", "replace"))
        except (ValueError, RecursionError) as wrong:
            return number, str(wrong)
        if not isinstance(value, dict):
            return number, f"it is a {type(value).__name__}"
    reason = first_line(error).removeprefix("JSON parse error: ")
    row = re.search(r" in row (\d+)$", reason)
    return int(numbers[int(row[1])]) if row else int(numbers[0]), re.sub(r" in row \d+$", "", reason)
