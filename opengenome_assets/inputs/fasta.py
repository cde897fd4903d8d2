"""FASTA files as Arrow chunks, without a Python object per line or record."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.errors import InputFormatError, RecordTooLongError, TruncatedInputError
from opengenome_assets.files.compression import BLOCK_BYTES, DamagedStreamError, decoded_part, read_ahead
from opengenome_assets.inputs import fasta_kernel as kernel
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.other_kinds import LOOKS_LIKE_FASTA, refuse_other_kind
from opengenome_assets.schemas import RECORDS
from opengenome_assets.units import number_of

# Maximum length of one value in a Parquet column.
LONGEST_RECORD = 2**31 - 1
# A longer "header" is not FASTA. NCBI's longest headers are below 1 MiB.
LONGEST_HEADER = 16 * 2**20

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_ENDS = b"\r\n"
_SHOWN = 40


def _text_column(letters: NDArray[np.uint8], offsets: NDArray[np.int32]) -> pa.StringArray:
    """A column of short texts. Bytes that are not UTF-8 are replaced, because some headers are Latin-1."""
    if letters.size and letters.max() >= 0x80:
        text = letters.tobytes()
        parts = [text[begin:end] for begin, end in pairwise(offsets)]
        return pa.array([part.decode("utf-8", "replace") for part in parts], pa.string())
    return pa.StringArray.from_buffers(offsets.size - 1, pa.py_buffer(offsets), pa.py_buffer(letters))


class _Part:
    """The text of a part of a file: from the first record that begins in it to the first one after it.

    A record begins with a ``>`` directly after a line end. The file's first record belongs to the part that begins
    at 0, whatever is before it.
    """

    def __init__(self, begin: int, blocks: Iterator[tuple[bytes, int]]) -> None:
        self.begin = begin
        self._blocks = blocks
        self._in_record = begin == 0
        self._line_ended = False
        self._has_ended = False

    @property
    def may_be_empty(self) -> bool:
        """Whether the part needs no record, because other parts have some. Known after the last block."""
        return self.begin > 0 or self._has_ended

    def __iter__(self) -> Iterator[bytes]:
        for block, own in self._blocks:
            if text := self._take(block, own):
                yield text
            if self._has_ended:
                return

    def _take(self, block: bytes, own: int) -> bytes:
        """The text of the part in a block whose first ``own`` bytes belong to the part."""
        begin, end = 0, len(block)
        if not self._in_record:
            begin = self._next_record(block, 0)
            self._in_record = 0 <= begin < own
        if own < len(block):
            next_record = self._next_record(block, own) if self._in_record else 0
            self._has_ended = next_record >= 0
            end = next_record if self._has_ended else end
        self._line_ended = block[-1] in _LINE_ENDS
        return block[begin:end] if self._in_record else b""

    def _next_record(self, block: bytes, at: int) -> int:
        """Where the first record at or after a byte of a block begins; -1 if none does."""
        while (at := block.find(b">", at)) >= 0:
            if block[at - 1] in _LINE_ENDS if at else self._line_ended:
                return at
            at += 1
        return at


class FastaParser:
    """Parser of one file after the other: takes blocks of text, yields chunks of records.

    A chunk may have records of several files, so that thousands of small files share its buffers.
    """

    def __init__(self, chunk_bases: int, chunk_rows: int) -> None:
        self._file: InputFile
        # First byte of the part of the file.
        self._begin = 0
        # Name of each finished file with records in the buffers, and number of these records up to its end.
        self._finished: list[tuple[str, int]] = []
        self._chunk_bases = chunk_bases
        self._letters = np.empty(chunk_bases, np.uint8)
        self._letter_ends = np.empty(chunk_rows, np.int64)
        self._headers = np.empty(LONGEST_HEADER, np.uint8)
        self._header_ends = np.empty(chunk_rows, np.int64)
        self._state = np.zeros(kernel.STATE_FIELDS, np.int64)
        # Full buffers of a record that is longer than a chunk.
        self._pieces: list[NDArray[np.uint8]] = []
        # Number of the file's records in earlier chunks, minus that of the files before it in the buffers.
        self._emitted = 0

    def read(
        self, file: InputFile, blocks: Iterable[bytes] | _Part, refuse: Callable[[bytes], None]
    ) -> Iterator[pa.RecordBatch]:
        """Parse one file or a part of it. Yields the chunks that it completes; `flush` has the rest.

        Args:
            file: the file.
            blocks: its text.
            refuse: called with the first block of text that is not FASTA; may raise a better error than the parser's.

        Raises:
            InputFormatError: there is no record, text before the first record, or another file format.
            TruncatedInputError: the blocks end with a `DamagedStreamError`.
            RecordTooLongError: a record exceeds `LONGEST_RECORD`.
        """
        self._begin = blocks.begin if isinstance(blocks, _Part) else 0
        self._open(file)
        good_bytes = 0
        head = b""
        try:
            for block in blocks:
                text = block
                if good_bytes == 0:
                    head = block
                    if not LOOKS_LIKE_FASTA.match(head):
                        refuse(head)
                    text = block.removeprefix(_BYTE_ORDER_MARK)
                good_bytes += len(block)
                yield from self._feed(text)
        except DamagedStreamError as damage:
            raise self._truncated(damage, good_bytes) from damage
        if self._state[kernel.PLACE] == kernel.BETWEEN:
            if isinstance(blocks, _Part) and blocks.may_be_empty:
                return
            refuse(head)
            msg = (
                f"{file.uri} has no FASTA record: no line begins with '>'. "
                "Remove the file from the input, or download it again."
            )
            raise InputFormatError(msg)
        yield from self._end()

    def flush(self) -> Iterator[pa.RecordBatch]:
        """Yield the last chunk, if there are records in the buffers."""
        if self._state[kernel.RECORDS]:
            yield self._emit()

    def _open(self, file: InputFile) -> None:
        self._file = file
        self._emitted = -int(self._state[kernel.RECORDS])
        self._state[kernel.PLACE] = kernel.BETWEEN
        self._state[kernel.AFTER_CR] = self._state[kernel.IN_LINE] = 0
        self._state[kernel.LINE_BEGINS] = self._state[kernel.LINE] = 1

    def _feed(self, block: bytes) -> Iterator[pa.RecordBatch]:
        """Parse one block of text. Yields the chunks that it completes."""
        text = np.frombuffer(block, np.uint8)
        at = 0
        while True:
            at, why = kernel.scan(
                text,
                at,
                self._letters,
                self._letter_ends,
                self._headers,
                self._header_ends,
                self._state,
                bool(self._pieces),
            )
            if why == kernel.NEEDS_TEXT:
                return
            if why == kernel.NO_HEADER:
                self._refuse_text(block[at : at + _SHOWN])
            if self._state[kernel.RECORDS]:
                yield self._emit()
            elif why == kernel.LETTERS_FULL:
                self._set_piece_aside()
            else:
                # The number of lines before a part is unknown.
                line = self._state[kernel.LINE]
                where = f"after byte {self._begin:,}" if self._begin else f"in line {line}"
                msg = (
                    f"{self._file.uri}: the header {where} has more than "
                    f"{LONGEST_HEADER:,} bytes, so this does not look like FASTA. Check the file's line ends."
                )
                raise InputFormatError(msg)

    def _end(self) -> Iterator[pa.RecordBatch]:
        """Complete the last record of the file. Yields the chunk if that fills it."""
        state = self._state
        self._letter_ends[state[kernel.RECORDS]] = state[kernel.LETTERS]
        self._header_ends[state[kernel.RECORDS]] = state[kernel.HEADER_BYTES]
        state[kernel.RECORDS] += 1
        if self._pieces or state[kernel.RECORDS] == self._letter_ends.size:
            yield self._emit()
        else:
            self._finished.append((self._file.name, int(state[kernel.RECORDS])))

    def _truncated(self, damage: DamagedStreamError, good_bytes: int) -> TruncatedInputError:
        """The error for a damaged file. The message says how far its data are valid."""
        records = self._emitted + int(self._state[kernel.RECORDS])
        found = number_of(records, "complete record") if records else "no complete record"
        if self._state[kernel.PLACE] == kernel.SEQUENCE:
            found += f"; the damage is in record {self._open_record()!r}"
        where = f" after byte {self._begin:,}" if self._begin else ""
        return TruncatedInputError(
            f"{self._file.uri}: {damage}. The first {good_bytes:,} decompressed bytes{where} are valid and contain "
            f"{found}. Download the file again, or compress it again."
        )

    def _open_record(self) -> str:
        records = self._state[kernel.RECORDS]
        begin = self._header_ends[records - 1] if records else 0
        header = self._headers[begin : self._state[kernel.HEADER_BYTES]].tobytes()
        return (header.split(None, 1) or [b""])[0].decode("utf-8", "replace")

    def _refuse_text(self, found: bytes) -> NoReturn:
        shown = found.splitlines()[0].decode("utf-8", "replace")
        hint = " Remove the comment." if shown.startswith(";") else ""
        msg = (
            f"{self._file.uri}: line {self._state[kernel.LINE]} has {shown!r} before the first header. "
            f"A FASTA record begins with a line that starts with '>'.{hint}"
        )
        raise InputFormatError(msg)

    def _refuse_long_record(self, name: str) -> NoReturn:
        msg = (
            f"{self._file.uri}: record {name!r} is longer than {LONGEST_RECORD:,} bases, the limit of a value in a "
            "Parquet column. Split the record."
        )
        raise RecordTooLongError(msg)

    def _set_piece_aside(self) -> None:
        """Keep the full buffer of a record that is longer than a chunk, and continue in a new one."""
        if (len(self._pieces) + 1) * self._chunk_bases >= LONGEST_RECORD:
            self._refuse_long_record(self._open_record())
        self._pieces.append(self._letters)
        self._letters = np.empty(self._chunk_bases, np.uint8)
        self._state[kernel.LETTERS] = 0

    def _join_pieces(self, end: int) -> NDArray[np.uint8]:
        self._pieces.append(self._letters[:end])
        self._letters = np.empty(0, np.uint8)
        at = sum(piece.size for piece in self._pieces)
        whole = np.empty(at, np.uint8)
        # The last one first, so that each buffer is freed after it is copied.
        while self._pieces:
            piece = self._pieces.pop()
            at -= piece.size
            whole[at : at + piece.size] = piece
        return whole

    def _emit(self) -> pa.RecordBatch:
        """Return the complete records as a chunk. The incomplete one moves to new buffers."""
        state = self._state
        records = state[kernel.RECORDS]
        end = self._letter_ends[records - 1]
        offsets = np.zeros(records + 1, np.int64)
        offsets[1:] = self._letter_ends[:records]
        letters = self._join_pieces(end) if self._pieces else self._letters[:end]
        offsets[-1] = letters.size
        if 2 * letters.size < self._chunk_bases:
            # Otherwise the chunk would keep the whole buffer in memory.
            letters = letters.copy()
        rest = self._letters[end : state[kernel.LETTERS]]
        self._letters = np.empty(self._chunk_bases, np.uint8)
        self._letters[: rest.size] = rest
        ids, descriptions = self._split_headers(records)
        if np.diff(offsets).max() > LONGEST_RECORD:
            self._refuse_long_record(ids[int(np.diff(offsets).argmax())].as_py())
        sequences = pa.LargeStringArray.from_buffers(records, pa.py_buffer(offsets), pa.py_buffer(letters))
        sources = self._sources(int(records))
        state[kernel.LETTERS] = rest.size
        state[kernel.RECORDS] = 0
        self._emitted += int(records)
        return pa.record_batch([ids, descriptions, sequences, sources], schema=RECORDS)

    def _sources(self, records: int) -> pa.StringArray:
        """Name of the file of each record in the buffers, which begin a new chunk then."""
        names, ends = zip(*self._finished, (self._file.name, records), strict=True)
        self._finished.clear()
        return pa.array(names, pa.string()).take(
            pa.array(np.repeat(np.arange(len(names)), np.diff(ends, prepend=0)))
        )

    def _split_headers(self, records: int) -> tuple[pa.StringArray, pa.StringArray]:
        end = self._header_ends[records - 1]
        ids, rest = np.empty(end, np.uint8), np.empty(end, np.uint8)
        id_offsets, rest_offsets = np.empty(records + 1, np.int32), np.empty(records + 1, np.int32)
        kernel.split_headers(self._headers, self._header_ends[:records], ids, id_offsets, rest, rest_offsets)
        unfinished = self._headers[end : self._state[kernel.HEADER_BYTES]].copy()
        self._headers[: unfinished.size] = unfinished
        self._state[kernel.HEADER_BYTES] = unfinished.size
        return (
            _text_column(ids[: id_offsets[-1]], id_offsets),
            _text_column(rest[: rest_offsets[-1]], rest_offsets),
        )


def read_fasta(
    file: InputFile,
    chunk_bases: int,
    chunk_rows: int,
    block_bytes: int = BLOCK_BYTES,
    begin: int = 0,
    end: int | None = None,
) -> Generator[pa.RecordBatch, None, None]:
    """Read a FASTA file, plain or compressed, or a part of it, as `schemas.RECORDS`.

    Args:
        file: the file.
        chunk_bases: maximum number of bases in a chunk, except for a single longer record.
        chunk_rows: maximum number of records in a chunk.
        block_bytes: bytes of text per call of the parser.
        begin: first byte of the part, as stored. See `decoded_part` for compressed files.
        end: byte after the part, as stored; None for the end of the file.

    Raises:
        InputFormatError: there is no record, text before the first record, or another file format.
        TruncatedInputError: the compressed data end too early or are corrupt.
        RecordTooLongError: a record exceeds `LONGEST_RECORD`.
    """
    parser = FastaParser(chunk_bases, chunk_rows)
    with (
        closing(decoded_part(file.uri, begin, end, block_bytes)) as decoded,
        closing(read_ahead(decoded, file.size)) as blocks,
    ):
        yield from parser.read(file, _Part(begin, blocks), lambda _: refuse_other_kind(file.uri))
    yield from parser.flush()
