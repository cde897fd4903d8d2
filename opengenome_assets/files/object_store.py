"""Object stores behind fsspec: how a warehouse's files are read and written there, and what is said when that fails.

fsspec and the packages behind its schemes are imported only when a URI asks for them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from opengenome_assets.errors import WarehouseError

# Of an upload in parts: so much is held in memory, and 10,000 times as much is the largest file.
PART_BYTES = 16 * 2**20

# Failures of a store that are no OSError, by the module that raises them.
_ERRORS = (
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
_READ_ONLY = ("http", "https", "hf")
_ALLOWED = (
    "Allowed are a folder and object stores: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix."
)


def remote_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Failures that are no OSError, of the packages that are loaded, and others; asked for once one was raised."""
    loaded = [getattr(sys.modules[module], name) for module, name in _ERRORS if module in sys.modules]
    return (*others, *loaded)


def install_hint(location: str) -> str:
    """How to get the package behind a URI's scheme."""
    extra = _EXTRAS.get(location.split("://", maxsplit=1)[0])
    return f" with: pip install 'opengenome-assets[{extra}]'" if extra else ""


def file_system(location: str) -> tuple[Any, str]:
    """The file system of a warehouse's URI and the path within it; nothing that was listed before is believed.

    Raises:
        WarehouseError: the scheme is unknown, or its package is not installed.
    """
    from fsspec.core import url_to_fs

    try:
        filesystem, path = url_to_fs(location)
    except ImportError as error:
        msg = f"OPENGENOME_WAREHOUSE: {location} cannot be used: {error}{install_hint(location)}."
        raise WarehouseError(msg) from error
    except ValueError as error:
        msg = f"OPENGENOME_WAREHOUSE: {location} cannot be used: {error}. {_ALLOWED}"
        raise WarehouseError(msg) from error
    filesystem.invalidate_cache()
    return filesystem, path


@contextmanager
def store_errors(location: str) -> Iterator[None]:
    """Raise what a store's client raises as one line; a file that is not there stays a ``FileNotFoundError``.

    Raises:
        WarehouseError: the store cannot be reached, or refuses.
    """
    try:
        yield
    except remote_errors(PermissionError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = (
            f"{location}: the object store refuses or cannot be reached ({said}). Check the address in "
            "OPENGENOME_WAREHOUSE, the network, and the credentials in the variables of the store's own client."
        )
        raise WarehouseError(msg) from error


@contextmanager
def read_object(location: str) -> Iterator[IO[bytes]]:
    """Open an object for reading; a read asks the store for what was asked of it and no more.

    Raises:
        FileNotFoundError: there is none.
        WarehouseError: the store cannot be reached, or refuses.
    """
    filesystem, path = file_system(location)
    with store_errors(location), filesystem.open(path, "rb", cache_type="none") as file:
        yield file


@contextmanager
def write_object(location: str) -> Iterator[IO[bytes]]:
    """Upload an object, which takes the old one's place only if the block ends well.

    Raises:
        WarehouseError: the store cannot be reached, or refuses, or is none to write to, or has no such bucket.
    """
    if location.split("://", maxsplit=1)[0] in _READ_ONLY:
        msg = f"OPENGENOME_WAREHOUSE: {location} cannot be written to. {_ALLOWED}"
        raise WarehouseError(msg)
    filesystem, path = file_system(location)
    with store_errors(location):
        with _bucket_errors(location):
            file = filesystem.open(path, "wb", block_size=PART_BYTES)
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
        msg = f"{location}: the object store has no such bucket ({error}). Make it, or mend OPENGENOME_WAREHOUSE."
        raise WarehouseError(msg) from error


def _discard(file: Any) -> None:
    """Leave an upload unfinished, which is what keeps the old object."""
    # A store that fails now has failed before: that error is the one to tell.
    with suppress(*remote_errors(OSError)):
        file.discard()
    # Left open, the file would be closed, and so finished, when it is collected.
    with suppress(AttributeError):
        file.closed = True
