"""Data sets of the catalogue, registered from a hub: the manifest, and when a network is needed."""

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.errors import FetchError, InputChangedError, PlanConflictError
from opengenome_assets_tests.hub_server import COMMIT, FILES, NEXT_COMMIT, ONE_FILE, RECORDS, REPOSITORY, Hub
from opengenome_assets_tests.scenario import Project

pytestmark = pytest.mark.service


def fetched(folder: Path, entry: str = "", path: str = ONE_FILE, **environment: object) -> Project:
    """A project on an entry of the user's own catalogue."""
    catalogue = folder / "own.toml"
    catalogue.write_text(f'[small]\nrepository = "{REPOSITORY}"\npath = "{path}"\n{entry}')
    settings = {f"OPENGENOME_{name.upper()}": str(value) for name, value in environment.items()}
    named = {"OPENGENOME_DATASET": "small", "OPENGENOME_CATALOGUE": str(catalogue)}
    return Project(folder / "warehouse", named | settings)


def registered(own: Project) -> bool:
    return register(own.runner.dataset, own.listener.lines.append).is_new


def test_the_manifest_names_repository_path_and_commit(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path)
    assert registered(own)
    assert own.manifest.source == {"repository": REPOSITORY, "path": ONE_FILE, "revision": COMMIT}
    assert own.manifest.rows == len(RECORDS)


def test_the_manifest_names_the_revision_that_the_catalogue_pins(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path, 'revision = "main"\n')
    registered(own)
    assert own.manifest.source["pinned"] == "main"
    assert own.manifest.source["revision"] == COMMIT


def test_registering_again_changes_nothing_and_asks_nobody(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path)
    registered(own)
    before = own.manifest_fields()
    del hub.requests[:]
    assert not registered(own)
    assert own.manifest_fields() == before
    assert hub.requests == []


def test_registering_again_does_not_look_for_a_newer_commit(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path)
    registered(own)
    hub.commit = NEXT_COMMIT
    shutil.rmtree(constants.HF_HUB_CACHE)
    assert not registered(own)
    assert own.manifest.source["revision"] == COMMIT
    assert len(hub.sent()) == 2


def test_batches_are_written_without_asking_the_hub(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path, batch_size=30)
    registered(own)
    del hub.requests[:]
    written = list(write_batches(own.files, own.manifest.plan.keys))
    assert sum(batch.rows for batch in written) == len(RECORDS)
    assert hub.requests == []


def test_a_sample_and_the_whole_need_one_download(tmp_path: Path, hub: Hub) -> None:
    assert registered(fetched(tmp_path))
    sample = fetched(tmp_path, sample=16)
    assert registered(sample)
    assert (sample.folder.dataset, sample.manifest.rows) == ("small@sample-16", 16)
    assert len(hub.sent()) == 1


def test_a_cache_that_was_emptied_is_named_with_what_fills_it(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path)
    registered(own)
    shutil.rmtree(constants.HF_HUB_CACHE)
    with pytest.raises(InputChangedError, match=r"Materialize small/raw_sequences, which fetches it again"):
        list(write_batches(own.files, own.manifest.plan.keys))


def test_a_revision_of_other_contents_is_refused(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(fetched(tmp_path))
    monkeypatch.setitem(FILES, ONE_FILE, b">other\nACGT\n")
    hub.commit = NEXT_COMMIT
    with pytest.raises(PlanConflictError, match=r"'small' was registered with an input of 1 file"):
        registered(fetched(tmp_path, f'revision = "{NEXT_COMMIT}"\n'))


def test_a_folder_of_the_hub_is_registered_with_every_file(tmp_path: Path, hub: Hub) -> None:
    own = fetched(tmp_path, path="fasta/parts")
    registered(own)
    assert (own.manifest.files, own.manifest.rows) == (3, 3)


def test_a_count_other_than_the_declared_one_is_refused(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(PlanConflictError, match="101 rows declared, but the input has 100"):
        registered(fetched(tmp_path, "sequences = 101\n"))


def test_what_cannot_be_fetched_registers_nothing(tmp_path: Path, hub: Hub) -> None:
    hub.altered = True
    own = fetched(tmp_path)
    with pytest.raises(FetchError):
        registered(own)
    assert not own.folder.exists("manifest.json")
