"""What a task on a cluster does with an item, and reports if its machine lacks something. Without a cluster."""

import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from opengenome_assets.errors import (
    BatchFileMissingError,
    InputNotFoundError,
    InvalidLetterError,
    OpengenomeError,
    WarehouseError,
)
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.running.inventory import Inventory
from opengenome_assets.spark import cluster

MARK = "abc"


def halves(number: int, stopping: threading.Event) -> Iterator[int]:
    assert not stopping.is_set()
    yield number // 2
    yield number - number // 2


def failing(error: Exception, stopping: threading.Event) -> Iterator[int]:
    del stopping
    yield 1
    raise error


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    made = DatasetFolder(str(tmp_path), "mine")
    made.write(cluster._PROBE, MARK.encode())
    return made


def outcome(folder: DatasetFolder, work: Any, item: object) -> Any:
    task = pickle.loads(pickle.dumps(partial(cluster._on_executor, folder, MARK, work)))  # noqa: S301 (made here)
    return pickle.loads(task(item).message)  # noqa: S301 (made here)


def test_a_task_returns_all_results_of_its_item(folder: DatasetFolder) -> None:
    assert outcome(folder, halves, 7) == [3, 4]


@pytest.mark.parametrize(
    "error",
    [
        InvalidLetterError("a.fa: record 'x' has '*'"),
        BatchFileMissingError("x: missing.", "/there/x"),
        OSError(28, "No space left on device"),
    ],
)
def test_an_error_of_the_work_comes_back_as_it_is(folder: DatasetFolder, error: Exception) -> None:
    found = outcome(folder, failing, error)
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_a_missing_input_names_the_machine_and_what_to_do(folder: DatasetFolder) -> None:
    found = outcome(folder, failing, InputNotFoundError("/data/a.fa: no such file."))
    assert isinstance(found, InputNotFoundError)
    assert "The Spark executor on " in str(found)
    assert "cannot read the input: /data/a.fa: no such file. Keep the input in an object store, or" in str(
        found
    )


def test_the_mark_of_a_killed_run_is_removed_with_the_data_set(folder: DatasetFolder) -> None:
    inventory = Inventory("mine", folder, None, None, "no manifest", folder.sizes())
    assert list(inventory.own) == [cluster._PROBE]


@pytest.mark.parametrize("content", [None, b"of an earlier run"])
def test_a_warehouse_that_is_not_shared_is_noticed(folder: DatasetFolder, content: bytes | None) -> None:
    if content is None:
        folder.remove(cluster._PROBE)
    else:
        folder.write(cluster._PROBE, content)
    found = outcome(folder, halves, 7)
    assert isinstance(found, WarehouseError)
    assert f"{folder.root}: the Spark executor on " in str(found)
    assert "cannot see this folder, but the driver can. Use a warehouse in an object store, or" in str(found)
    assert isinstance(found, OpengenomeError)
    assert not found.is_worth_retrying
