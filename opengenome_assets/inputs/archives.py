"""Reads the FASTA members of tar and zip archives, one after the other. Nothing is unpacked to disk."""

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from posixpath import splitext
from tarfile import BLOCKSIZE
from typing import IO

import pyarrow as pa

from opengenome_assets.errors import InputFormatError, TruncatedInputError, first_line
from opengenome_assets.files.compression import DamagedStreamError, decoded, decoded_blocks, read_ahead
from opengenome_assets.files.remote import STORED_BLOCK, needs_ranges, open_stored
from opengenome_assets.inputs.fasta import FastaParser
from opengenome_assets.inputs.file_names import (
    FASTA_EXTENSIONS,
    format_by_name,
    line_on_mixed_contents,
    mixed_contents,
    without_compression,
)
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.not_input import is_hidden
from opengenome_assets.inputs.other_kinds import LOOKS_LIKE_TAR, name_of_kind, refuse_other_kind
from opengenome_assets.inputs.tar import tar_members
from opengenome_assets.units import number_of

# Control characters, and bytes that are not UTF-8.
_NO_TEXT = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_IS_ENCRYPTED = 1
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    # zipfile's for what it does not support, such as a later version of the format.
    NotImplementedError,
    # zipfile's for encrypted members.
    RuntimeError,
    ValueError,
    struct.error,
    # A wrong offset in the list of members.
    OSError,
)
_SHOWN = 3


@dataclass(frozen=True)
class _Member:
    """A member of an archive: path as written, ``file`` or another kind, bytes, and how these are opened."""

    name: str
    kind: str
    size: int
    open: Callable[[], io.BufferedReader]


@dataclass
class _Account:
    """The members of an archive so far: those that are read, without the extension of a compression, and the others."""

    read: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def shown(self) -> str:
        """What is left out, the most frequent kinds first."""
        kinds = [number_of(count, kind) for kind, count in self.left_out.most_common(_SHOWN)]
        return ", ".join(kinds) + (", …" if len(self.left_out) > _SHOWN else "")


def read_archive(
    file: InputFile, chunk_bases: int, chunk_rows: int, log: Callable[[str], None]
) -> Generator[pa.RecordBatch, None, None]:
    """Read the FASTA members of an archive as `schemas.RECORDS`, in the order of the archive.

    ``source`` is the archive's name and the member's path: ``batch1.tar/GCF_000005845.2.fna``. Members may be
    compressed. Memory: that of `read_fasta`, and the names of the members.

    Args:
        file: the archive.
        chunk_bases: maximum number of bases in a chunk, except for a single longer record.
        chunk_rows: maximum number of records in a chunk.
        log: called at the end with a line about the members that are left out, and one about names that show
            different kinds of sequences.

    Raises:
        InputFormatError: it is no such archive, has no FASTA member, or a member that cannot be read.
        TruncatedInputError: the archive or a member is truncated or damaged.
        RecordTooLongError: a record exceeds `fasta.LONGEST_RECORD`.
    """
    account = _Account()
    parser = FastaParser(chunk_bases, chunk_rows)
    with closing(fasta_members(file, account)) as members:
        for member, blocks in members:
            yield from parser.read(member, blocks, partial(_refuse_content, member.uri))
    yield from parser.flush()
    if not account.read:
        held = f"only {account.shown}" if account.left_out else "no members at all"
        msg = (
            f"{file.uri} has no FASTA file in it, {held}. Remove it from the input, or select files with a glob. "
            f"The names of FASTA files end with {', '.join(FASTA_EXTENSIONS)}."
        )
        raise InputFormatError(msg)
    if account.left_out:
        log(f"leaving out  {number_of(account.left_out.total(), 'member')} of {file.name}: {account.shown}")
    if mixed := mixed_contents(name.rpartition("/")[2] for name in account.read):
        log(line_on_mixed_contents(mixed, f"members of {file.name}"))


def fasta_members(
    file: InputFile, account: _Account | None = None
) -> Generator[tuple[InputFile, Iterator[bytes]], None, None]:
    """The FASTA members of an archive in its order: each as a file, and its text in blocks.

    The text of a member is read before the next one is requested, or not at all.

    Args:
        file: the archive.
        account: receives what is read and left out.

    Raises:
        InputFormatError: it is no such archive, or a member cannot be read.
        TruncatedInputError: the archive is truncated or damaged.
    """
    account = _Account() if account is None else account
    last: str | None = None
    with closing(_MEMBERS[file.format](file)) as members:
        while True:
            try:
                member = next(members, None)
            except DamagedStreamError as damage:
                where = "before its first member" if last is None else f"in or after its member {last!r}"
                msg = f"{file.uri}: {damage}, {where}. Download the archive again, or pack it again."
                raise TruncatedInputError(msg) from damage
            if member is None:
                return
            last = member.name.removeprefix("./").lstrip("/")
            kind = _kind_to_leave_out(last, member.kind)
            if kind is not None:
                account.left_out[kind] += 1
                continue
            _refuse_member(file, last, member.kind, account)
            place = f"{file.uri}/{last}"
            yield (
                InputFile(place, f"{file.name}/{last}", "fasta", member.size, file.tag),
                _blocks(member, place),
            )


def _blocks(member: _Member, place: str) -> Iterator[bytes]:
    yield from decoded(member.open(), place)


def paths_beside_archives(files: Sequence[InputFile]) -> frozenset[str]:
    """Locations of the other files of an input, without the extension of a compression; empty without archives."""
    if not any(file.format in _MEMBERS for file in files):
        return frozenset()
    return frozenset(without_compression(file.uri) for file in files if file.format not in _MEMBERS)


