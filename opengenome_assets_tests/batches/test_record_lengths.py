"""Lengths kept in files while an input is registered."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from opengenome_assets.batches.record_lengths import RecordLengths
from opengenome_assets.files.warehouse import DatasetFolder


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    return DatasetFolder(str(tmp_path), "mine")


def kept(folder: DatasetFolder, *parts: list[int]) -> RecordLengths:
    lengths = RecordLengths(folder)
    for number, part in enumerate(parts):
        with lengths.write(number) as writer:
            writer.add(np.array(part), [])
    return lengths


def read(lengths: RecordLengths, parts: int) -> list[int]:
    return [int(length) for piece, _ in lengths.read(parts) for length in piece]


def test_lengths_come_in_the_order_of_the_parts(folder: DatasetFolder) -> None:
    assert read(kept(folder, [3, 1], [], [7]), 3) == [3, 1, 7]


def test_the_end_of_one_registration_leaves_the_files_of_another(folder: DatasetFolder) -> None:
    first, second = kept(folder, [3, 1], [7]), kept(folder, [4], [5, 6])
    first.remove()
    assert read(second, 2) == [4, 5, 6]
    second.remove()
    assert folder.names("registering") == []


@pytest.mark.parametrize(("days", "left"), [(6, 1), (8, 0)])
def test_files_of_killed_registrations_go_after_a_week(folder: DatasetFolder, days: int, left: int) -> None:
    began = datetime.now(UTC) - timedelta(days=days)
    folder.write(f"registering/{began:%Y%m%dT%H%M%S}-0123abcd-000000.lengths", b"1234")
    kept(folder, [3]).remove()
    assert len(folder.names("registering")) == left


def test_files_that_are_being_written_stay(folder: DatasetFolder) -> None:
    written = kept(folder, [3])
    with written.write(1) as writer:
        RecordLengths(folder).remove()
        writer.add(np.array([8]), [])
    assert read(written, 2) == [3, 8]
