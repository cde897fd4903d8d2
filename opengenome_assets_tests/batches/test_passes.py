"""Concurrent passes write the same batches as one pass, and an error stops all of them."""

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opengenome_assets.batches import planned_rows as reading
from opengenome_assets.batches import scan
from opengenome_assets.batches.planned_rows import cut_passes, planned_rows, registered_files
from opengenome_assets.batches.register import register
from opengenome_assets.batches.workers import Threads
from opengenome_assets.batches.write import write_batches
from opengenome_assets.errors import InputChangedError
from opengenome_assets.inputs.records import PART_BYTES, cuts
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta, write_parquet

RECORDS = made_up_records(60)


def parquet(folder: Path, rows_a_group: int, **settings: object) -> Project:
    location = write_parquet(folder / "mine.parquet", RECORDS, row_group_size=rows_a_group)
    return registered(project(folder, location, batch_size=10, **settings))


def registered(own: Project) -> Project:
    register(own.runner.dataset, lambda line: None)
    return own


def cut(own: Project) -> list[list[str]]:
    files, drawn = registered_files(own.folder, own.manifest), planned_rows(own.manifest)
    return cut_passes(files, own.manifest, own.manifest.plan.keys, drawn)


@pytest.fixture
def small_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PASS_BASES", 1)
    monkeypatch.setattr(scan, "cuts", lambda file: cuts(file, 1 if file.format == "parquet" else PART_BYTES))


@pytest.mark.usefixtures("small_passes")
def test_batches_that_begin_with_row_groups_are_separate_passes(tmp_path: Path) -> None:
    assert cut(parquet(tmp_path, 5)) == [[f"batch_000{number}"] for number in range(6)]


@pytest.mark.usefixtures("small_passes")
@pytest.mark.parametrize(("rows_a_group", "passes_of"), [(30, [3, 3]), (60, [6])])
def test_batches_inside_one_row_group_share_a_pass(
    tmp_path: Path, rows_a_group: int, passes_of: list[int]
) -> None:
    assert [len(each) for each in cut(parquet(tmp_path, rows_a_group))] == passes_of


@pytest.mark.usefixtures("small_passes")
def test_fasta_is_read_from_the_beginning_of_each_file(tmp_path: Path) -> None:
    names = list(RECORDS)
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(2):
        part = {name: RECORDS[name] for name in names[30 * number : 30 * number + 30]}
        write_fasta(folder / f"{number}.fa", part)
    assert [len(each) for each in cut(registered(project(tmp_path, folder, batch_size=10)))] == [3, 3]


def test_small_batches_share_a_pass(tmp_path: Path) -> None:
    assert [len(each) for each in cut(parquet(tmp_path, 5))] == [6]


@pytest.mark.usefixtures("small_passes")
@pytest.mark.parametrize("settings", [{}, {"sample": 35}])
def test_passes_and_one_pass_write_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    # Row groups that no batch is a multiple of, so that the chunks of each way are cut otherwise.
    own = parquet(tmp_path, 7, **settings)
    keys = own.manifest.plan.keys
    digests = []
    monkeypatch.setattr(reading, "IN_VAIN", 0.9)
    monkeypatch.setattr(reading, "PART_BYTES", 0)
    for at_once, bases in ((1, 10**9), (3, 1)):
        monkeypatch.setattr(reading, "PASS_BASES", bases)
        assert (len(cut(own)) > 1) == (at_once > 1)
        done = list(write_batches(own.files, keys, Threads(at_once)))
        assert sorted(each.batch for each in done) == keys
        files = [Path(own.folder.location(f"sequences/{key}.parquet")) for key in keys]
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]


def test_the_first_error_stops_the_other_passes_and_is_raised() -> None:
    stopped = threading.Event()

    def endless(stopping: threading.Event) -> Iterator[int]:
        yield 1
        assert stopping.wait(30)
        stopped.set()

    def broken(stopping: threading.Event) -> Iterator[int]:
        time.sleep(0.05)
        yield 2
        msg = "another input"
        raise InputChangedError(msg)

    never = []

    def later(stopping: threading.Event) -> Iterator[int]:
        never.append(stopping)
        yield 3

    with pytest.raises(InputChangedError, match="another input"):
        list(Threads(2).run("writing", lambda work, stopping: work(stopping), [endless, broken, later]))
    assert stopped.is_set()
    assert never == []


def test_closing_the_results_stops_all_passes() -> None:
    ended = []

    def one(number: int, stopping: threading.Event) -> Iterator[int]:
        yield number
        assert stopping.wait(30)
        ended.append(stopping)

    results = Threads(2).run("writing", one, [1, 1])
    assert next(results) == 1
    results.close()
    assert len(ended) == 2
