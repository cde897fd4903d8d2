"""A batch is split into tasks, each row group in exactly one of them."""

import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import write as writing
from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark.stages import count_batches, counting_work
from opengenome_assets_tests.counts.without_spark import do
from opengenome_assets_tests.scenario import (
    Project,
    counts_as_dict,
    made_up_records,
    naive_counts,
    project,
    write_fasta,
)

RECORDS = made_up_records(45)
# Two batches of some 12 kb and 8 kb, in row groups of at most 1.5 kb.
BATCH_SIZE, ROW_GROUP_BASES = 25, 1_500
TASK_BASES = [1, 2_000, 3_700, 10**9]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(writing, "ROW_GROUP_BASES", ROW_GROUP_BASES)
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=BATCH_SIZE)
    manifest = made.registered().manifest
    assert all(
        done.error is None for done in write_batches(BatchFiles(made.folder, manifest), manifest.plan.keys)
    )
    return made


def records_of(own: Project, batch: str) -> list[str]:
    first, end = own.manifest.plan.range_of(batch)
    return list(RECORDS.values())[first:end]


def row_groups_of(own: Project, batch: str) -> int:
    return int(pq.read_metadata(own.folder.location(f"sequences/{batch}.parquet")).num_row_groups)


@pytest.mark.parametrize("task_bases", TASK_BASES)
def test_a_split_batch_is_counted_whole(
    own: Project, monkeypatch: pytest.MonkeyPatch, task_bases: int
) -> None:
    monkeypatch.setattr(jobs, "TASK_BASES", task_bases)
    work = counting_work(own.files)
    for batch in own.manifest.plan.keys:
        records = records_of(own, batch)
        results = [work.run(sized.item) for sized in work.plan(batch)]
        assert sum(result.sequences for result in results) == len(records)
        assert sum(result.bases for result in results) == sum(map(len, records))
        figures = do(work, batch)
        counts = naive_counts(records)
        assert counts_as_dict(own.files.counts(batch).read_whole()) == counts
        of_frame_0 = sum(count for key, count in counts.items() if key[:2] == ("+", 0))
        written = Path(own.files.counts(batch).location).stat().st_size
        assert figures == {"count_rows": len(counts), "codons": of_frame_0, "bytes": written}


@pytest.mark.parametrize("task_bases", TASK_BASES)
def test_each_row_group_is_in_one_task(
    own: Project, monkeypatch: pytest.MonkeyPatch, task_bases: int
) -> None:
    monkeypatch.setattr(jobs, "TASK_BASES", task_bases)
    work = counting_work(own.files)
    for batch in own.manifest.plan.keys:
        groups, bases = row_groups_of(own, batch), own.manifest.bases_of(batch)
        items = work.plan(batch)
        taken = [group for each in items for group in range(each.item.first_group, each.item.end_group)]
        assert taken == list(range(groups))
        assert len(items) == min(math.ceil(bases / task_bases), groups)
        # What a task is planned with: its share of the row groups, rounded down.
        assert [each.bases for each in items] == [
            bases * (each.item.end_group - each.item.first_group) // groups for each in items
        ]
    assert groups > 4


@pytest.mark.spark
def test_spark_adds_up_the_tasks_of_a_batch(
    own: Project, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TASK_BASES", 2_000)
    counted = list(count_batches(spark, own.files, own.manifest.plan.keys))
    found = {done.batch: (done.error, done.rows, done.bases) for done in counted}
    for batch in own.manifest.plan.keys:
        records = records_of(own, batch)
        assert found[batch] == (None, len(records), sum(map(len, records)))
        assert counts_as_dict(own.files.counts(batch).read_whole()) == naive_counts(records)
