"""Spark's work on batches, done in this process by the same functions, so that small batches need no session."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.spark.run_tasks import Work
from opengenome_assets.spark.stages import counting_work
from opengenome_assets_tests.scenario import Project


def do(work: Work[Any], batch: str) -> Mapping[str, int]:
    """Plan a batch, run each work item, add up what they return, and finish the batch; its figures."""
    results = [work.run(sized.item) for sized in work.plan(batch)]
    rows = pa.concat_tables([work.schema.empty_table(), *(result.rows for result in results)])
    if work.sums:
        keys = [name for name in work.schema.names if name not in work.sums]
        added = rows.group_by(keys).aggregate([(name, "sum") for name in work.sums])
        rows = added.rename_columns([*keys, *work.sums])
    return work.finish(batch, rows)


def write_and_count(own: Project) -> None:
    """Register a project's input, and write and count all of its batches; its Dagster instance learns nothing."""
    manifest = own.registered().manifest
    assert all(
        done.error is None for done in write_batches(BatchFiles(own.folder, manifest), manifest.plan.keys)
    )
    work = counting_work(BatchFiles(own.folder, manifest))
    for batch in manifest.plan.keys:
        do(work, batch)
