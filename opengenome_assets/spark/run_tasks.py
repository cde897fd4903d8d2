"""Processes batches as Spark jobs: one job per batch, several jobs at a time, small batches packed into one job.

Spark sends small work items to its tasks and returns a small row for each; each task opens its files itself. Data errors
are returned as rows. Machine errors are exceptions: Spark retries the task, then the job fails.
"""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException

from opengenome_assets import __version__
from opengenome_assets.errors import (
    BatchFileMissingError,
    OpengenomeError,
    SparkSessionError,
    WarehouseError,
)
from opengenome_assets.settings import MOST_SPARK_JOBS
from opengenome_assets.spark.failures import SPARK_ERRORS, explain

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Size of a task in bases: small enough that the last task does not delay a stage.
TASK_BASES = 64_000_000
# Limits of a job that several small batches share.
JOB_BASES = 256_000_000
JOB_BATCHES = 1_000
# While the last tasks of a job leave cores idle, the next job uses them.
FEWEST_JOBS_AT_ONCE = 2
# Queued and running tasks per core, so that no core waits for the driver.
_TASKS_PER_CORE = 2

# A row for each work item.
_RESULT = pa.schema(
    [
        ("batch", pa.string()),
        ("message", pa.binary()),
        ("sequences", pa.int64()),
        ("bases", pa.int64()),
        ("task_seconds", pa.float64()),
        ("error", pa.string()),
        ("is_worth_retrying", pa.bool_()),
    ]
)

Item = TypeVar("Item")


class SizedItem(NamedTuple, Generic[Item]):
    """A work item: the part of one task in one batch. It is pickled, so it must be small."""

    item: Item
    bases: int


class ItemResult(NamedTuple):
    """Result of a work item: a message to the driver, and the amount of data read."""

    message: bytes
    sequences: int
    bases: int


def _no_figures(batch: str, messages: Sequence[bytes]) -> Mapping[str, int]:
    del batch, messages
    return {}


@dataclass(frozen=True)
class Work(Generic[Item]):
    """What a job does with each of its batches.

    Attributes:
        doing: what Spark's jobs are named after, such as ``counting``.
        plan: batch → its work items. Runs on the driver.
        run: work item → result. Runs in a task and is pickled once per job: bind nothing to it that grows with the
            number of batches.
        finish: (batch, messages of its work items, in any order) → figures by name. Runs on the driver, in the thread of
            the job.
        is_one_task: a batch is a single work item of any size.

    An ``OpengenomeError`` or ``OSError`` in one of the three functions fails only the batch concerned.
    """

    doing: str
    plan: Callable[[str], list[SizedItem[Item]]]
    run: Callable[[Item], ItemResult]
    finish: Callable[[str, Sequence[bytes]], Mapping[str, int]] = _no_figures
    is_one_task: bool = False


@dataclass(frozen=True)
class BatchResult:
    """Result of a batch, or the error that made it fail.

    Attributes:
        batch: key.
        rows: number of sequences that its tasks read.
        bases: number of bases in these sequences.
        seconds: sum over its tasks; each task measures its work per batch.
        figures: further figures of the work.
        error: None if the batch is finished.
        is_worth_retrying: a retry may help, for example after executors were lost, but not after a damaged file.
    """

    batch: str
    rows: int = 0
    bases: int = 0
    seconds: float = 0.0
    figures: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    is_worth_retrying: bool = False


# The work items of one batch.
_Planned = tuple[str, list[SizedItem[Any]]]
# The work items of one task, each with the key of its batch.
_Task = tuple[tuple[str, Any], ...]


