"""Fetches data sets from the Hugging Face hub into the hub's own cache (``HF_HOME``), which all programs share.

So a sample and the whole, two warehouses, and the hub's own tools need one download. A file that the cache lacks
is written beside its place there, verified, and only then put in it.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from opengenome_assets.datasets.downloading import Progress, download, is_as_stated, stated_checksum
from opengenome_assets.datasets.hub_errors import hub_errors
from opengenome_assets.errors import FetchError
from opengenome_assets.files.remote import quiet_hub
from opengenome_assets.inputs.find import is_input_name

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile, RepoFolder

DATASET = "dataset"
FILES_AT_ONCE = 4
# Between two lines of progress.
LINE_SECONDS = 5.0
_SHOWN = 8


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
            takes it: ``*`` also stands for ``/``).
        revision: a commit, tag or branch; None for the newest commit.
        log: takes a line on what is going on.

    Raises:
        FetchError: the hub refused or cannot be reached, nothing is there, or a checksum is wrong.
    """
    quiet_hub()
    with hub_errors(repository, path, revision):
        from huggingface_hub import HfApi

        hub = HfApi()
        commit = hub.resolve_revision(repository, repo_type=DATASET, revision=revision).resolved
        snapshot = _Snapshot(hub, repository, commit)
        held = None if _is_pattern(path) else snapshot.held(path)
        if held is not None:
            log(f"{repository} · {path} · commit {commit[:12]} · in the cache, checksum as the hub states it")
            return Fetched((held,), commit)
        return Fetched(tuple(snapshot.bring(snapshot.find(path), log)), commit)


def _is_pattern(path: str) -> bool:
    return re.search(r"[*?\[]", path) is not None


@dataclass(frozen=True)
class _Snapshot:
    """A data set repository at one commit."""

    hub: "HfApi"
    repository: str
    commit: str

    def held(self, name: str) -> str | None:
        """Where a file is in the cache, if it is there and undamaged; asks nobody."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, name, revision=self.commit, repo_type=DATASET)
        # The cache calls a file's contents by what the hub stated, and links to them.
        if not isinstance(found, str) or not Path(found).is_symlink():
            return None
        return found if is_as_stated(Path(found), Path(found).readlink().name) else None

    def find(self, path: str) -> list["RepoFile"]:
        """The files that a path of the catalogue means, by name.

        Raises:
            FetchError: there are none.
        """
        from huggingface_hub.errors import RemoteEntryNotFoundError
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
        try:
            files = [
                entry
                for entry in self._list(folder, recursive=True)
                if isinstance(entry, RepoFile)
                and fnmatchcase(entry.path, pattern)
                and is_input_name(entry.path)
            ]
        except RemoteEntryNotFoundError:
            files = []
        if not files:
            raise FetchError(self._nothing(path))
        return sorted(files, key=lambda file: file.path)

    def bring(self, files: list["RepoFile"], log: Callable[[str], None]) -> list[str]:
        """Download what the cache lacks; where each file is.

        Raises:
            FetchError: a checksum is wrong, or a file is larger than what can be fetched this way.
        """
        self._refuse_larger(files)
        progress = Progress(sum(file.size for file in files))
        log(f"{self.repository} · commit {self.commit[:12]} · files: {len(files):,} · into {self._folder}")
        with ThreadPoolExecutor(FILES_AT_ONCE, "fetch") as pool:
            jobs: list[Future[str]] = [pool.submit(self._bring_one, file, progress) for file in files]
            try:
                waiting = set(jobs)
                while waiting:
                    done, waiting = wait(waiting, LINE_SECONDS, FIRST_EXCEPTION)
                    for job in done:
                        job.result()
                    log(progress.line())
            finally:
                # Whoever interrupts a run does not want to wait for the rest; parts are kept.
                progress.stopped = True
                pool.shutdown(wait=False, cancel_futures=True)
        log(f"{self.repository} · files: {len(files):,} · checksums as the hub states them")
        return [job.result() for job in jobs]

    def _bring_one(self, file: "RepoFile", progress: Progress) -> str:
        from huggingface_hub import constants, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # exported lazily

        stated = stated_checksum(file)
        blob = self._folder / "blobs" / stated
        # The client's own lock, so that two programs never fetch the same file at once.
        lock = Path(constants.HF_HUB_CACHE) / ".locks" / self._folder.name / f"{stated}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if blob.exists() and is_as_stated(blob, stated):
                progress.add(file.size, moved=0)
            else:
                url = hf_hub_url(self.repository, file.path, repo_type=DATASET, revision=self.commit)
                download(url, file, blob, progress)
        # Finds the contents in their place, and puts the file's name to them.
        return hf_hub_download(self.repository, file.path, repo_type=DATASET, revision=self.commit)

    @cached_property
    def _folder(self) -> Path:
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        name = repo_folder_name(repo_id=self.repository, repo_type=DATASET)
        return Path(constants.HF_HUB_CACHE).expanduser().resolve() / name

    def _list(self, folder: str, *, recursive: bool) -> Iterator["RepoFile | RepoFolder"]:
        yield from self.hub.list_repo_tree(
            self.repository, folder or None, recursive=recursive, revision=self.commit, repo_type=DATASET
        )

    def _refuse_larger(self, files: list["RepoFile"]) -> None:
        from huggingface_hub import constants

        for file in files:
            if file.size > constants.MAX_HTTP_DOWNLOAD_SIZE and self.held(file.path) is None:
                msg = (
                    f"{self.repository}: {file.path} has {file.size:,} bytes; the hub sends more than "
                    f"{constants.MAX_HTTP_DOWNLOAD_SIZE:,} to its own program only. Run `hf download {self.repository} "
                    f"{file.path} --repo-type dataset --revision {self.commit}`, which uses the same cache, then this again."
                )
                raise FetchError(msg)

    def _nothing(self, path: str) -> str:
        """Say what lies where a path leads nowhere."""
        from huggingface_hub.errors import RemoteEntryNotFoundError

        names: list[str] = []
        for place in (path, *map(str, PurePosixPath(path).parents)):
            if _is_pattern(place):
                continue
            try:
                names = [entry.path for entry in self._list("" if place == "." else place, recursive=False)]
            except RemoteEntryNotFoundError:
                continue
            if names:
                break
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        return (
            f"{self.repository} at commit {self.commit[:12]}: no FASTA or Parquet file is meant by {path}. "
            f"There are {shown or 'no files at all'}. Mend `path` in the catalogue's entry."
        )