def refuse_unpacked(file: InputFile, records: pa.RecordBatch, paths: frozenset[str]) -> None:
    """Reject an archive whose members are also in the input as files, where the archive was unpacked.

    Args:
        file: the file that the records are in.
        records: column ``source``.
        paths: result of `paths_beside_archives`.

    Raises:
        InputFormatError: a member would be counted twice.
    """
    if not paths or file.format not in _MEMBERS:
        return
    folder = file.uri.rpartition("/")[0]
    stem = splitext(without_compression(file.uri))[0]
    for source in records.column("source").unique().to_pylist():
        member = source.removeprefix(f"{file.name}/")
        for place in (f"{folder}/{member}", f"{stem}/{member}"):
            if without_compression(place) in paths:
                msg = (
                    f"{file.uri}/{member} is also in the input as {place}, and would be counted twice. Remove the "
                    "archive or the unpacked files, or select the files with a glob."
                )
                raise InputFormatError(msg)


def _kind_to_leave_out(name: str, kind: str) -> str | None:
    """What a member is that is not read; None for FASTA."""
    if kind not in ("file", "sparse file"):
        return kind
    if is_hidden(name):
        return "hidden file"
    found = format_by_name(name)
    if found == "fasta":
        return None
    if found in _MEMBERS:
        return "archive"
    suffix = splitext(name.lower())[1]
    return f"{suffix} file" if suffix and not _NO_TEXT.search(suffix) else "other file"


def _refuse_member(file: InputFile, name: str, kind: str, account: _Account) -> None:
    """Reject a FASTA member for its name or kind; else add its name to the account."""
    if _NO_TEXT.search(name):
        msg = (
            f"{file.uri}: the name of its member {name!r} has control characters or is not UTF-8. "
            "Pack the archive again with another name."
        )
        raise InputFormatError(msg)
    if kind == "sparse file":
        msg = f"{file.uri}/{name} is packed as a sparse file. Pack the archive again without --sparse."
        raise InputFormatError(msg)
    bare = without_compression(name)
    if bare in account.read:
        msg = (
            f"{file.uri} has the member {name!r} twice, or also with another compression, and it would be counted "
            "twice. Pack the archive again with one of them."
        )
        raise InputFormatError(msg)
    account.read.add(bare)


def _refuse_content(place: str, head: bytes) -> None:
    """Reject a member that is empty or of a known kind other than FASTA."""
    found = name_of_kind(head) if head else "empty"
    if found:
        msg = f"{place} is {found}. Pack the archive again without this member, or with its FASTA file."
        raise InputFormatError(msg)


def _members_of_tar(file: InputFile) -> Generator[_Member, None, None]:
    with (
        closing(decoded_blocks(file.uri)) as blocks,
        closing(read_ahead(blocks, file.size)) as ahead,
    ):
        head = b""
        # tar has its magic number at byte 257.
        while len(head) < BLOCKSIZE and (block := next(ahead, b"")):
            head += block
        if not LOOKS_LIKE_TAR.match(head):
            refuse_other_kind(file.uri)
        with closing(tar_members(chain([head], ahead))) as members:
            for member in members:
                yield _Member(member.name, member.kind, member.size, partial(_opened, member.stored))


def _opened(stored: io.BufferedReader) -> io.BufferedReader:
    return stored


class _ZipBody(io.RawIOBase):
    """The decompressed bytes of a member of a zip archive."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # BufferedReader gives a memoryview
        try:
            part = self._body.read(len(buffer))
        except _ZIP_ERRORS as error:
            raise _damaged_zip(error) from error
        buffer[: len(part)] = part
        return len(part)


def _damaged_zip(error: Exception) -> DamagedStreamError:
    return DamagedStreamError("zip", f"are damaged or incomplete ({first_line(error)})")


def _members_of_zip(file: InputFile) -> Generator[_Member, None, None]:
    with open_stored(file.uri, from_end=True) as stored:
        if not stored.peek(2).startswith(b"PK"):
            refuse_other_kind(file.uri)
        try:
            stored.seek(0, io.SEEK_END)
        except ValueError as error:
            raise needs_ranges(file.uri) from error
        try:
            archive = zipfile.ZipFile(stored)
        except _ZIP_ERRORS as error:
            raise _damaged_zip(error) from error
        with archive:
            for info in archive.infolist():
                if not info.is_dir():
                    is_link = stat.S_ISLNK(info.external_attr >> 16)
                    yield _Member(
                        info.filename,
                        "link" if is_link else "file",
                        info.file_size,
                        partial(_open_in_zip, file, archive, info),
                    )


def _open_in_zip(file: InputFile, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> io.BufferedReader:
    place = f"{file.uri}/{info.filename}"
    if info.flag_bits & _IS_ENCRYPTED:
        msg = f"{place} is encrypted. Pack the archive again without a password."
        raise InputFormatError(msg)
    if info.compress_type not in _ZIP_METHODS:
        msg = (
            f"{place} is compressed with method {info.compress_type}, which is not supported. Pack the archive again "
            "with the method deflate: zip."
        )
        raise InputFormatError(msg)
    try:
        return io.BufferedReader(_ZipBody(archive.open(info)), STORED_BLOCK)
    except _ZIP_ERRORS as error:
        msg = f"{place}: {_damaged_zip(error)}. Download the archive again, or pack it again."
        raise TruncatedInputError(msg) from error


_MEMBERS: dict[str, Callable[[InputFile], Generator[_Member, None, None]]] = {
    "tar": _members_of_tar,
    "zip": _members_of_zip,
}
