"""Finds the files of an input: turns a file, a folder, a glob or a URI into a sorted list."""

import glob
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import splitext
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.files.compression import DamagedStreamError, decoded_blocks
from opengenome_assets.files.remote import (
    file_system,
    is_web,
    open_stored,
    storage_errors,
    unreachable,
)
from opengenome_assets.files.split_files import (
    SplitPart,
    location_of,
    parts_of,
    split_part,
    suffixes,
    whole_of,
    whole_of_part,
)
from opengenome_assets.inputs.file_names import (
    ALLOWED,
    STREAMS,
    FileFormat,
    format_by_name,
    is_part,
    without_compression,
)
from opengenome_assets.inputs.not_input import (
    earlier_results,
    is_hidden,
    is_report,
    line_on_flat_files,
    lines_on_left_out,
    refuse_logged_tables,
    refuse_other_encoding,
    refuse_parts_of_logged_tables,
)
from opengenome_assets.inputs.other_kinds import (
    LOOKS_LIKE_FASTA,
    LOOKS_LIKE_FLAT_FILE,
    LOOKS_LIKE_JSON_LINES,
    LOOKS_LIKE_TAR,
    refuse_other_kind,
)
from opengenome_assets.paths import is_uri, local_path, printable
from opengenome_assets.units import number_of

# As a location: what is piped into the command.
STANDARD_INPUT = "-"
_FORMAT_NAMES: dict[FileFormat, str] = {
    "fasta": "FASTA",
    "tar": "FASTA",
    "zip": "FASTA",
    "parquet": "Parquet",
    "jsonl": "JSON lines",
    "flat": "GenBank or EMBL",
}
# Names of remote change markers, most reliable first.
_REMOTE_TAGS = ("ETag", "etag", "blob_id", "md5Hash", "Last-Modified", "LastModified", "mtime", "ukey")
_SHOWN = 5


@dataclass(frozen=True)
class InputFile:
    """One file of an input."""

    uri: str
    """absolute local path, or URI"""
    name: str
    """the file's name, for the column ``source``"""
    format: FileFormat
    size: int
    """bytes as stored; -1 if a server does not report it"""
    tag: str
    """change marker that needs no reading: local mtime in ns, or a remote ETag or similar"""
    column: str | None = None
    """column with the sequences, as the user or the plan names it; None to choose it by its name"""


def _format_by_content(uri: str) -> FileFormat:
    with open_stored(uri) as stored:
        if stored.peek(4).startswith(b"PAR1"):
            return "parquet"
        if stored.peek(4).startswith(b"PK\x03\x04"):
            return "zip"
    try:
        with closing(decoded_blocks(uri)) as blocks:
            head = next(blocks, b"")
    except DamagedStreamError:
        head = b""
    if LOOKS_LIKE_FASTA.match(head):
        return "fasta"
    if LOOKS_LIKE_TAR.match(head):
        return "tar"
    if LOOKS_LIKE_JSON_LINES.match(head):
        return "jsonl"
    if LOOKS_LIKE_FLAT_FILE.match(head):
        return "flat"
    refuse_other_kind(uri)
    msg = (
        f"{uri} is neither FASTA, JSON lines nor Parquet: it begins with {head[:20]!r}. "
        "After decompression FASTA begins with '>', JSON lines with '{'; Parquet begins with 'PAR1'."
    )
    raise InputFormatError(msg)


def _walk(folder: str) -> Iterator[str]:
    def fail(error: OSError) -> NoReturn:
        raise unreachable(error.filename or folder, error)

    seen = set()
    # Collections often consist of links to folders. Folders are visited once, so that loops of links end.
    for here, folders, names in os.walk(folder, followlinks=True, onerror=fail):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            yield os.path.join(here, name)  # noqa: PTH118 - Path would drop a trailing "..", and is slow here


def _in_folder(folder: str, paths: Iterable[str]) -> list[str]:
    """The files of a folder without those in hidden folders. Rejects tables with a log."""
    paths = list(paths)
    refuse_logged_tables(folder, paths)
    begin = len(folder.rstrip("/")) + 1
    return [path for path in paths if not is_hidden(path[begin:])]


