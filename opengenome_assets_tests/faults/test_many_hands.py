"""Several concurrent runs on the same batches give the result of some sequential order."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.faults.commands import files_aside, table_of
from opengenome_assets_tests.faults.jvms import watched
from opengenome_assets_tests.faults.many_hands import (
    RECORDS,
    analyze,
    at_once,
    expected,
    ingested,
    make,
    materialize,
)
from opengenome_assets_tests.scenario import project, write_fasta


@pytest.mark.spark
@pytest.mark.service
def test_two_analyses_of_the_same_input_at_once_both_end_well(tmp_path: Path) -> None:
    place, path = make(tmp_path)
    with watched(place) as seen:
        assert at_once(place, analyze(path), analyze(path)) == []
    assert seen.at_once == 1
    assert table_of(place) == expected()
    assert files_aside(place) == []


@pytest.mark.spark
@pytest.mark.service
def test_ranges_that_overlap_at_once_leave_the_right_batches(tmp_path: Path) -> None:
    place, path = ingested(tmp_path)
    with watched(place) as seen:
        assert at_once(place, materialize(0, 2), materialize(1, 3)) == []
    assert len(seen.jvms) == 2
    assert seen.at_once == 1
    assert at_once(place, analyze(path)) == []
    assert table_of(place) == expected()
    assert files_aside(place) == []


@pytest.mark.spark
def test_a_table_made_while_a_batch_is_rewritten_is_correct(tmp_path: Path, spark: object) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=20)
    own.run()
    folder, manifest = own.folder, own.manifest
    right = own.table()
    counts = BatchFiles(folder, manifest).counts("batch_0002").read_whole()
    over = threading.Event()
    rewritten = 0

    def rewrite() -> None:
        nonlocal rewritten
        while not over.is_set():
            write_counts(BatchFiles(folder, manifest), "batch_0002", counts)
            rewritten += 1

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        tables: list[pa.Table] = [
            make_table(BatchFiles(folder, manifest), TableParameters()).pooled for _ in range(50)
        ]
    finally:
        over.set()
        thread.join()
    assert rewritten > 20
    assert all(table.replace_schema_metadata(None).equals(right) for table in tables)
