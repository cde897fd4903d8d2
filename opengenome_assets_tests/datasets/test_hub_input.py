"""``hf://`` inputs: read directly from a hub, with the hub's real file system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfFileSystem, constants

from opengenome_assets.batches.register import register
from opengenome_assets.errors import InputNotFoundError
from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.hub_server import ONE_FILE, ORGANELLES, RECORDS, REPOSITORY, Hub
from opengenome_assets_tests.scenario import project

pytestmark = pytest.mark.service

HERE = f"hf://datasets/{REPOSITORY}"


@pytest.fixture(autouse=True)
def new_file_system(hub: Hub) -> Iterator[None]:
    """File systems are kept by their arguments, and would keep another test's hub."""
    HfFileSystem.clear_instance_cache()
    yield
    HfFileSystem.clear_instance_cache()


def test_a_file_of_a_hub_is_read() -> None:
    (file,) = find_files(f"{HERE}/{ONE_FILE}")
    assert (file.name, file.size) == ("organelles.fasta.gz", len(ORGANELLES))
    ids = [seq_id for chunk in read_records(file) for seq_id in chunk.column("seq_id").to_pylist()]
    assert ids == list(RECORDS)


def test_a_folder_of_a_hub_is_searched() -> None:
    assert [file.name for file in find_files(f"{HERE}/fasta/parts")] == ["a.fa", "b.small.fa", "c.fa"]


def test_an_input_on_a_hub_is_registered_and_found_again(tmp_path: Path) -> None:
    own = project(tmp_path, f"{HERE}/{ONE_FILE}")
    assert register(own.runner.dataset, lambda line: None).is_new
    assert own.manifest.rows == len(RECORDS)
    assert not register(own.runner.dataset, lambda line: None).is_new


def test_a_file_that_a_hub_does_not_have_is_one_line() -> None:
    with pytest.raises(InputNotFoundError, match=r"hf://.*/none\.fa") as refused:
        find_files(f"{HERE}/none.fa")
    assert "\n" not in str(refused.value)


def test_a_repository_that_a_hub_does_not_have_is_one_line() -> None:
    with pytest.raises(InputNotFoundError, match=r"hf://datasets/genomes/none/a\.fa") as refused:
        find_files("hf://datasets/genomes/none/a.fa")
    assert "\n" not in str(refused.value)


def test_reading_from_the_hub_sends_no_telemetry() -> None:
    find_files(f"{HERE}/{ONE_FILE}")
    assert constants.HF_HUB_DISABLE_TELEMETRY