def _local_files(location: str) -> tuple[list[str], str | None]:
    """Paths, and the folder that was searched; None if the location is a single file."""
    path = os.path.abspath(location)  # noqa: PTH100 - resolve() would follow links
    if Path(path).is_file():
        return [path], None
    root = path if Path(path).is_dir() else _without_pattern(path)
    found: set[str] = set()
    for match in [path] if root == path else glob.glob(path, recursive=True):  # noqa: PTH207 - Path.glob follows no links
        found.update(_in_folder(match, _walk(match)) if Path(match).is_dir() else [match])
    refuse_parts_of_logged_tables({os.path.dirname(each) for each in found})  # noqa: PTH120 - many files
    return sorted(found), root


def _without_pattern(path: str) -> str:
    """The folder above the first part of a glob that is a pattern."""
    return re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0]


def _remote_files(location: str) -> tuple[dict[str, dict[str, Any]], str | None]:
    """Details by URI, and the folder that was searched; None if the location is a single file."""
    try:
        system, path = file_system(location)
        system.invalidate_cache()
        # Listings of web servers may be incomplete.
        if is_web(location) or (not glob.has_magic(path) and system.isfile(path)):
            return {location: {**system.info(path), "ukey": system.ukey(path)}}, None
        if glob.has_magic(path):
            found = system.glob(path, detail=True)
            root = _without_pattern(path)
        else:
            found = system.find(path, detail=True)
            root = path
            found = {name: found[name] for name in _in_folder(path, found)}
        return {
            system.unstrip_protocol(name): {**info, "ukey": system.ukey(name)}
            for name, info in found.items()
            if info["type"] == "file"
        }, system.unstrip_protocol(root)
    except storage_errors() as error:
        raise unreachable(location, error) from error


def _name(location: str) -> str:
    """The file's name, without the query of a web address."""
    return PurePosixPath(unquote(urlsplit(location).path) if is_web(location) else location).name


def _input_file(uri: str, file_format: FileFormat, remote: dict[str, Any] | None) -> InputFile:
    """Describe a file; ``remote`` has the details of a remote one."""
    if remote is not None:
        size = -1 if remote.get("size") is None else int(remote["size"])
        tag = next(str(remote[key]) for key in _REMOTE_TAGS if remote.get(key))
        return InputFile(uri, _name(uri), file_format, size, tag)
    try:
        status = Path(uri).stat()
    except OSError as error:
        raise unreachable(uri, error) from error
    return InputFile(uri, _name(uri), file_format, status.st_size, str(status.st_mtime_ns))


def _join(paths: list[str]) -> tuple[list[str], dict[str, int]]:
    """Replace the parts of split files by their location.

    Returns:
        The paths, sorted, and the number of parts of each location.
    """
    series: dict[str, dict[tuple[str, bool], list[SplitPart]]] = {}
    for part in filter(None, map(split_part, filter(is_part, sorted(paths)))):
        series.setdefault(part.whole, {}).setdefault((part.mark, part.suffix.isdigit()), []).append(part)
    joined: dict[str, int] = {}
    taken: set[str] = set()
    for of_whole in series.values():
        found = [
            sorted(parts, key=lambda part: part.order)
            for parts in of_whole.values()
            if any(p.is_early for p in parts)
        ]
        if len(found) > 1:
            msg = (
                f"{found[0][0].path} and {found[1][0].path} look like parts of the same file, split twice, and would be "
                "counted twice. Remove one of the two series, or select the files with a glob."
            )
            raise InputFormatError(msg)
        for parts in found:
            joined[_location(parts)] = len(parts)
            taken.update(part.path for part in parts)
    return sorted({*joined, *(path for path in paths if path not in taken)}), joined


