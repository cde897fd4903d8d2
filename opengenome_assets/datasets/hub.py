"""Downloads data sets from the Hugging Face hub into the hub's own cache (``HF_HOME``), which all programs share.

So a sample and the whole, two warehouses, and the hub's own tools need one download. The hub's client checks no
checksum, and removes what an interrupted download has fetched. So a file is downloaded to ``{its place}.part``,
resumed there, compared with the checksum that the hub states, and only then moved to its place in the cache.
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
from opengenome_assets.inputs.find import format_by_name

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

DATASET = "dataset"
FILES_AT_ONCE = 4
# Between two lines of progress.
LINE_SECONDS = 5.0
_SHOWN = 8
_SHA256_DIGITS = 64


@dataclass(frozen=True)
class Fetched:
    """Files of the hub that are on this machine now.

    Attributes:
        paths: where they are, in the order of their names in the repository.
        revision: the commit that they are of.
    """

    paths: tuple[str, ...]
    revision: str


def fetch(repository: str, path: str, revision: str | None, log: Callable[[str], None]) -> Fetched:
    """Bring files of a data set repository into the hub's cache, unless they are there.

    Args:
        repository: owner/name.
        path: a file, a folder (FASTA and Parquet files in it and below), or a pattern (as ``hf download --include``
            takes it: ``*`` also matches ``/``).
        revision: a commit, tag or branch; None for the newest commit.
        log: takes a line on what is going on.

    Raises:
        FetchError: the hub refused or cannot be reached, nothing is there, or a checksum is wrong.
    """
    quiet_hub()
    with _hub_errors(repository, path, revision):
        from huggingface_hub import HfApi

        hub = HfApi()
        commit = hub.resolve_revision(repository, repo_type=DATASET, revision=revision).resolved
        snapshot = _Snapshot(hub, repository, commit)
        cached = None if _is_pattern(path) else snapshot.cached(path)
        if cached is not None:
            log(f"{repository} · {path} · commit {commit[:12]} · in the cache, checksum as the hub states it")
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
        """Where a file is in the cache, if it is there and undamaged; sends no request."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, name, revision=self.commit, repo_type=DATASET)
        # The cache names a file's contents by the checksum that the hub stated, and links to them.
        if not isinstance(found, str) or not Path(found).is_symlink():
            return None
        return found if _has_checksum(Path(found), Path(found).readlink().name) else None

    def find(self, path: str) -> list["RepoFile"]:
        """The files that a path of the catalogue matches, by name.

        Raises:
            FetchError: there are none.
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
            if isinstance(entry, RepoFile) and fnmatchcase(entry.path, pattern) and format_by_name(entry.path)
        ]
        if files:
            return sorted(files, key=lambda file: file.path)
        places = (place for place in (path, *map(str, PurePosixPath(path).parents)) if not _is_pattern(place))
        found = (self._list("" if place == "." else place, recursive=False) for place in places)
        names = [entry.path for entry in next(filter(None, found), [])]
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        msg = (
            f"{self.repository} at commit {self.commit[:12]}: no FASTA or Parquet file matches {path}. "
            f"There are {shown or 'no files at all'}. Correct `path` in the catalogue's entry."
        )
        raise FetchError(msg)

    def _list(self, folder: str, *, recursive: bool) -> list["RepoFile | RepoFolder"]:
        """What a folder contains; nothing where there is no such folder."""
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
        """Download what the cache lacks; where each file is.

        Raises:
            FetchError: a checksum is wrong, or a file is larger than what can be fetched this way.
        """
        from huggingface_hub import constants

        for file in files:
            if file.size > constants.MAX_HTTP_DOWNLOAD_SIZE and self.cached(file.path) is None:
                msg = (
                    f"{self.repository}: {file.path} has {file.size:,} bytes; the hub sends more than "
                    f"{constants.MAX_HTTP_DOWNLOAD_SIZE:,} to its own program only. Run `hf download {self.repository} "
                    f"{file.path} --repo-type dataset --revision {self.commit}`, which uses the same cache, then this again."
                )
                raise FetchError(msg)
        total, began, at_first = sum(file.size for file in files), time.monotonic(), self._bytes_here(files)
        log(f"{self.repository} · commit {self.commit[:12]} · files: {len(files):,} · into {self._folder}")
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
                # Whoever interrupts a run does not want to wait for the rest; parts are kept.
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
        log(f"{self.repository} · files: {len(files):,} · checksums as the hub states them")
        return [job.result() for job in jobs]

    def _blob(self, file: "RepoFile") -> Path:
        """Where the cache keeps a file's contents: named by sha256 of a large file, by git's hash of a small one."""
        return self._folder / "blobs" / (file.lfs.sha256 if file.lfs else file.blob_id)

    def _bytes_here(self, files: list["RepoFile"]) -> int:
        """Bytes that are downloaded by now."""
        return sum(_size(_part(blob)) or _size(blob) for blob in map(self._blob, files))

    def _download_one(self, file: "RepoFile", stop: threading.Event) -> str:
        from huggingface_hub import constants, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # exported lazily

        blob = self._blob(file)
        # The client's own lock, so that two programs never fetch the same file at once.
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
                        f"{url}: what arrived does not have the checksum that the hub states ({blob.name}), and was "
                        "removed. Run again; if it stays so, something between the hub and here (a proxy?) changes files."
                    )
                    raise FetchError(msg)
                part.replace(blob)
        # Finds the contents in their place, and links the file's name to them.
        return hf_hub_download(self.repository, file.path, repo_type=DATASET, revision=self.commit)


def _part(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.part")


def _size(path: Path) -> int:
    """Bytes of a file, 0 where there is none."""
    # Another thread moves a part to its place at any time.
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
    """Download what a part lacks.

    Raises:
        httpx2.HTTPError: the hub refused, or the connection broke and not a byte had arrived.
    """
    from httpx2 import NetworkError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # exported lazily

    # Compressed on the way, a range would not mean the bytes of the file.
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    bar = partial(_StoppingBar, stop)
    if _size(part) > size:
        part.unlink()
    while True:
        with part.open("ab") as out:
            before = out.tell()
            try:
                # The type of a bar is one of tqdm's; a bar is only asked to count.
                http_get(url, out, resume_size=before, headers=headers, expected_size=size, tqdm_class=bar)  # type: ignore[arg-type]
            except NetworkError:
                # The client itself resumes after a clean end or a timeout, not after a reset connection.
                if out.tell() == before:
                    raise
            else:
                return


class StoppedError(Exception):
    """The fetch was given up while this file was being downloaded."""


class _StoppingBar:
    """Replaces the client's progress bar: shows nothing, and ends a download that nobody waits for any more."""

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
    """How far it is, and how fast: ``fetched 512 of 821 MB · 43 MB/s``."""
    return f"fetched {_mb(here)} of {_mb(total)} MB · {_mb(max(moved, 0) / max(seconds, 1e-3))} MB/s"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f}" if size >= 10e6 else f"{size / 1e6:.1f}"


