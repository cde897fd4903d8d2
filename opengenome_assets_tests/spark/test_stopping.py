"""Work that is given up half-way: no more is begun than was under way."""

import threading

import pytest

from opengenome_assets.spark import jobs
from opengenome_assets.spark.jobs import NO_ROWS, BatchResult, ItemResult, Work, run_batches

JOBS = 20
AT_ONCE = 2


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Batches whose jobs were begun; each has a separate job, and all but the first last until the work stops."""
    begun: list[str] = []

    def job(spark: object, work: object, batches: list[str], stopping: threading.Event) -> list[BatchResult]:
        begun.extend(batches)
        if batches != ["batch_0000"]:
            assert stopping.wait(30)
        return [BatchResult(batch) for batch in batches]

    monkeypatch.setattr(jobs, "_run_job", job)
    monkeypatch.setattr(jobs, "JOB_BATCHES", 1)
    return begun


def test_queued_jobs_do_not_begin_after_a_stop(begun: list[str]) -> None:
    sizes = {f"batch_{number:04d}": 3 for number in range(JOBS)}
    work: Work[None] = Work(lambda _: [], lambda _: ItemResult(NO_ROWS.empty_table(), 0, 0))
    done = run_batches(None, work, sizes, AT_ONCE)  # type: ignore[arg-type]
    assert next(done).batch == "batch_0000"
    done.close()  # type: ignore[attr-defined]
    assert len(begun) <= 1 + AT_ONCE
