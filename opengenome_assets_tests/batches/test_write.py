"""Batch files have the planned rows, bounded row groups and reproducible bytes. A changed input is refused."""

import hashlib
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import write as writing
from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.errors import InputChangedError
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

RECORDS = made_up_records(47)


@pytest.fixture
def own(tmp_path: Path) -> Project:
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=10)
    register(made.runner.dataset, lambda line: None)
    return made


def write(own: Project, *batches: str) -> list[writing.WrittenBatch]:
    return list(write_batches(own.files, list(batches) or own.manifest.plan.keys))


def batch_path(own: Project, batch: str) -> Path:
    return Path(own.folder.location(f"sequences/{batch}.parquet"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_batches_hold_the_contiguous_rows_of_the_input(own: Project) -> None:
    write(own)
    rows = [
        row
        for batch in own.manifest.plan.keys
        for row in pq.read_table(
            batch_path(own, batch), columns=["row", "seq_id", "sequence", "length"]
        ).to_pylist()
    ]
    assert [row["row"] for row in rows] == list(range(47))
    assert {row["seq_id"]: row["sequence"] for row in rows} == RECORDS
    assert all(row["length"] == len(row["sequence"]) for row in rows)


def test_a_batch_file_has_the_columns_of_the_contract(own: Project) -> None:
    write(own, "batch_0001")
    assert pq.read_schema(batch_path(own, "batch_0001")).equals(SEQUENCES, check_metadata=False)


def test_one_batch_alone_has_the_same_bytes_as_in_a_run_over_all(own: Project) -> None:
    write(own)
    before = digest(batch_path(own, "batch_0003"))
    batch_path(own, "batch_0003").unlink()
    write(own, "batch_0003")
    assert digest(batch_path(own, "batch_0003")) == before


def test_row_groups_are_bounded_in_bases_whatever_the_rows(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "ROW_GROUP_BASES", 1_500)
    write(own)
    for batch in own.manifest.plan.keys:
        file = pq.ParquetFile(batch_path(own, batch))
        groups = [file.read_row_group(number)["length"].to_pylist() for number in range(file.num_row_groups)]
        assert all(sum(group) <= 1_500 or len(group) == 1 for group in groups)
        assert len(groups) > 1


@pytest.mark.parametrize(
    ("bases", "rows", "expected"),
    [
        (6, 9, [[1, 2, 3], [4, 0], [5, 1], [6], [9], [2, 2, 2]]),
        (10, 9, [[1, 2, 3, 4, 0], [5, 1], [6], [9], [2, 2, 2]]),
        (5, 9, [[1, 2], [3], [4, 0], [5], [1], [6], [9], [2, 2], [2]]),
        (99, 3, [[1, 2, 3], [4, 0, 5], [1, 6, 9], [2, 2, 2]]),
        (99, 12, [[1, 2, 3, 4, 0, 5, 1, 6, 9, 2, 2, 2]]),
    ],
)
@pytest.mark.parametrize("pieces", [1, 2, 5, 12])
def test_row_groups_are_as_large_as_allowed(
    monkeypatch: pytest.MonkeyPatch, bases: int, rows: int, expected: list[list[int]], pieces: int
) -> None:
    monkeypatch.setattr(writing, "ROW_GROUP_BASES", bases)
    monkeypatch.setattr(writing, "ROW_GROUP_ROWS", rows)
    lengths = [1, 2, 3, 4, 0, 5, 1, 6, 9, 2, 2, 2]
    table = pa.table({"row": list(range(12)), "length": lengths})
    cuts = [12 * piece // pieces for piece in range(pieces + 1)]
    groups = list(writing.row_groups(table.slice(a, b - a) for a, b in pairwise(cuts)))
    assert [group["length"].to_pylist() for group in groups] == expected
    assert [row for group in groups for row in group["row"].to_pylist()] == list(range(12))


def test_a_batch_far_apart_from_another_is_written_too(own: Project) -> None:
    assert [done.batch for done in write(own, "batch_0000", "batch_0004")] == ["batch_0000", "batch_0004"]
    assert pq.read_metadata(batch_path(own, "batch_0004")).num_rows == 7


def test_an_input_changed_since_registration_is_refused(own: Project, tmp_path: Path) -> None:
    path = tmp_path / "mine.fa"
    changed = path.read_text().replace("A", "C", 1)
    path.write_text(changed)
    with pytest.raises(InputChangedError, match=r"mine.fa: changed since it was registered for mine"):
        write(own)
    assert not batch_path(own, "batch_0000").exists()


def test_an_input_that_is_gone_is_refused_by_name(own: Project, tmp_path: Path) -> None:
    (tmp_path / "mine.fa").unlink()
    with pytest.raises(InputChangedError, match=r"mine.fa: was registered for mine but is missing now"):
        write(own)


def test_an_input_that_was_only_touched_is_read(own: Project, tmp_path: Path) -> None:
    os.utime(tmp_path / "mine.fa", (1, 1))
    assert len(write(own)) == 5


def test_a_batch_that_cannot_be_written_leaves_the_others_right(own: Project) -> None:
    write(own)
    before = {batch: digest(batch_path(own, batch)) for batch in own.manifest.plan.keys}
    blocked = batch_path(own, "batch_0002")
    blocked.unlink()
    (blocked / "in_the_way").mkdir(parents=True)
    done = write(own)
    assert [each.batch for each in done if each.error] == ["batch_0002"]
    assert all(digest(batch_path(own, each.batch)) == before[each.batch] for each in done if not each.error)


def test_nothing_is_left_aside(own: Project) -> None:
    write(own)
    assert not list(Path(own.folder.root).glob("**/.*"))
