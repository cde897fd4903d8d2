"""Decompresses files into blocks. The first bytes of a file decide the compression, not its name.

Reads every member of a gzip, bzip2, xz or zstd file. Files with several members are common (BGZF, `cat`), and a reader
that stops after the first one silently loses data.
"""

import bz2
import io
import lzma
import shlex
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, TypeVar

import pyarrow as pa
from isal import igzip_lib

from opengenome_assets.errors import InputFormatError
from opengenome_assets.files import bgzf
from opengenome_assets.files.remote import STORED_BLOCK, needs_ranges, open_stored
from opengenome_assets.paths import is_uri

BLOCK_BYTES = 2**20
Block = TypeVar("Block")
# Number of blocks that are read ahead of the consumer.
PREFETCH = 4
# When a read fails, zstd's stream loses the data decoded in this read, so reads are small.
_ZSTD_BYTES = 64 * 2**10


# isal types its exception as an instance.
_GZIP_ERROR: type[Exception] = igzip_lib.error  # type: ignore[assignment]


class DamagedStreamError(Exception):
    """Compressed data end too early or cannot be decoded. The blocks before are valid."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"its {kind} data {reason}")


# Decoder of one member, by compression.
_MEMBERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}
_FIRST_BYTES: dict[str, bytes | tuple[bytes, ...]] = {
    "gzip": b"\x1f\x8b",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    # A frame, or one of sixteen kinds of skippable frames.
    "zstd": (b"\x28\xb5\x2f\xfd", *(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))),
}


def _decode_members(
    stored: io.BufferedReader, compression: str, block_bytes: int, at: int = 0
) -> Iterator[tuple[int, bytes]]:
    """Decode members that begin at byte ``at``. Yields the first byte of each member with its blocks, the first one empty."""
    member: Any = None
    begin = at
    waiting = b""
    while True:
        if not waiting:
            waiting = stored.read(STORED_BLOCK)
            at += len(waiting)
            if not waiting:
                break
        if member is None:
            # Tapes and some archivers pad with zeros after a member.
            waiting = waiting.lstrip(b"\0")
            if not waiting:
                continue
            member = _MEMBERS[compression]()
            begin = at - len(waiting)
            yield begin, b""
        try:
            block = member.decompress(waiting, block_bytes)
            while not member.eof and not member.needs_input:
                yield begin, block
                block = member.decompress(b"", block_bytes)
        except (_GZIP_ERROR, OSError, lzma.LZMAError) as error:
            raise DamagedStreamError(compression, f"are damaged ({error})") from error
        if block:
            yield begin, block
        waiting = member.unused_data if member.eof else b""
        if member.eof:
            member = None
    if member is not None:
        raise DamagedStreamError(compression, "end before their end mark")


def _decode_zstd(stored: io.BufferedReader, uri: str) -> Iterator[bytes]:
    stream = pa.CompressedInputStream(pa.PythonFile(stored, "r"), "zstd")
    try:
        while block := stream.read(_ZSTD_BYTES):
            yield block
    except OSError as error:
        if "too much memory" in str(error):
            # The data refer back further than the decoder's window of 128 MiB.
            name = shlex.quote(PurePosixPath(uri).name if is_uri(uri) else uri)
            msg = (
                f"{uri} was compressed with zstd --long and needs more than 128 MiB to decompress. Compress it again "
                f"and rename the result: zstd -dc --long=31 {name} | zstd -o {name}.new"
            )
            raise InputFormatError(msg) from error
        cut = "Truncated" in str(error)
        reason = "end before their end mark" if cut else f"are damaged ({error})"
        raise DamagedStreamError("zstd", reason) from error


def compression_of(stored: io.BufferedReader) -> str | None:
    """Detect the compression of an open file by its first bytes; None if it is not compressed."""
    head = stored.peek(8)
    return next((name for name, first in _FIRST_BYTES.items() if head.startswith(first)), None)


def decoded_blocks(uri: str, block_bytes: int = BLOCK_BYTES) -> Generator[bytes, None, None]:
    """Decompress a file into blocks of at most ``block_bytes``. An uncompressed file is read unchanged.

    Raises:
        DamagedStreamError: after the last valid block of a truncated or corrupt file.
        InputFormatError: zstd data that need too much memory.
        InputNotFoundError: the file cannot be opened.
    """
    with open_stored(uri) as stored:
        yield from decoded(stored, uri, block_bytes)


def decoded(stored: io.BufferedReader, uri: str, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """`decoded_blocks` of an open file; ``uri`` is its name in messages."""
    compression = compression_of(stored)
    if compression is None:
        # One read at a time, because a failing one loses what earlier ones of the same call have read.
        yield from iter(lambda: stored.read1(block_bytes), b"")
    elif compression == "zstd":
        yield from _decode_zstd(stored, uri)
    else:
        yield from (block for _, block in _decode_members(stored, compression, block_bytes) if block)


def byte_cuts(uri: str, size: int, part_bytes: int) -> list[int]:
    """Bytes of a stored file where its parts begin for `decoded_part`; only 0 if it cannot be read in parts.

    Args:
        uri: local path or URI.
        size: bytes of the file.
        part_bytes: bytes of a part.

    Raises:
        InputNotFoundError: the file cannot be opened.
    """
    with open_stored(uri, from_end=True) as stored:
        try:
            is_plain = compression_of(stored) is None
            is_bgzf = bgzf.block_size(stored, 0) > 0
            stored.seek(max(size - len(bgzf.END_BLOCK), 0))
            tail = stored.read()
        except ValueError:
            # A web server that sends whole files only.
            return [0]
    # Without its end block, a file of blocks is cut off, or ends with ordinary gzip members.
    return list(range(0, size, part_bytes)) if is_plain or (is_bgzf and tail == bgzf.END_BLOCK) else [0]


def decoded_part(
    uri: str, begin: int, end: int | None, block_bytes: int = BLOCK_BYTES
) -> Generator[tuple[bytes, int], None, None]:
    """Read the text of a part of a file, and the text after it until the consumer stops.

    In plain text, a part that does not begin at 0 includes the byte before it, so that the consumer sees whether a line
    ends there. In BGZF, a part has the blocks that begin in it, and one byte of text after them, for the same reason. Any
    other compressed file is one part, which begins at 0; other parts are empty.

    Args:
        uri: local path or URI.
        begin: first byte of the part, as stored.
        end: byte after the part, as stored; None for the end of the file.
        block_bytes: maximum number of bytes in a block.

    Yields:
        Blocks that are not empty, each with the number of its first bytes that belong to the part.

    Raises:
        DamagedStreamError, InputFormatError, InputNotFoundError: as for `decoded_blocks`.
    """
    is_part = begin > 0 or end is not None
    with open_stored(uri, from_end=is_part) as stored:
        try:
            is_plain = compression_of(stored) is None
            if is_part and not is_plain and bgzf.block_size(stored, 0):
                yield from _decode_blocks(stored, begin, end, block_bytes)
                return
            if begin > 0 and not is_plain:
                return
            at = stored.seek(max(begin - 1, 0)) if is_part else 0
            for block in decoded(stored, uri, block_bytes):
                own = min(max(end - at, 0), len(block)) if is_plain and end is not None else len(block)
                at += len(block)
                yield block, own
        except ValueError as error:
            raise needs_ranges(uri) from error


def _decode_blocks(
    stored: io.BufferedReader, begin: int, end: int | None, block_bytes: int
) -> Iterator[tuple[bytes, int]]:
    """`decoded_part` of BGZF. Members that are no blocks belong to the block before them."""
    first = bgzf.next_block(stored, begin, end) if begin else 0
    if first is None:
        return
    next_part = None if end is None else bgzf.next_block(stored, end)
    stored.seek(first)
    has_ended = False
    after = 1
    for at, block in _decode_members(stored, "gzip", block_bytes, first):
        has_ended |= at == next_part
        if next_part is not None and at > next_part and not has_ended:
            break
        if not block:
            continue
        yield block, after if has_ended else len(block)
        after = 0 if has_ended else 1
    if next_part is not None and not has_ended:
        raise DamagedStreamError("gzip", f"have a block inside another one at byte {next_part:,}")


def prefetched(blocks: Iterator[Block]) -> Generator[Block, None, None]:
    """Produce the blocks in a thread, at most `PREFETCH` ahead of the consumer.

    Reading, decompressing and decoding release the GIL, so they run in parallel to the consumer. An exception in the
    thread is raised here after the blocks before it. The thread ends with this generator.
    """
    with ThreadPoolExecutor(1, "prefetch") as thread:
        ahead = deque(thread.submit(next, blocks, None) for _ in range(PREFETCH))
        try:
            while (block := ahead.popleft().result()) is not None:
                ahead.append(thread.submit(next, blocks, None))
                yield block
        finally:
            for waiting in ahead:
                waiting.cancel()


def read_ahead(blocks: Generator[Block, None, None], stored_bytes: int) -> Generator[Block, None, None]:
    """`prefetched`, except for small files, where a thread costs more than it saves.

    Args:
        blocks: blocks of the file.
        stored_bytes: size of the file; -1 if unknown.
    """
    return blocks if 0 <= stored_bytes <= BLOCK_BYTES else prefetched(blocks)
