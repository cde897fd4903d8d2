"""Reads tar archives as a stream: member by member, in constant memory, without a file on disk.

Headers of ordinary files are decoded here, which takes a quarter of the time, and all others by `tarfile`. Its own reader
takes a damaged header for the end of the archive, loads headers of any size, and keeps those of all members.
"""

import io
import re
import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from opengenome_assets.files.compression import DamagedStreamError
from opengenome_assets.files.remote import STORED_BLOCK

_BLOCK = tarfile.BLOCKSIZE
_ZEROS = bytes(_BLOCK)
# A longer name or list of attributes is refused, because it is held in memory.
LONGEST_HEADER = 2**20
# A file whose path is in one field: path, size in octal digits, checksum.
_PLAIN_FILE = re.compile(
    rb"(?=([^\0]{1,100})).{124}([0-7]{11})[\0 ].{12}([0-7]{6})\0 0.{188}\0{155}", re.DOTALL
)
_CHECKSUM = slice(148, 156)
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,8}) ([^=]+)=", re.DOTALL)


@dataclass(frozen=True)
class TarMember:
    """A member of an archive, without folders.

    Attributes:
        name: path as written.
        kind: ``file``, ``sparse file``, ``link``, ``special file`` or ``member of an unknown type``.
        size: number of its bytes.
        stored: these bytes, until the next member is requested.
    """

    name: str
    kind: str
    size: int
    stored: io.BufferedReader


class _Stream:
    """Bytes of the archive, from blocks of any size."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = b""
        self._at = 0

    def some(self, most: int) -> memoryview:
        """The next bytes: at least one, except at the end."""
        while self._at == len(self._block):
            block = next(self._blocks, None)
            if block is None:
                break
            self._block, self._at = block, 0
        part = memoryview(self._block)[self._at : self._at + most]
        self._at += len(part)
        return part

    def up_to(self, count: int) -> bytes:
        """The next bytes: fewer only at the end."""
        found = bytes(self.some(count))
        while len(found) < count and (more := self.some(count - len(found))):
            found += more
        return found

    def exactly(self, count: int) -> bytes:
        found = self.up_to(count)
        if len(found) < count:
            raise _truncated()
        return found

    def skip(self, count: int) -> None:
        while count:
            part = self.some(count)
            if not part:
                raise _truncated()
            count -= len(part)


class _Body(io.RawIOBase):
    """The bytes of one member."""

    def __init__(self, stream: _Stream, size: int) -> None:
        self._stream = stream
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # BufferedReader gives a memoryview
        part = self._stream.some(min(len(buffer), self.left))
        if not part and self.left and len(buffer):
            raise _truncated()
        buffer[: len(part)] = part
        self.left -= len(part)
        return len(part)


def _truncated() -> DamagedStreamError:
    return DamagedStreamError("tar", "end before their end mark")


def _damaged(reason: str) -> DamagedStreamError:
    return DamagedStreamError("tar", f"are damaged ({reason})")


def tar_members(blocks: Iterator[bytes]) -> Generator[TarMember, None, None]:
    """The members of an archive in its order. Archives after each other are read to the end.

    Args:
        blocks: the archive, decompressed.

    Raises:
        DamagedStreamError: the archive is truncated or damaged; also the errors of ``blocks``.
    """
    stream = _Stream(blocks)
    name: str | None = None
    attributes: dict[str, bytes] = {}
    is_ended = False
    while True:
        block = stream.up_to(_BLOCK)
        if is_ended and not block.strip(b"\0"):
            if not block:
                return
            continue
        if block == _ZEROS:
            is_ended = True
            continue
        header = decode_header(block)
        is_ended = False
        if header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            attributes = _attributes(_text(stream, header))
        elif header.type == tarfile.GNUTYPE_LONGNAME:
            name = _text(stream, header).split(b"\0")[0].decode("utf-8", "surrogateescape")
        elif header.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            stream.skip(header.size + -header.size % _BLOCK)
        else:
            yield from _member(stream, block, header, name, attributes)
            name, attributes = None, {}


def _member(
    stream: _Stream, block: bytes, header: tarfile.TarInfo, name: str | None, attributes: dict[str, bytes]
) -> Iterator[TarMember]:
    size = _size(header, attributes)
    is_sparse = header.type == tarfile.GNUTYPE_SPARSE or any(
        key.startswith("GNU.sparse.") for key in attributes
    )
    if header.type == tarfile.GNUTYPE_SPARSE:
        # The list of the parts continues in further blocks.
        is_continued = block[482]
        while is_continued:
            is_continued = stream.exactly(_BLOCK)[504]
    if header.isreg():
        kind = "sparse file" if is_sparse else "file"
    elif header.islnk() or header.issym():
        kind, size = "link", 0
    elif header.isdev():
        kind, size = "special file", 0
    elif header.isdir():
        size = 0
        kind = ""
    else:
        kind = "member of an unknown type"
    body = _Body(stream, size)
    if kind:
        for key in ("path", "GNU.sparse.name"):
            if key in attributes:
                name = attributes[key].decode("utf-8", "surrogateescape")
        yield TarMember(
            header.name if name is None else name, kind, size, io.BufferedReader(body, STORED_BLOCK)
        )
    stream.skip(body.left + -size % _BLOCK)


def decode_header(block: bytes) -> tarfile.TarInfo:
    """Name, size and type of a header of one block; only an unusual header has the other fields.

    Raises:
        DamagedStreamError: the block is truncated, or its checksum does not match.
    """
    if len(block) < _BLOCK:
        raise _truncated()
    if plain := _plain_file(block):
        return plain
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _damaged(str(error)) from error
    if header.size < 0:
        raise _damaged("a member has a negative size")
    return header


def _plain_file(block: bytes) -> tarfile.TarInfo | None:
    """The header of an ordinary file, which `tarfile` would decode field by field; None for any other header."""
    found = _PLAIN_FILE.match(block)
    # The checksum counts its own field as eight spaces.
    if found is None or sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ") != int(found[3], 8):
        return None
    header = tarfile.TarInfo(found[1].decode("utf-8", "surrogateescape"))
    header.size = int(found[2], 8)
    return header


def _text(stream: _Stream, header: tarfile.TarInfo) -> bytes:
    """The text of a header that is longer than a block."""
    if header.size > LONGEST_HEADER:
        raise _damaged(f"a header has {header.size:,} bytes, the limit is {LONGEST_HEADER:,}")
    return stream.exactly(header.size + -header.size % _BLOCK)[: header.size]


def _attributes(text: bytes) -> dict[str, bytes]:
    """The records ``length key=value`` of an extended header."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(text) and text[at]:
        record = _PAX_RECORD.match(text, at)
        end = at + int(record[1]) if record else 0
        if record is None or not record.end() < end <= len(text):
            raise _damaged("an extended header is not readable")
        found[record[2].decode("utf-8", "replace")] = text[record.end() : end - 1]
        at = end
    return found


def _size(header: tarfile.TarInfo, attributes: dict[str, bytes]) -> int:
    stated = attributes.get("size")
    if stated is None:
        return header.size
    if not stated.isdigit() or len(stated) > 20:
        raise _damaged(f"a member has the size {stated[:20]!r}")
    return int(stated)
