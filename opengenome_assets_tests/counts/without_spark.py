"""Spark's work on batches, done in this process by the same functions, so that small batches need no session."""

from collections.abc import Mapping
from typing import Any

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.spark.run_tasks import Work
from opengenome_assets.spark.stages import counting_work
from opengenome_assets_tests.scenario import Project


def do(work: Work[Any], batch: str) -> Mapping[str, int]:
    """Plan a batch, run each work item, and finish the batch; its figures."""
    results = [work.run(sized.item) for sized in work.plan(batch)]
    return work.finish(batch, [result.message for result in results])


def write_and_count(own: Project) -> None:
    """Register a project's input, and write and count all of its batches; its Dagster instance learns nothing."""
    manifest = own.registered().manifest
    assert all(
        done.error is None for done in write_batches(BatchFiles(own.folder, manifest), manifest.plan.keys)
    )
    work = counting_work(BatchFiles(own.folder, manifest))
    for batch in manifest.plan.keys:
        do(work, batch)
