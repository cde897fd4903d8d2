"""The runner of all Spark work: what it measures, what it sends, and how single batches of a job fail."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark import cloudpickle

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.register import register
from opengenome_assets.batches.write import write_batches
from opengenome_assets.errors import BatchFileError, WarehouseError
from opengenome_assets.settings import TableParameters
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark.run_tasks import (
    BatchResult,
    ItemResult,
    SizedItem,
    Work,
    run_batches,
    task_function,
)
from opengenome_assets.spark.stages import counting_work, measuring_work
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta

BATCHES = [f"batch_{number:04d}" for number in range(8)]


def of_letters(letters: str) -> ItemResult:
    """The letters as a message; some letters are orders."""
    if "!" in letters:
        os.kill(os.getpid(), signal.SIGKILL)
    if "?" in letters:
        msg = "the store does not answer"
        raise WarehouseError(msg)
    if "#" in letters:
        msg = "the file is damaged"
        raise BatchFileError(msg)
    if "z" in letters:
        time.sleep(0.5)
    return ItemResult(letters.encode(), 1, len(letters))


def letters_work(texts: dict[str, list[str]]) -> Work[str]:
    """Each batch is some texts, whose letters are counted."""
    return Work(
        doing="counting letters",
        plan=lambda batch: [SizedItem(text, len(text)) for text in texts[batch]],
        run=of_letters,
        finish=lambda _, messages: Counter(b"".join(messages).decode()),
    )


def run(spark: Any, texts: dict[str, list[str]]) -> dict[str, BatchResult]:
    sizes = dict.fromkeys(texts, 10)
    return {done.batch: done for done in run_batches(spark, letters_work(texts), sizes)}


@pytest.mark.spark
def test_a_batch_adds_up_over_its_work_items(spark: Any) -> None:
    done = run(spark, {"batch_0000": ["aab", "ab"], "batch_0001": ["b"]})
    assert done["batch_0000"].figures == {"a": 3, "b": 2}
    assert (done["batch_0000"].rows, done["batch_0000"].bases) == (2, 5)
    assert done["batch_0001"].figures == {"b": 1}


@pytest.mark.spark
def test_seconds_are_those_of_the_batchs_tasks(spark: Any) -> None:
    # Of one job, with as many bases each.
    done = run(spark, {"batch_0000": ["a"], "batch_0001": ["z", "z"], "batch_0002": [""]})
    assert 0 < done["batch_0000"].seconds < 0.4
    assert 1.0 <= done["batch_0001"].seconds < 1.9
    assert 0 < done["batch_0002"].seconds < 0.4


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tasks of each Spark job."""
    found: list[int] = []
    real = jobs.run_tasks

    def counting(spark: Any, doing: str, work: Any, tasks: list[Any]) -> pa.Table:
        found.append(len(tasks))
        return real(spark, doing, work, tasks)

    monkeypatch.setattr(jobs, "run_tasks", counting)
    return found


@pytest.mark.spark
@pytest.mark.parametrize(("constant", "value"), [("JOB_BATCHES", 3), ("JOB_BASES", 30), ("JOB_BASES", 39)])
def test_every_batch_of_several_jobs_is_done(
    spark: Any, runs: list[int], monkeypatch: pytest.MonkeyPatch, constant: str, value: int
) -> None:
    monkeypatch.setattr(jobs, constant, value)
    # Eight batches of 10 bases each, in jobs of 3, 3 and 2.
    done = run(spark, {batch: ["a" * number + "b"] for number, batch in enumerate(BATCHES)})
    assert {batch: (found.error, found.figures) for batch, found in done.items()} == {
        batch: (None, {"a": number, "b": 1} if number else {"b": 1}) for number, batch in enumerate(BATCHES)
    }
    assert len(runs) == 3


@pytest.mark.spark
def test_a_crash_fails_its_batch_alone(spark: Any, runs: list[int]) -> None:
    batches = BATCHES[:4]
    done = run(spark, {key: ["ab"] for key in batches} | {"batch_0002": ["a!"]})
    assert [batch for batch in batches if done[batch].error] == ["batch_0002"]
    assert "batch_0002: Spark failed: Task " in str(done["batch_0002"].error)
    assert done["batch_0002"].is_worth_retrying
    assert done["batch_0003"].figures == {"a": 1, "b": 1}
    # All four, two halves, and the halves of the bad one.
    assert len(runs) == 5


@pytest.mark.spark
def test_a_wrong_version_fails_all_batches_at_once(
    spark: Any, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "__version__", "99.0")
    done = run(spark, {key: ["ab"] for key in BATCHES})
    assert all("this run uses 99.0" in str(done[batch].error) for batch in BATCHES)
    assert not any(done[batch].is_worth_retrying for batch in BATCHES)
    assert len(runs) == 1


@pytest.mark.spark
@pytest.mark.parametrize(
    ("texts", "error", "is_worth_retrying"),
    [
        (["ab", "?"], "the store does not answer", True),
        (["#", "ab"], "the file is damaged", False),
        (["?", "#", "?"], "the file is damaged", False),
    ],
)
def test_an_error_of_data_fails_its_batch_alone(
    spark: Any, runs: list[int], texts: list[str], error: str, *, is_worth_retrying: bool
) -> None:
    done = run(spark, {"batch_0000": ["ab"], "batch_0001": texts})
    assert (done["batch_0001"].error, done["batch_0001"].is_worth_retrying) == (error, is_worth_retrying)
    assert done["batch_0000"].error is None
    assert len(runs) == 1


def plans(files: BatchFiles) -> Iterator[Work[Any]]:
    yield counting_work(files)
    yield measuring_work(files, TableParameters())


def pickled_sizes(files: BatchFiles) -> list[int]:
    """Bytes of what each kind of job carries for the first two batches."""
    sizes = []
    for work in plans(files):
        items = [(key, sized.item) for key in BATCHES[:2] for sized in work.plan(key)]
        assert len(items) == 2
        sizes.append(len(cloudpickle.dumps(task_function(work.run, [tuple(items)]))))
    return sizes


def test_a_job_carries_no_more_for_a_larger_plan(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=10)
    manifest = register(own.runner.dataset, lambda line: None).manifest
    assert all(done.error is None for done in write_batches(own.files, BATCHES[:2]))
    larger = replace(
        manifest,
        boundaries=(*manifest.boundaries, *range(21, 50_020)),
        batch_bases=(*manifest.batch_bases, *[100] * 49_999),
    )
    assert len(larger.plan.keys) == 50_001
    small, large = (
        pickled_sizes(BatchFiles(own.folder, manifest)),
        pickled_sizes(BatchFiles(own.folder, larger)),
    )
    # The provenance holds some numbers, which are longer.
    assert all(abs(more - less) < 100 for less, more in zip(small, large, strict=True))
