"""Counting that is given up half-way: no more is begun than was under way."""

import threading
from pathlib import Path

import pytest

from opengenome_assets.spark import counting
from opengenome_assets.spark.counting import CountedBatch, count_batches
from opengenome_assets_tests.scenario import project, write_fasta

JOBS = 20
AT_ONCE = 2


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Batches whose jobs were begun; each is a job of its own, and all but the first last until counting stops."""
    begun: list[str] = []

    def job(
        spark: object, folder: object, manifest: object, batches: list[str], stopping: threading.Event
    ) -> list[CountedBatch]:
        begun.extend(batches)
        if batches != ["batch_0000"]:
            assert stopping.wait(30)
        return [CountedBatch(batch) for batch in batches]

    monkeypatch.setattr(counting, "_count_job", job)
    monkeypatch.setattr(counting, "JOB_BATCHES", 1)
    return begun


def test_jobs_that_are_queued_are_not_begun_once_counting_is_given_up(
    tmp_path: Path, begun: list[str]
) -> None:
    records = {f"r{number}": "ACG" for number in range(JOBS)}
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", records), batch_size=1)
    manifest = own.runner.register()
    counted = count_batches(None, own.folder, manifest, manifest.plan.keys, AT_ONCE)  # type: ignore[arg-type]
    assert next(counted).batch == "batch_0000"
    counted.close()
    assert len(begun) <= 1 + AT_ONCE