@contextmanager
def _hub_errors(repository: str, path: str, revision: str | None) -> Iterator[None]:
    """Raise what the hub's client raises as one line; faults of the local disk stay what they are.

    Raises:
        FetchError: the hub refused, or cannot be reached.
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

    # The client says "not in the cache", and keeps the reason why it could not ask as the cause.
    wraps = isinstance(error, errors.LocalEntryNotFoundError | errors.RevisionResolutionError)
    cause = error.__cause__ if wraps and error.__cause__ else error
    status = cause.response.status_code if isinstance(cause, errors.HfHubHTTPError) else None
    page = f"{constants.ENDPOINT}/datasets/{repository}"
    entry = "in the catalogue's entry"
    match cause:
        case errors.HFValidationError():
            return f"'{repository}' is no name of a data set on the hub. Correct `repository` {entry}: owner/name."
        case errors.GatedRepoError():
            reason = (
                f"the data set is gated ({status}). Accept its conditions on that page, and set HF_TOKEN to a token of "
                "the account that did."
            )
        case errors.RevisionNotFoundError():
            reason = f"there is no revision '{revision}'. Correct or remove `revision` {entry}."
        case errors.RemoteEntryNotFoundError():
            reason = f"there is no file {path} at revision {revision or 'main'}. Correct `path` {entry}."
        # To somebody it does not know, the hub does not say what is private and what is not there at all.
        case errors.HfHubHTTPError() if status == 401 or isinstance(cause, errors.RepositoryNotFoundError):
            reason = (
                f"there is no such data set, or it is private ({status}). Correct `repository` {entry}; for a private "
                "one set HF_TOKEN to a token that may read it."
            )
        case errors.HfHubHTTPError() if status == 403:
            reason = "access is refused (403). Set HF_TOKEN to a token that may read it."
        case errors.HfHubHTTPError():
            reason = f"the hub answers {status}. Run again later: what has been fetched stays."
        case errors.OfflineModeIsEnabled():
            reason = (
                "is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub. Unset it, or name a file that is there "
                "with OPENGENOME_INPUT."
            )
        case json.JSONDecodeError():
            reason = "what answers is not the hub (a login page of the network?). Check HTTPS_PROXY and HF_ENDPOINT."
        case _:
            reason = (
                f"the hub cannot be reached ({first_line(cause)}). Check the network, HTTPS_PROXY and HF_ENDPOINT, and run "
                "again: what has been fetched stays. Without a network, name a file that is there with OPENGENOME_INPUT."
            )
    return f"{page}: {reason}"