def _location(parts: list[SplitPart]) -> str:
    """The location of all parts. Rejects missing ones, and several of the same number."""
    first, last = parts[0], parts[-1]
    names = {part.suffix for part in parts}
    expected: set[str] = set()
    for suffix in suffixes(first.begin, last.suffix):
        if suffix not in names:
            missing = replace(first, suffix=suffix)
            msg = (
                f"{missing.path} is missing: {_name(last.path)} is a later part of the same file. Add the missing part, or "
                "remove all parts from the input."
            )
            raise InputFormatError(msg)
        expected.add(suffix)
    if other := next((part for part in parts if part.suffix not in expected), None):
        msg = f"{other.path} does not follow the other parts of this file. Remove it from the input, or rename it."
        raise InputFormatError(msg)
    return location_of(first, last)


def _list(location: str) -> tuple[list[str], str | None, dict[str, dict[str, Any]]]:
    """All paths of a location, the folder that was searched (None for a single file), and details of remote files."""
    if is_web(location) and is_part(location):
        msg = (
            f"{location} is a part of a split file, and web servers do not list the others. Name the first and the last "
            f"part, in quotes: '{whole_of_part(location)}.{{aa..ac}}'"
        )
        raise InputFormatError(msg)
    remote: dict[str, dict[str, Any]] = {}
    if is_uri(location):
        remote, root = _remote_files(location)
        paths = sorted(remote)
    else:
        paths, root = _local_files(location)
    if root is None and is_part(paths[0]):
        paths, more = _siblings(paths[0])
        remote |= more
    return paths, root, remote


def _siblings(path: str) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """The parts of the same file as one part, and details of remote ones."""
    begin = f"{glob.escape(whole_of_part(path))}.*"
    if not is_uri(path):
        return [each for each in glob.glob(begin) if is_part(each)], {}  # noqa: PTH207 - Path.glob takes no absolute pattern
    remote = _remote_files(begin)[0]
    return [each for each in remote if is_part(each)], remote


def _file_of_parts(location: str, remote: dict[str, dict[str, Any]]) -> InputFile:
    """Describe the file that was split."""
    whole = whole_of(location)
    file_format = format_by_name(_name(whole))
    if file_format is None or file_format not in STREAMS:
        msg = f"{location}: a Parquet file or zip archive cannot be read from parts. Join the parts: cat PARTS > {_name(whole)}"
        raise InputFormatError(msg)
    files = []
    for path in parts_of(location):
        if is_uri(path) and path not in remote:
            remote |= _remote_files(path)[0]
        refuse_other_encoding(path)
        files.append(_input_file(path, file_format, remote.get(path)))
    tags = hashlib.sha256("\n".join(file.tag for file in files).encode()).hexdigest()
    size = -1 if min(file.size for file in files) < 0 else sum(file.size for file in files)
    return InputFile(location, _name(whole), file_format, size, tags)


def _refuse_nothing(location: str, others: list[str]) -> NoReturn:
    names = [printable(_name(other)) for other in others]
    if not names:
        msg = (
            f"{location}: no such file, or no file in this folder. "
            f"Allowed: {ALLOWED}, as a file, a folder, a glob or a URI."
        )
        raise InputNotFoundError(msg)
    shown = ", ".join(names[:_SHOWN]) + (f", … ({len(names):,} files)" if len(names) > _SHOWN else "")
    msg = f"{location} has no file that can be read, only {shown}. Allowed: {ALLOWED}."
    try:
        for other in others[:_SHOWN]:
            refuse_other_kind(other)
    except InputFormatError as error:
        msg = f"{msg} {error}"
    raise InputNotFoundError(msg)


