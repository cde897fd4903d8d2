"""Makes the per-sequence tables on Spark: a task a batch, which writes its own file; nothing is carried back."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.storage.warehouse import DatasetFolder
from opengenome_assets.tabulating.by_sequence import write_by_sequence
from opengenome_assets.tabulating.parameters import TableParameters

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Enough tasks to keep a cluster busy; few enough that progress is seen and a failed job costs little.
BATCHES_A_JOB = 32

_RESULT = pa.schema(
    [("batch", pa.string()), ("rows", pa.int64()), ("seconds", pa.float64()), ("error", pa.string())]
)
_RESULT_DDL = "batch string, rows bigint, seconds double, error string"


@dataclass(frozen=True)
class MeasuredBatch:
    """One batch whose per-sequence table is on disk, or what kept it from being made."""

    batch: str
    rows: int = 0
    bases: int = 0
    seconds: float = 0.0
    error: str | None = None
    is_worth_retrying: bool = False


def measure_batches(
    spark: "SparkSession",
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    parameters: TableParameters,
) -> Iterator[MeasuredBatch]:
    """Write the per-sequence tables of batches, yielding each, in any order.

    A batch that fails is yielded with its error; the others go on.
    """
    for first in range(0, len(batches), BATCHES_A_JOB):
        job = batches[first : first + BATCHES_A_JOB]
        numbers = spark.range(0, len(job), 1, len(job))
        work = partial(_measure, folder, manifest, job, parameters)
        try:
            rows = numbers.mapInArrow(work, _RESULT_DDL).toArrow().to_pylist()
        except SPARK_ERRORS as error:
            failure = explain(error)
            yield from (
                MeasuredBatch(
                    batch,
                    error=f"{batch}: Spark failed: {failure.told}",
                    is_worth_retrying=failure.is_worth_retrying,
                )
                for batch in job
            )
            continue
        for row in rows:
            yield MeasuredBatch(bases=manifest.bases_of(row["batch"]), **row)


def _measure(
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    parameters: TableParameters,
    numbers: Iterable[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """Runs in a Python worker: writes the tables of the batches whose numbers it is given."""
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            key = batches[number]
            began = time.monotonic()
            try:
                rows, error = write_by_sequence(folder, manifest, key, parameters), None
            except (OpengenomeError, OSError) as failure:
                rows, error = 0, str(failure)
            row = {"batch": key, "rows": rows, "seconds": time.monotonic() - began, "error": error}
            yield pa.RecordBatch.from_pylist([row], schema=_RESULT)