def run_batches(
    spark: "SparkSession", work: Work[Any], sizes: Mapping[str, int], jobs_at_once: int | None = None
) -> Iterator[BatchResult]:
    """Process batches. Yields each one when it is finished, in any order.

    A failed batch is yielded with its error; the others continue.

    Args:
        spark: the session.
        work: what to do with each batch.
        sizes: batch → bases.
        jobs_at_once: number of concurrent Spark jobs; by default enough to keep the session's cores busy.
    """
    stopping = threading.Event()
    packed = list(_pack(sizes))
    at_once = jobs_at_once or _jobs_that_fill(session_cores(spark), sizes, len(packed), work)
    with ThreadPoolExecutor(at_once, "spark-job") as pool:
        jobs = [pool.submit(_run_job, spark, work, batches, stopping) for batches in packed]
        try:
            for done in as_completed(jobs):
                yield from done.result()
        finally:
            # After an interruption, queued jobs do not start, and failed jobs are not repeated.
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)


def session_cores(spark: "SparkSession") -> int:
    """Number of cores of the session; 1 for a Connect server, which does not report it."""
    try:
        return int(spark.sparkContext.defaultParallelism)
    except PySparkException:
        return 1


def _jobs_that_fill(cores: int, sizes: Mapping[str, int], jobs: int, work: Work[Any]) -> int:
    """Number of concurrent jobs that have tasks for all cores."""
    tasks = sum(sizes.values()) / TASK_BASES
    if work.is_one_task:
        tasks = min(tasks, len(sizes))
    tasks_per_job = max(tasks / max(jobs, 1), 1)
    wanted = math.ceil(_TASKS_PER_CORE * cores / tasks_per_job)
    return min(max(wanted, FEWEST_JOBS_AT_ONCE), MOST_SPARK_JOBS)


