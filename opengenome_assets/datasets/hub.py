"""Downloads data sets from the Hugging Face hub into the hub's cache (``HF_HOME``), which all programs share.

So samples, other warehouses and the hub's tools need only one download. The hub's client does not verify checksums, and
removes the data of an interrupted download. So a file is downloaded to ``{path in the cache}.part``, resumed there,
compared with the checksum that the hub states, and only then renamed.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self

from opengenome_assets.errors import FetchError, first_line
from opengenome_assets.files.remote import quiet_hub
from opengenome_assets.inputs.file_names import format_by_name, is_part

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

DATASET = "dataset"
FILES_AT_ONCE = 4
# Time between two log lines.
LINE_SECONDS = 5.0
_SHOWN = 8
_SHA256_DIGITS = 64


@dataclass(frozen=True)
class Fetched:
    """Downloaded files of the hub.

    Attributes:
        paths: local paths, sorted by the names in the repository.
        revision: their commit.
    """

    paths: tuple[str, ...]
    revision: str


def fetch(repository: str, path: str, revision: str | None, log: Callable[[str], None]) -> Fetched:
    """Download files of a data set repository into the hub's cache, unless they are already there.

    Args:
        repository: owner/name.
        path: a file, a folder (FASTA and Parquet files in it and below), or a pattern as in ``hf download --include``,
            where ``*`` also matches ``/``.
        revision: a commit, tag or branch; None for the newest commit.
        log: called with a line about the progress.

    Raises:
        FetchError: the hub denies access or cannot be reached, no file matches, or a checksum is wrong.
    """
    quiet_hub()
    with _hub_errors(repository, path, revision):
        from huggingface_hub import HfApi

        hub = HfApi()
        commit = hub.resolve_revision(repository, repo_type=DATASET, revision=revision).resolved
        snapshot = _Snapshot(hub, repository, commit)
        cached = None if _is_pattern(path) else snapshot.cached(path)
        if cached is not None:
            log(f"{repository} · {path} · commit {commit[:12]} · already in the cache, checksum verified")
            return Fetched((cached,), commit)
        return Fetched(tuple(snapshot.download(snapshot.find(path), log)), commit)


def _is_pattern(path: str) -> bool:
    return re.search(r"[*?\[]", path) is not None


@dataclass(frozen=True)
class _Snapshot:
    """A data set repository at one commit."""

    hub: "HfApi"
    repository: str
    commit: str

    @cached_property
    def _folder(self) -> Path:
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        name = repo_folder_name(repo_id=self.repository, repo_type=DATASET)
        return Path(constants.HF_HUB_CACHE).expanduser().resolve() / name

    def cached(self, name: str) -> str | None:
        """Path of a file in the cache; None if it is missing or damaged. Sends no request."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, name, revision=self.commit, repo_type=DATASET)
        # The cache links to the contents of a file, whose name is the checksum that the hub stated.
        if not isinstance(found, str) or not Path(found).is_symlink():
            return None
        return found if _has_checksum(Path(found), Path(found).readlink().name) else None

    def find(self, path: str) -> list["RepoFile"]:
        """The files that match a path of the catalogue, sorted by name.

        Raises:
            FetchError: no file matches.
        """
        from huggingface_hub.hf_api import RepoFile

        path = path.strip("/")
        if _is_pattern(path):
            parts = PurePosixPath(path).parts
            fixed = next(number for number, part in enumerate(parts) if _is_pattern(part))
            folder, pattern = "/".join(parts[:fixed]), path
        else:
            named = self.hub.get_paths_info(self.repository, path, revision=self.commit, repo_type=DATASET)
            if named and isinstance(named[0], RepoFile):
                return [named[0]]
            folder, pattern = path, f"{path}/*"
        files = [
            entry
            for entry in self._list(folder, recursive=True)
            if isinstance(entry, RepoFile)
            and fnmatchcase(entry.path, pattern)
            and (format_by_name(entry.path) or is_part(entry.path))
        ]
        if files:
            return sorted(files, key=lambda file: file.path)
        places = (place for place in (path, *map(str, PurePosixPath(path).parents)) if not _is_pattern(place))
        found = (self._list("" if place == "." else place, recursive=False) for place in places)
        names = [entry.path for entry in next(filter(None, found), [])]
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        msg = (
            f"{self.repository} at commit {self.commit[:12]}: no FASTA or Parquet file matches {path}. "
            f"Existing: {shown or 'no files'}. Correct `path` in the catalogue's entry."
        )
        raise FetchError(msg)

    def _list(self, folder: str, *, recursive: bool) -> list["RepoFile | RepoFolder"]:
        """The contents of a folder; empty if the folder does not exist."""
        from huggingface_hub.errors import RemoteEntryNotFoundError

        try:
            return list(
                self.hub.list_repo_tree(
                    self.repository,
                    folder or None,
                    recursive=recursive,
                    revision=self.commit,
                    repo_type=DATASET,
                )
            )
        except RemoteEntryNotFoundError:
            return []

    def download(self, files: list["RepoFile"], log: Callable[[str], None]) -> list[str]:
        """Download the files that are not in the cache. Returns the path of each file.

        Raises:
            FetchError: a checksum is wrong, or a file is too large for HTTP.
        """
        from huggingface_hub import constants

        for file in files:
            if file.size > constants.MAX_HTTP_DOWNLOAD_SIZE and self.cached(file.path) is None:
                msg = (
                    f"{self.repository}: {file.path} has {file.size:,} bytes, more than the hub sends over HTTP "
                    f"({constants.MAX_HTTP_DOWNLOAD_SIZE:,}). Run `hf download {self.repository} {file.path} "
                    f"--repo-type dataset --revision {self.commit}`, which uses the same cache, then this command again."
                )
                raise FetchError(msg)
        total, began, at_first = sum(file.size for file in files), time.monotonic(), self._bytes_here(files)
        log(
            f"downloading  {self.repository} · commit {self.commit[:12]} · files: {len(files):,} · to {self._folder}"
        )
        stop = threading.Event()
        with ThreadPoolExecutor(FILES_AT_ONCE, "fetch") as pool:
            jobs: list[Future[str]] = [pool.submit(self._download_one, file, stop) for file in files]
            try:
                waiting = set(jobs)
                while waiting:
                    done, waiting = wait(waiting, LINE_SECONDS, FIRST_EXCEPTION)
                    for job in done:
                        job.result()
                    here = self._bytes_here(files)
                    log(progress_line(here, total, here - at_first, time.monotonic() - began))
            finally:
                # Do not wait for the other downloads after an interruption. Their parts are kept.
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        log(f"downloaded  {self.repository} · files: {len(files):,} · checksums verified")
        return [job.result() for job in jobs]

    def _blob(self, file: "RepoFile") -> Path:
        """Path of a file's contents in the cache. Its name is the sha256 of a large file, git's hash of a small one."""
        return self._folder / "blobs" / (file.lfs.sha256 if file.lfs else file.blob_id)

    def _bytes_here(self, files: list["RepoFile"]) -> int:
        """Number of bytes downloaded so far."""
        return sum(_size(_part(blob)) or _size(blob) for blob in map(self._blob, files))

    def _download_one(self, file: "RepoFile", stop: threading.Event) -> str:
        from huggingface_hub import constants, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # exported lazily

        blob = self._blob(file)
        # The lock of the hub's client, so that two programs never download the same file at once.
        lock = Path(constants.HF_HUB_CACHE) / ".locks" / self._folder.name / f"{blob.name}.lock"
        for folder in (lock.parent, blob.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if not (blob.exists() and _has_checksum(blob, blob.name)):
                url = hf_hub_url(self.repository, file.path, repo_type=DATASET, revision=self.commit)
                part = _part(blob)
                _complete(url, file.size, part, stop)
                if not _has_checksum(part, blob.name):
                    part.unlink()
                    msg = (
                        f"{url}: the downloaded data do not have the checksum that the hub states ({blob.name}), and "
                        "were removed. Run the same command again. If this fails too, check whether a proxy changes files."
                    )
                    raise FetchError(msg)
                part.replace(blob)
        # The client finds the contents in the cache, and links the file's name to them.
        return hf_hub_download(self.repository, file.path, repo_type=DATASET, revision=self.commit)


def _part(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.part")


def _size(path: Path) -> int:
    """Size of a file in bytes; 0 if it does not exist."""
    # Another thread may rename a part at any time.
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _has_checksum(path: Path, stated: str) -> bool:
    """Whether a file has the checksum that the hub states: sha256, or git's hash."""
    if len(stated) == _SHA256_DIGITS:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest() == stated


def _complete(url: str, size: int, part: Path, stop: threading.Event) -> None:
    """Download the rest of a partial file.

    Raises:
        httpx2.HTTPError: the hub denies access, or the connection was lost before any bytes arrived.
    """
    from httpx2 import NetworkError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # exported lazily

    # With compression, a range would not refer to the bytes of the file.
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    bar = partial(_StoppingBar, stop)
    if _size(part) > size:
        part.unlink()
    while True:
        with part.open("ab") as out:
            before = out.tell()
            try:
                # The signature requires a class of tqdm, but the client only calls these methods.
                http_get(url, out, resume_size=before, headers=headers, expected_size=size, tqdm_class=bar)  # type: ignore[arg-type]
            except NetworkError:
                # The client resumes after a clean end or a timeout, but not after a reset connection.
                if out.tell() == before:
                    raise
            else:
                return


class StoppedError(Exception):
    """The download was canceled."""


class _StoppingBar:
    """Replaces the client's progress bar: shows nothing, and stops a canceled download."""

    def __init__(self, stop: threading.Event, **_: object) -> None:
        self._stop = stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, _: float | None = 1) -> None:
        if self._stop.is_set():
            raise StoppedError


def progress_line(here: int, total: int, moved: int, seconds: float) -> str:
    """Progress and speed: ``downloading  512 of 821 MB · 43 MB/s``."""
    return f"downloading  {_mb(here)} of {_mb(total)} MB · {_mb(max(moved, 0) / max(seconds, 1e-3))} MB/s"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f}" if size >= 10e6 else f"{size / 1e6:.1f}"


