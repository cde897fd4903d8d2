"""Downloads with the hub's real client: resumed, verified, cached, with one-line errors."""

import re
import socket
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download, hf_hub_url
from huggingface_hub.utils import logging

from opengenome_assets.datasets import hub as hub_module
from opengenome_assets.datasets.hub import fetch
from opengenome_assets.errors import FetchError
from opengenome_assets_tests.datasets.conftest import CHUNK_BYTES, use_hub
from opengenome_assets_tests.hub_server import (
    COMMIT,
    FASTA,
    FILES,
    NEXT_COMMIT,
    ONE_FILE,
    ORGANELLES,
    REPOSITORY,
    TOKEN,
    Hub,
)

pytestmark = pytest.mark.service

HALF = len(ORGANELLES) // 2
# The hub states sha256 of the first, and git's hash of the second.
KEPT_BY = [ONE_FILE, "fasta/parts/b.small.fa"]


def bring(path: str = ONE_FILE, revision: str | None = None, repository: str = REPOSITORY) -> list[str]:
    """The fetched files."""
    return list(fetch(repository, path, revision, lambda line: None).paths)


def blobs() -> list[str]:
    """Files in the cache, including partial ones."""
    return sorted(path.name for path in Path(constants.HF_HUB_CACHE).glob("*/blobs/*"))


def test_a_file_is_fetched_into_the_hubs_own_cache(hub: Hub) -> None:
    (path,) = bring()
    assert Path(path).read_bytes() == ORGANELLES
    assert path.startswith(
        f"{Path(constants.HF_HUB_CACHE).resolve()}/datasets--genomes--small/snapshots/{COMMIT}/"
    )
    assert hf_hub_download(REPOSITORY, ONE_FILE, repo_type="dataset", revision=COMMIT) == path


def test_the_fetched_commit_is_returned(hub: Hub) -> None:
    assert fetch(REPOSITORY, ONE_FILE, None, lambda line: None).revision == COMMIT


def test_a_pinned_commit_is_fetched_though_there_is_a_newer_one(hub: Hub) -> None:
    hub.commit = NEXT_COMMIT
    assert fetch(REPOSITORY, ONE_FILE, COMMIT, lambda line: None).revision == COMMIT
    assert {each.path for each in hub.requests if "/resolve/" in each.path} == {
        f"/datasets/{REPOSITORY}/resolve/{COMMIT}/{ONE_FILE}"
    }


def test_what_is_in_the_cache_is_not_fetched_again(hub: Hub) -> None:
    first = bring()
    assert len(hub.sent()) == 1
    assert bring() == first
    assert len(hub.sent()) == 1


def test_what_another_program_fetched_is_not_fetched_again(hub: Hub) -> None:
    path = hf_hub_download(REPOSITORY, ONE_FILE, repo_type="dataset")
    assert bring() == [path]
    assert len(hub.sent()) == 1


@pytest.mark.parametrize("name", KEPT_BY)
def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(hub: Hub, name: str) -> None:
    (path,) = bring(name)
    Path(path).resolve().write_bytes(FILES[name][:-1] + b"?")
    assert bring(name) == [path]
    assert Path(path).read_bytes() == FILES[name]


def test_a_folder_means_its_input_files_and_those_below(hub: Hub) -> None:
    assert [Path(path).name for path in bring("fasta/parts")] == ["a.fa", "b.small.fa", "c.fa"]


def test_a_pattern_means_the_files_that_match(hub: Hub) -> None:
    assert [Path(path).name for path in bring("fasta/*/b*.fa")] == ["b.small.fa"]


def test_without_a_pinned_revision_the_newest_commit_is_fetched(hub: Hub) -> None:
    bring()
    hub.commit = NEXT_COMMIT
    assert fetch(REPOSITORY, ONE_FILE, None, lambda line: None).revision == NEXT_COMMIT


@pytest.mark.parametrize("resets", [False, True], ids=["ended early", "reset"])
def test_a_connection_that_is_cut_is_taken_up_where_it_was_cut(hub: Hub, *, resets: bool) -> None:
    hub.cuts, hub.resets = [HALF], resets
    (path,) = bring()
    first, second = hub.sent()
    assert first.range is None
    assert second.range is not None
    resumed_at = int(second.range.removeprefix("bytes=").removesuffix("-"))
    # What a reset connection still holds is lost with it.
    assert resumed_at > 0 if resets else HALF - CHUNK_BYTES < resumed_at <= HALF
    assert Path(path).read_bytes() == ORGANELLES


def test_what_a_run_that_failed_had_fetched_is_kept_for_the_next(hub: Hub) -> None:
    hub.cuts = [HALF, 0, 0, 0, 0, 0, 0]
    logging.set_verbosity_error()
    try:
        with pytest.raises(FetchError, match=r"cannot be reached .*downloaded data are kept"):
            bring()
    finally:
        logging.set_verbosity_warning()
    (part,) = blobs()
    assert part.endswith(".part")
    del hub.requests[:], hub.cuts[:]
    (path,) = bring()
    assert [each.range for each in hub.sent()] == [f"bytes={HALF // CHUNK_BYTES * CHUNK_BYTES}-"]
    assert Path(path).read_bytes() == ORGANELLES


