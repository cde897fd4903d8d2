"""Remote files of inputs and warehouses: the only access to fsspec, with one-line errors.

fsspec and the packages of its schemes are imported only when a URI needs them.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

from opengenome_assets.errors import InputNotFoundError, LostConnectionError, WarehouseError, first_line
from opengenome_assets.files.split_files import JoinedParts, parts_of
from opengenome_assets.paths import is_uri

STORED_BLOCK = 128 * 2**10
REMOTE_BLOCK = 8 * 2**20
# An upload holds one part in memory; the largest file has 10,000 parts.
PART_BYTES = 16 * 2**20

# Exceptions of clients that are not OSErrors, with their modules.
_CLIENT_ERRORS = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
    ("httpx", "HTTPError"),
    ("httpx2", "HTTPError"),
    ("huggingface_hub.errors", "HfHubHTTPError"),
)
_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
}
# Web servers send a file as one stream, and do not accept uploads.
_WEB = ("http", "https")
_READ_ONLY = (*_WEB, "hf")
_ALLOWED = "Allowed: a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."


def _scheme(location: str) -> str:
    return location.partition("://")[0]


def is_web(location: str) -> bool:
    """Whether the location is on a web server, which has files but no folders."""
    return is_uri(location) and _scheme(location) in _WEB


def quiet_hub() -> None:
    """Turn off the telemetry of the hub's client."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def file_system(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the path within it; raises `storage_errors`."""
    from fsspec.core import url_to_fs

    options: dict[str, Any] = {}
    if _scheme(uri) == "hf":
        quiet_hub()
    if is_web(uri):
        from aiohttp import ClientTimeout

        # The default timeout of five minutes is too short for large files. The stored bytes are needed, so the
        # server must not compress them.
        options["client_kwargs"] = {
            "timeout": ClientTimeout(total=None, sock_connect=30, sock_read=120),
            "headers": {"Accept-Encoding": "identity"},
        }
    system, path = url_to_fs(uri, **options)
    return system, path


def storage_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Exceptions that opening or listing can raise, and others. Call it only after an exception was raised.

    ValueError means an unknown scheme, ImportError a scheme whose package is not installed.
    """
    return _client_errors(OSError, ValueError, ImportError, *others)


def _client_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Exceptions of the clients that are already loaded, and others."""
    loaded = [getattr(sys.modules[module], name) for module, name in _CLIENT_ERRORS if module in sys.modules]
    return (*others, *loaded)


def _install_hint(location: str, error: Exception) -> str:
    """How to install the missing package of a URI's scheme; empty if it is not missing."""
    extra = _EXTRAS.get(_scheme(location)) if isinstance(error, ImportError) else None
    return f" with: pip install 'opengenome-assets[{extra}]'" if extra else ""


def unreachable(location: str, error: Exception) -> InputNotFoundError:
    """The one-line error for an input that cannot be read."""
    # fsspec reports every failure as "not found". The server's answer is the cause.
    cause = (isinstance(error, FileNotFoundError) and error.__cause__) or error
    if isinstance(cause, FileNotFoundError):
        reason = "no such file"
    elif isinstance(cause, OSError) and cause.strerror:
        reason = cause.strerror
    else:
        reason = first_line(cause) + _install_hint(location, error)
    return InputNotFoundError(
        f"{location} cannot be read: {reason}. Check the address and your access to it."
    )


def needs_ranges(uri: str) -> InputNotFoundError:
    """The error for a file whose server only sends it from beginning to end: seeking in it raises a ValueError."""
    return InputNotFoundError(
        f"{uri} cannot be read: its server does not support range requests. Download the file first."
    )


def open_stored(uri: str, *, from_end: bool = False) -> io.BufferedReader:
    """Open a file of the input to read its stored bytes.

    Args:
        uri: local path or URI, also of the parts of a split file.
        from_end: whether the file will be read at random positions, not only from beginning to end.

    Raises:
        InputNotFoundError: the file is missing, or the storage cannot be reached.
        LostConnectionError: later, while reading: the connection was lost in the middle of the file.
    """
    parts = parts_of(uri)
    if first := next(parts, None):
        return io.BufferedReader(JoinedParts(chain([first], parts), open_stored), STORED_BLOCK)
    try:
        if not is_uri(uri):
            return io.BufferedReader(Path(uri).open("rb", buffering=0), STORED_BLOCK)
        system, path = file_system(uri)
        # A block size of 0 requests one stream, so that the server need not support ranges.
        streams = _scheme(uri) in _READ_ONLY and not from_end
        remote: Any = system.open(path, "rb", block_size=0 if streams else REMOTE_BLOCK)
    except storage_errors() as error:
        raise unreachable(uri, error) from error
    return io.BufferedReader(_Remote(uri, remote), STORED_BLOCK)