def _pack(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    job: list[str] = []
    held = 0
    for batch, bases in sizes.items():
        if job and (held + bases > JOB_BASES or len(job) >= JOB_BATCHES):
            yield job
            job, held = [], 0
        job.append(batch)
        held += bases
    if job:
        yield job


def _run_job(
    spark: "SparkSession", work: Work[Any], batches: list[str], stopping: threading.Event
) -> list[BatchResult]:
    """Plan the batches of one job and run it."""
    failed: list[BatchResult] = []
    planned: list[_Planned] = []
    for batch in batches:
        try:
            planned.append((batch, work.plan(batch)))
        except (OpengenomeError, OSError) as error:
            failed.append(_failed(batch, error))
    return failed + _run_planned(spark, work, planned, stopping)


def _run_planned(
    spark: "SparkSession", work: Work[Any], planned: list[_Planned], stopping: threading.Event
) -> list[BatchResult]:
    if not planned:
        return []
    try:
        rows = run_tasks(spark, work.doing, work.run, _bundle(planned))
    except SPARK_ERRORS as error:
        failure = explain(error)
        if len(planned) == 1 or not failure.is_worth_retrying:
            return [
                BatchResult(
                    batch,
                    error=f"{batch}: Spark failed: {failure.reason}",
                    is_worth_retrying=failure.is_worth_retrying,
                )
                for batch, _ in planned
            ]
        # One batch may have made the job fail. Halving the job isolates that batch.
        middle = len(planned) // 2
        return [
            done
            for half in (planned[:middle], planned[middle:])
            if not stopping.is_set()
            for done in _run_planned(spark, work, half, stopping)
        ]
    by_batch = _by_batch(rows)
    return [_finish(work, batch, by_batch[batch]) for batch, _ in planned]


def _bundle(planned: list[_Planned]) -> list[_Task]:
    """Combine small work items into tasks of about ``TASK_BASES``."""
    tasks: list[list[tuple[str, Any]]] = []
    held = 0
    for batch, items in planned:
        for item, bases in items:
            if not tasks or held + bases > TASK_BASES:
                tasks.append([])
                held = 0
            tasks[-1].append((batch, item))
            held += bases
    return [tuple(task) for task in tasks]


def run_tasks(
    spark: "SparkSession", doing: str, run: Callable[[Any], ItemResult], tasks: Sequence[_Task]
) -> pa.Table:
    """Run one Spark job. Returns schema ``_RESULT``, a row for each work item.

    Args:
        spark: the session.
        doing: description of the job in the Spark UI.
        run: work item → result.
        tasks: the work items of each task, with their keys.

    Raises:
        SPARK_ERRORS: the job failed.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark Connect has no descriptions.
    with suppress(PySparkException):
        spark.sparkContext.setJobDescription(doing)
    # One number per partition: each task looks up its items, so no shuffle has to distribute them.
    numbers = spark.range(0, len(tasks), 1, len(tasks))
    return numbers.mapInArrow(task_function(run, tasks), from_arrow_schema(_RESULT)).toArrow().cast(_RESULT)


def task_function(
    run: Callable[[Any], ItemResult], tasks: Sequence[_Task]
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function that a job sends to the executors: pickled once per job, with the work items of this job only."""
    return partial(_run_items, __version__, run, tuple(tasks))


def _run_items(
    version: str,
    run: Callable[[Any], ItemResult],
    tasks: tuple[_Task, ...],
    numbers: Iterable[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """Run the tasks with the given numbers in a Python worker.

    Raises:
        SparkSessionError: the worker's machine has a different version than the driver.
    """
    if version != __version__:
        msg = (
            f"{socket.gethostname()} has opengenome-assets {__version__}, but this run uses {version}. "
            "Install the same version on every machine with executors."
        )
        raise SparkSessionError(msg)
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            for key, item in tasks[number]:
                yield _run_item(run, key, item)


def _run_item(run: Callable[[Any], ItemResult], batch: str, item: Any) -> pa.RecordBatch:
    """The row of one work item."""
    began = time.perf_counter()
    result = ItemResult(b"", 0, 0)
    failed: BatchResult | None = None
    try:
        result = run(item)
    except BatchFileMissingError as error:
        # The driver opened the file when it planned this work item.
        msg = (
            f"{error.location}: the Spark executor on {socket.gethostname()} cannot find this file, but the driver can. "
            "Use a warehouse in an object store, or in a folder that every machine with executors mounts at the same "
            "path."
        )
        failed = BatchResult(batch, error=msg)
    except (OpengenomeError, OSError) as error:
        failed = _failed(batch, error)
    row = {
        "batch": batch,
        **result._asdict(),
        "task_seconds": time.perf_counter() - began,
        "error": failed and failed.error,
        "is_worth_retrying": failed and failed.is_worth_retrying,
    }
    return pa.RecordBatch.from_pylist([row], schema=_RESULT)


def _failed(batch: str, error: Exception) -> BatchResult:
    message = str(error) if isinstance(error, OpengenomeError) else f"{batch}: {error}"
    # An object store may work again soon; a damaged file stays damaged.
    return BatchResult(batch, error=message, is_worth_retrying=isinstance(error, WarehouseError))


def _by_batch(rows: pa.Table) -> dict[str, pa.Table]:
    """The rows of each batch. Sorts once, because a job can have a thousand batches."""
    ordered = rows.sort_by("batch")
    tables = {}
    first = 0
    for run in pc.value_counts(ordered["batch"]).to_pylist():
        tables[run["values"]] = ordered.slice(first, run["counts"])
        first += run["counts"]
    return tables


def _finish(work: Work[Any], batch: str, results: pa.Table) -> BatchResult:
    errors = results.filter(pc.is_valid(results["error"])).select(["error", "is_worth_retrying"]).to_pylist()
    if errors:
        # Report a permanent error first: a retry would not help.
        return BatchResult(batch, **min(errors, key=lambda each: each["is_worth_retrying"]))
    try:
        figures = work.finish(batch, results["message"].to_pylist())
    except (OpengenomeError, OSError) as error:
        return _failed(batch, error)
    sequences, bases, seconds = (
        pc.sum(results[name]).as_py() for name in ("sequences", "bases", "task_seconds")
    )
    return BatchResult(batch, sequences, bases, seconds, figures)
