"""Bytes as they are stored, on a local disk or behind any URI that fsspec knows.

fsspec and the packages behind its schemes are imported only when a URI asks for them.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opengenome_assets.errors import InputNotFoundError, LostConnectionError
from opengenome_assets.files.object_store import install_hint, remote_errors

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

STORED_BLOCK = 128 * 2**10
REMOTE_BLOCK = 8 * 2**20

_STREAMING = ("http://", "https://", "hf://")


def is_uri(location: str) -> bool:
    """Whether the location is behind fsspec; ``file://`` is expected to be gone by `paths.local_path`."""
    return "://" in location


def is_web(location: str) -> bool:
    """Whether the location is on a web server, which has files but no folders."""
    return location.startswith(("http://", "https://"))


def file_system(uri: str) -> tuple["AbstractFileSystem", str]:
    """Find the file system of a URI and the path within it; raises `storage_errors`."""
    from fsspec.core import url_to_fs

    options: dict[str, Any] = {}
    if uri.startswith("hf://"):
        quiet_hub()
    if is_web(uri):
        from aiohttp import ClientTimeout

        # By default a request ends after five minutes, in the middle of a large file. Bytes are wanted as
        # they are stored, so the server is not asked to compress them on the way.
        options["client_kwargs"] = {
            "timeout": ClientTimeout(total=None, sock_connect=30, sock_read=120),
            "headers": {"Accept-Encoding": "identity"},
        }
    system, path = url_to_fs(uri, **options)
    return system, path


def quiet_hub() -> None:
    """Keep the hub's client from telling the hub more than what is asked for."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def storage_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """List what opening or listing can raise, and others; asked for only once something was raised.

    ValueError is an unknown scheme, ImportError a scheme whose package is not installed.
    """
    return remote_errors(OSError, ValueError, ImportError, *others)


def unreachable(location: str, error: Exception) -> InputNotFoundError:
    """Say in one line whatever the storage said."""
    # fsspec says "not found" whatever the server said, and keeps that as the cause.
    cause = (isinstance(error, FileNotFoundError) and error.__cause__) or error
    if isinstance(cause, FileNotFoundError):
        said = "no such file"
    elif isinstance(cause, OSError) and cause.strerror:
        said = cause.strerror
    else:
        said = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    if isinstance(cause, ImportError):
        said += install_hint(location)
    return InputNotFoundError(f"{location} cannot be read: {said}. Check the address and the access to it.")


class _Remote(io.RawIOBase):
    """A remote file whose failures are one line, in the middle of the file too."""

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
        try:
            count = int(self._file.readinto(buffer))
        except remote_errors(OSError) as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise unreachable(self._uri, error) from error
            msg = (
                f"{self._uri}: the connection was lost; the {self._read:,} bytes before were read "
                f"({_words(error)}). Run again; if it happens again, download the file first."
            )
            raise LostConnectionError(msg) from error
        self._read += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _words(error: BaseException) -> str:
    """The first line of the innermost reason that has words."""
    # A cut response says "400" around the reason.
    inner = error.__cause__ or error
    return ((str(inner) or str(error)).strip() or type(error).__name__).splitlines()[0].rstrip(":, ")


def open_stored(uri: str, *, from_end: bool = False) -> io.BufferedReader:
    """Open a file for reading its bytes as they are stored.

    Args:
        uri: local path or URI.
        from_end: whether it will be read here and there, not only from its beginning to its end.

    Raises:
        InputNotFoundError: the file is absent, or the storage cannot be reached.
        LostConnectionError: when reading, later: the connection ends in the middle.
    """
    try:
        if not is_uri(uri):
            return io.BufferedReader(Path(uri).open("rb", buffering=0), STORED_BLOCK)
        system, path = file_system(uri)
        # A block size of 0 asks for one stream, which needs no server that can send ranges.
        streams = uri.startswith(_STREAMING) and not from_end
        remote: Any = system.open(path, "rb", block_size=0 if streams else REMOTE_BLOCK)
    except storage_errors() as error:
        raise unreachable(uri, error) from error
    return io.BufferedReader(_Remote(uri, remote), STORED_BLOCK)