class _Remote(io.RawIOBase):
    """A remote file with one-line errors, also for failures while reading."""

    def __init__(self, uri: str, file: Any) -> None:
        self._uri = uri
        self._file = file
        self._read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:
        # A server may send the first bytes one by one; the format is recognized by the first read.
        view = memoryview(buffer).cast("B")
        count = 0
        try:
            while count < len(view) and (more := int(self._file.readinto(view[count:]))):
                count += more
        except _client_errors(OSError) as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise unreachable(self._uri, error) from error
            # After a truncated response the exception only says "400". The reason is its cause.
            inner = error.__cause__ if error.__cause__ and str(error.__cause__) else error
            msg = (
                f"{self._uri}: the connection was lost after {self._read + count:,} bytes "
                f"({first_line(inner).rstrip(':, ')}). Run the same command again. If that fails too, download the file "
                "first."
            )
            raise LostConnectionError(msg) from error
        self._read += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextmanager
def store(location: str) -> Iterator[tuple[Any, str]]:
    """The file system of a warehouse's URI and the path within it, without cached listings.

    Inside the block, exceptions of the store's client become one-line errors, except ``FileNotFoundError``.

    Raises:
        WarehouseError: the scheme is unknown, its package is not installed, or the store denies access or cannot be
            reached.
    """
    try:
        system, path = file_system(location)
    except (ImportError, ValueError) as error:
        remedy = f" {_ALLOWED}" if isinstance(error, ValueError) else ""
        msg = f"OPENGENOME_WAREHOUSE: {location} cannot be used: {error}{_install_hint(location, error)}.{remedy}"
        raise WarehouseError(msg) from error
    system.invalidate_cache()
    try:
        yield system, path
    except _client_errors(PermissionError) as error:
        msg = (
            f"{location}: the object store denies access or cannot be reached ({first_line(error)}). Check the address "
            "in OPENGENOME_WAREHOUSE, the network, and the credentials for the store's client."
        )
        raise WarehouseError(msg) from error


@contextmanager
def read_object(location: str) -> Iterator[IO[bytes]]:
    """Open an object of a warehouse. Reading N bytes requests N bytes from the store.

    Raises:
        FileNotFoundError: the object does not exist.
        WarehouseError: the store cannot be reached, or denies access.
    """
    with store(location) as (system, path), system.open(path, "rb", cache_type="none") as file:
        yield file


@contextmanager
def write_object(location: str) -> Iterator[IO[bytes]]:
    """Upload an object of a warehouse. It replaces the old one only if the block ends without an error.

    Raises:
        WarehouseError: the store cannot be reached, denies access, is read-only, or has no such bucket.
    """
    if _scheme(location) in _READ_ONLY:
        msg = f"OPENGENOME_WAREHOUSE: {location} cannot be written to. {_ALLOWED}"
        raise WarehouseError(msg)
    with store(location) as (system, path):
        with _bucket_errors(location):
            file = system.open(path, "wb", block_size=PART_BYTES)
        try:
            yield file
        except BaseException:
            _discard(file)
            raise
        with _bucket_errors(location):
            file.close()


@contextmanager
def _bucket_errors(location: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{location}: the object store has no such bucket ({error}). Create it, or correct OPENGENOME_WAREHOUSE."
        raise WarehouseError(msg) from error


def _discard(file: Any) -> None:
    """Abort an upload, which keeps the old object."""
    # A second failure of the store is ignored, because the first error is reported.
    with suppress(*_client_errors(OSError)):
        file.discard()
    # Otherwise the garbage collector would close the file, which completes the upload.
    with suppress(AttributeError):
        file.closed = True