@pytest.mark.parametrize("name", KEPT_BY)
def test_a_file_whose_checksum_is_wrong_never_enters_the_cache(hub: Hub, name: str) -> None:
    hub.altered = True
    with pytest.raises(FetchError, match=rf"{re.escape(name)}: the downloaded data do not have the checksum"):
        bring(name)
    assert blobs() == []
    hub.altered = False
    assert Path(bring(name)[0]).read_bytes() == FILES[name]


def test_a_part_of_other_bytes_never_enters_the_cache(hub: Hub) -> None:
    (path,) = bring()
    blob = Path(path).resolve()
    blob.unlink()
    blob.with_name(f"{blob.name}.part").write_bytes(b"?" * HALF)
    with pytest.raises(FetchError, match="the downloaded data do not have the checksum"):
        bring()
    assert blobs() == []
    assert bring() == [path]
    assert Path(path).read_bytes() == ORGANELLES


def test_progress_is_lines(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_mb", lambda size: f"{size:.0f}")
    lines: list[str] = []
    fetch(REPOSITORY, ONE_FILE, None, lines.append)
    size = len(ORGANELLES)
    assert re.fullmatch(rf"downloading  {size} of {size} MB · [1-9]\d* MB/s", lines[-2])
    assert lines[-1] == f"downloaded  {REPOSITORY} · files: 1 · checksums verified"


def test_a_progress_line_has_megabytes_and_rate() -> None:
    line = hub_module.progress_line(512_000_000, 821_000_000, moved=430_000_000, seconds=10)
    assert line == "downloading  512 of 821 MB · 43 MB/s"


def test_a_fetch_that_nobody_waits_for_ends_at_its_next_chunk(hub: Hub, tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    url = hf_hub_url(REPOSITORY, ONE_FILE, repo_type="dataset", revision=COMMIT)
    with pytest.raises(hub_module.StoppedError):
        hub_module._complete(url, len(ORGANELLES), tmp_path / "part", stop)
    assert (tmp_path / "part").stat().st_size < CHUNK_BYTES


def test_a_token_goes_to_the_hub_and_not_to_its_storage(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.gated = True
    assert Path(bring()[0]).read_bytes() == ORGANELLES
    assert [each.token for each in hub.sent()] == [None]


def test_the_hub_gets_only_the_requests_that_are_needed(hub: Hub) -> None:
    bring()
    assert {each.path.partition(COMMIT)[0] for each in hub.requests} == {
        f"/api/datasets/{REPOSITORY}",
        f"/api/datasets/{REPOSITORY}/paths-info/",
        f"/datasets/{REPOSITORY}/resolve/",
        f"/storage/{ONE_FILE}",
    }


REFUSED = {
    "no repository": (
        {"repository": "genomes/none"},
        r"datasets/genomes/none: the data set does not exist or is private \(404\)\. Correct `repository`",
    ),
    "no name of a repository": (
        {"repository": "a/b/c"},
        r"'a/b/c' is not a valid name of a data set on the hub\. Correct `repository`",
    ),
    "no revision": ({"revision": "v9"}, r"there is no revision 'v9'\. Correct or remove `revision`"),
    "no commit": ({"revision": "f" * 40}, r"there is no revision 'f{40}'\. Correct or remove `revision`"),
    "no file": (
        {"path": "fasta/organelles/none.fa"},
        r"matches fasta/organelles/none\.fa\. Existing: fasta/organelles/organelles\.fasta\.gz\. Correct `path`",
    ),
    "no folder at the top": (
        {"path": "none/*.fa"},
        r"matches none/\*\.fa\. Existing: README\.md, fasta\. Correct `path`",
    ),
    "no folder": (
        {"path": "fasta/none/*.fa"},
        r"matches fasta/none/\*\.fa\. Existing: fasta/README\.md, fasta/organelles, fasta/parts\. Correct `path`",
    ),
}


@pytest.mark.parametrize(("asked", "message"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_not_there_is_one_line(hub: Hub, asked: dict[str, str], message: str) -> None:
    with pytest.raises(FetchError, match=message) as refused:
        bring(**asked)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("hf_of_somebody", 403)])
def test_a_gated_data_set_is_one_line(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str | None, status: int
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    hub.gated = True
    with pytest.raises(
        FetchError, match=rf"gated \({status}\)\. Accept its conditions on this page.*HF_TOKEN"
    ):
        bring()


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, r"or is private \(401\)"), (403, r"access is denied \(403\)"), (418, r"the hub answers 418")],
)
def test_a_hub_that_refuses_is_one_line(hub: Hub, status: int, message: str) -> None:
    hub.down = status
    with pytest.raises(FetchError, match=message):
        bring()


def test_a_hub_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path)
    with pytest.raises(FetchError, match=r"cannot be reached \(.*refused\).*OPENGENOME_INPUT") as refused:
        bring()
    assert "\n" not in str(refused.value)


def test_without_a_network_what_the_cache_has_is_taken(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bring()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    logging.set_verbosity_error()
    try:
        assert bring() == expected
    finally:
        logging.set_verbosity_warning()


def test_what_a_forbidden_network_keeps_away_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FetchError, match="not in the cache, and HF_HUB_OFFLINE does not allow to contact"):
        bring()


def test_a_too_large_file_is_left_to_the_hubs_own_program(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "MAX_HTTP_DOWNLOAD_SIZE", len(FASTA) // 2)
    with pytest.raises(
        FetchError, match=rf"`hf download {REPOSITORY} {ONE_FILE} --repo-type dataset --revision {COMMIT}`"
    ):
        bring()
