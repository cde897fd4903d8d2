"""One file of the hub, downloaded whole: taken up again where it was interrupted, and compared with its checksum."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from opengenome_assets.errors import FetchError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

_SHA256_DIGITS = 64


class StoppedError(Exception):
    """The fetch was given up while this file was on its way."""


@dataclass
class Progress:
    """Bytes fetched so far, counted by several threads.

    Attributes:
        total: bytes of all files.
        have: of them, bytes that are here.
        moved: of those, bytes that came over the network now.
    """

    total: int
    have: int = 0
    moved: int = 0
    stopped: bool = False
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, here: int, *, moved: int) -> None:
        """Count bytes, or take them back where a server sent a file from its beginning again."""
        with self._lock:
            self.have += here
            self.moved += moved

    def line(self) -> str:
        """How far it is, and how fast: ``fetched 512 of 821 MB · 43 MB/s``."""
        rate = self.moved / max(time.monotonic() - self._began, 1e-3)
        return f"fetched {_mb(self.have)} of {_mb(self.total)} MB · {_mb(rate)} MB/s"

    def bar(self) -> Callable[..., "_Bar"]:
        """What the hub's client takes for a progress bar."""
        return partial(_Bar, self)


class _Bar:
    """Stands in for the client's progress bar, and counts."""

    def __init__(self, progress: Progress, initial: int = 0, **_: object) -> None:
        self._progress = progress
        progress.add(initial, moved=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, size: float | None = 1) -> None:
        """Count a chunk.

        Raises:
            StoppedError: nobody waits for the file any more.
        """
        if self._progress.stopped:
            raise StoppedError
        self._progress.add(int(size or 0), moved=max(int(size or 0), 0))


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f}" if size >= 10e6 else f"{size / 1e6:.1f}"


def stated_checksum(file: "RepoFile") -> str:
    """What the hub states of a file, and calls it by in its cache: sha256 of a large one, git's hash of a small one."""
    return file.lfs.sha256 if file.lfs else file.blob_id


def is_as_stated(path: Path, stated: str) -> bool:
    """Whether a file has the checksum that the hub states."""
    if len(stated) == _SHA256_DIGITS:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest() == stated


def download(url: str, file: "RepoFile", target: Path, progress: Progress) -> None:
    """Download a file of the hub to ``target``, which appears only when its checksum is right.

    What an interrupted download left beside it is taken up again: the client itself would begin anew.

    Raises:
        FetchError: the checksum is wrong.
        httpx2.HTTPError: the hub refused, or the connection broke more often than it moved.
    """
    stated = stated_checksum(file)
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()
    _complete(url, file, part, progress)
    if not is_as_stated(part, stated):
        part.unlink()
        msg = (
            f"{url}: what arrived does not have the checksum that the hub states ({stated}), and was removed. Run again; "
            "if it stays so, something between the hub and here (a proxy?) changes files."
        )
        raise FetchError(msg)
    part.replace(target)


def _complete(url: str, file: "RepoFile", part: Path, progress: Progress) -> None:
    from httpx2 import NetworkError
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # exported lazily

    # Compressed on the way, a range would not mean the bytes of the file.
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            with part.open("ab") as out:
                http_get(
                    url,
                    out,
                    resume_size=before,
                    headers=headers,
                    expected_size=file.size,
                    tqdm_class=progress.bar(),  # type: ignore[arg-type]
                )
        except NetworkError:
            # The client itself goes on after a clean end or a timeout, not after a reset connection.
            after = part.stat().st_size
            if after == before:
                raise
            progress.add(-after, moved=0)
        else:
            if before == file.size:
                progress.add(file.size, moved=0)
            return