def refuse_doubt(files: Iterable[InputFile], location: str | None = None) -> None:
    """Reject inputs with empty files, two formats, or the same file twice.

    Args:
        files: files of the input.
        location: where they were searched; None for several places.

    Raises:
        InputFormatError: the message names the files.
    """
    for file in files:
        if file.size == 0:
            msg = f"{file.uri} is empty (0 bytes). Remove it from the input, or download it again."
            raise InputFormatError(msg)
    # Archives contain FASTA, and may be beside it.
    by_format = {_FORMAT_NAMES[file.format]: file for file in files}
    if len(by_format) > 1:
        (one, file), (two, other), *_ = sorted(by_format.items())
        msg = (
            f"{location or 'The input'} contains both {one} ({file.name}) and {two} ({other.name}). Select one format"
            + (f", for example with a glob: {location}/*{_ending(other)}" if location else ".")
        )
        raise InputFormatError(msg)
    by_stem: dict[str, InputFile] = {}
    for file in files:
        same = by_stem.setdefault(without_compression(whole_of(file.uri)), file)
        if same is not file:
            msg = (
                f"{same.uri} and {file.name} look like the same file, compressed and uncompressed, and would be "
                "counted twice. Remove one of them, or select the files with a glob."
            )
            raise InputFormatError(msg)


def _ending(file: InputFile) -> str:
    """The end of a glob for the file and others like it."""
    return splitext(without_compression(file.name))[1] + ("" if file.format == "parquet" else "*")


def no_log(line: str) -> None:
    """Log nothing."""


def find_files(location: str, log: Callable[[str], None] = no_log) -> list[InputFile]:
    """List the files of an input, sorted by path.

    Args:
        location: a file, a folder (searched recursively), a glob (``**`` is recursive), or any URI that fsspec
            supports. Folders and globs leave out files with other extensions, files that begin with ``.``, folders
            that begin with ``.`` or ``_``, results of earlier runs, and flat files beside FASTA. The content decides
            the format of a single file with another extension.
        log: called with a line about files that look like input and are left out.

    Raises:
        InputNotFoundError: there is no file, no file that can be read, or the storage cannot be reached.
        InputFormatError: an empty file, two formats, a file both compressed and uncompressed, a name that
            is not UTF-8, a Delta, Hudi or Iceberg table, or a single file of another format.
    """
    location = local_path(location)
    refuse_other_encoding(location)
    if not location:
        msg = f"The input is an empty string. Allowed: {ALLOWED}, as a file, a folder, a glob or a URI."
        raise InputNotFoundError(msg)
    if location == STANDARD_INPUT:
        msg = (
            "OPENGENOME_INPUT: only opengenome analyze codon and opengenome ingest read standard input (-). Save it to a "
            "file, and give the path of that."
        )
        raise InputNotFoundError(msg)
    if next(parts_of(location), None):
        return [_file_of_parts(location, {})]
    paths, root, remote = _list(location)
    results = {} if root is None else earlier_results(root, paths)
    paths, joined = _join(paths)
    files = []
    for path in paths:
        if path in joined:
            files.append(_file_of_parts(path, remote))
            log(f"reading  {number_of(joined[path], 'part')} as one file: {path}")
            continue
        is_left_out = path in results or (root is not None and is_report(path))
        file_format = None if is_left_out else format_by_name(_name(path))
        if file_format is None and root is None:
            file_format = _format_by_content(path)
        if file_format is not None:
            refuse_other_encoding(path)
            files.append(_input_file(path, file_format, remote.get(path)))
    if root is not None:
        for line in lines_on_left_out(results, paths):
            log(line)
    if root is not None and any(_FORMAT_NAMES[file.format] == "FASTA" for file in files):
        if beside := [file.uri for file in files if file.format == "flat"]:
            log(line_on_flat_files(beside))
        files = [file for file in files if file.format != "flat"]
    if not files:
        _refuse_nothing(location, paths)
    refuse_doubt(files, location)
    return files


def place_of(file: InputFile, records: pa.RecordBatch, row: int) -> str:
    """Where a record of a file is, for messages: the file, or the member of an archive."""
    source = records.column("source")[row].as_py() or ""
    return file.uri + source.removeprefix(file.name) if source.startswith(f"{file.name}/") else file.uri


def hash_file(file: InputFile) -> str:
    """SHA-256 of the stored bytes, in hexadecimal. Reads the file once."""
    with open_stored(file.uri) as stored:
        return hashlib.file_digest(stored, "sha256").hexdigest()