@contextmanager
def _hub_errors(repository: str, path: str, revision: str | None) -> Iterator[None]:
    """Turn exceptions of the hub's client into one-line errors. Errors of the local disk are unchanged.

    Raises:
        FetchError: the hub denies access, or cannot be reached.
    """
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except (
        HTTPError,
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
        errors.RevisionResolutionError,
        errors.FileMetadataError,
        errors.HFValidationError,
        json.JSONDecodeError,
    ) as error:
        raise FetchError(_explain(error, repository, path, revision)) from error


def _explain(error: Exception, repository: str, path: str, revision: str | None) -> str:
    from huggingface_hub import constants, errors

    # The client reports "not in the cache". The actual reason is the cause.
    wraps = isinstance(error, errors.LocalEntryNotFoundError | errors.RevisionResolutionError)
    cause = error.__cause__ if wraps and error.__cause__ else error
    status = cause.response.status_code if isinstance(cause, errors.HfHubHTTPError) else None
    page = f"{constants.ENDPOINT}/datasets/{repository}"
    entry = "in the catalogue's entry"
    match cause:
        case errors.HFValidationError():
            return f"'{repository}' is not a valid name of a data set on the hub. Correct `repository` {entry}: owner/name."
        case errors.GatedRepoError():
            reason = (
                f"the data set is gated ({status}). Accept its conditions on this page, and set HF_TOKEN to a token of "
                "the same account."
            )
        case errors.RevisionNotFoundError():
            reason = f"there is no revision '{revision}'. Correct or remove `revision` {entry}."
        case errors.RemoteEntryNotFoundError():
            reason = f"there is no file {path} at revision {revision or 'main'}. Correct `path` {entry}."
        # Without access, the hub gives the same answer for private and for missing data sets.
        case errors.HfHubHTTPError() if status == 401 or isinstance(cause, errors.RepositoryNotFoundError):
            reason = (
                f"the data set does not exist or is private ({status}). Correct `repository` {entry}. For a private "
                "data set, set HF_TOKEN to a token with read access."
            )
        case errors.HfHubHTTPError() if status == 403:
            reason = "access is denied (403). Set HF_TOKEN to a token with read access."
        case errors.HfHubHTTPError():
            reason = f"the hub answers {status}. Run the same command again later; downloaded data are kept."
        case errors.OfflineModeIsEnabled():
            reason = (
                "not in the cache, and HF_HUB_OFFLINE does not allow to contact the hub. Unset it, or set "
                "OPENGENOME_INPUT to a local file."
            )
        case json.JSONDecodeError():
            reason = (
                "the answer is not from the hub (possibly a login page). Check HTTPS_PROXY and HF_ENDPOINT."
            )
        case _:
            reason = (
                f"the hub cannot be reached ({first_line(cause)}). Check the network, HTTPS_PROXY and HF_ENDPOINT, and run "
                "the same command again; downloaded data are kept. Or set OPENGENOME_INPUT to a local file."
            )
    return f"{page}: {reason}"
