"""Counts batches on Spark: a job a batch, several at a time, small batches packed into one job.

Spark carries work items out and counts back; each task reads its own row groups. Errors of data come back as
rows, so that they are told from errors of machines, which Spark retries and then raises.
"""

import math
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException

from opengenome_assets import __version__
from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.counting.count_files import write_counts
from opengenome_assets.counting.row_groups import WorkItem, count_work_item
from opengenome_assets.errors import (
    BatchFileMissingError,
    OpengenomeError,
    SparkSessionError,
    WarehouseError,
)
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets.settings import MOST_SPARK_JOBS
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.storage.batch_files import opened_batch
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Tasks of even size in bases; small enough that the last one does not hold up a stage.
TASK_BASES = 64_000_000
# Batches smaller than this share a job, so that twenty thousand of them are not as many jobs.
JOB_BASES = 256_000_000
JOB_BATCHES = 1_000
# One job's last tasks leave cores idle: the next job fills them.
FEWEST_JOBS_AT_ONCE = 2
# Tasks that are queued or running for each core, so that none waits for the driver.
_TASKS_A_CORE = 2

_RESULT = pa.schema(
    [("batch", pa.string()), *CODON_COUNTS, ("error", pa.string()), ("is_worth_retrying", pa.bool_())]
)
_RESULT_DDL = (
    "batch string, group string, genetic_code int, strand string, frame int, codon string, count bigint, error string, "
    "is_worth_retrying boolean"
)
_KEYS = [name for name in _RESULT.names if name != "count"]


@dataclass(frozen=True)
class CountedBatch:
    """One batch whose counts are on disk, or what kept it from being counted."""

    batch: str
    rows: int = 0
    bases: int = 0
    # Codons of frame 0, forward, ambiguous ones too.
    codons: int = 0
    # Rows of the file of counts.
    count_rows: int = 0
    # Of its job, in proportion to its bases.
    seconds: float = 0.0
    error: str | None = None
    # Executors were lost, say, and others may be there in a moment; not so with a damaged file.
    is_worth_retrying: bool = False


@dataclass(frozen=True)
class _Task:
    items: tuple[WorkItem, ...]
    bases: int


def count_batches(
    spark: "SparkSession",
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    jobs_at_once: int | None = None,
) -> Iterator[CountedBatch]:
    """Count batches and write their counts, yielding each as it is finished, in any order.

    A batch that fails is yielded with its error; the others go on.

    Args:
        spark: the session.
        folder: of the data set.
        manifest: of the registered input.
        batches: keys.
        jobs_at_once: Spark jobs; as many as fill the session's cores unless given.
    """
    stopping = threading.Event()
    packed = list(_jobs(manifest, batches))
    at_once = jobs_at_once or _jobs_that_fill(_cores(spark), manifest, packed)
    with ThreadPoolExecutor(at_once, "spark-job") as pool:
        jobs = [pool.submit(_count_job, spark, folder, manifest, job, stopping) for job in packed]
        try:
            for done in as_completed(jobs):
                yield from done.result()
        finally:
            # After an interruption, what is queued is not begun, and what Spark gave up is not tried again.
            stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _cores(spark: "SparkSession") -> int:
    """Cores of the session; a Connect server does not tell."""
    try:
        return int(spark.sparkContext.defaultParallelism)
    except PySparkException:
        return 1


def _jobs_that_fill(cores: int, manifest: Manifest, jobs: list[list[str]]) -> int:
    """How many jobs at once have tasks for all cores."""
    bases = sum(manifest.bases_of(batch) for job in jobs for batch in job)
    tasks_a_job = max(bases / TASK_BASES / max(len(jobs), 1), 1)
    wanted = math.ceil(_TASKS_A_CORE * cores / tasks_a_job)
    return min(max(wanted, FEWEST_JOBS_AT_ONCE), MOST_SPARK_JOBS)


def warm_up(spark: "SparkSession") -> None:
    """Run an empty job of the same plan: Spark loads its classes, and starts the process its workers come from.

    Raises:
        SparkSessionError: executors cannot do this project's work.
    """
    try:
        _run(spark, [_Task((), 0)] * 2)
    except SPARK_ERRORS as error:
        failure = explain(error)
        # Anything else is told by the first batch that meets it.
        if failure.is_of_setup:
            raise SparkSessionError(failure.told) from error


def _jobs(manifest: Manifest, batches: list[str]) -> Iterator[list[str]]:
    job: list[str] = []
    held = 0
    for batch in batches:
        bases = manifest.bases_of(batch)
        if job and (held + bases > JOB_BASES or len(job) >= JOB_BATCHES):
            yield job
            job, held = [], 0
        job.append(batch)
        held += bases
    if job:
        yield job


def _count_job(
    spark: "SparkSession",
    folder: DatasetFolder,
    manifest: Manifest,
    batches: list[str],
    stopping: threading.Event,
) -> list[CountedBatch]:
    began = time.monotonic()
    failed: dict[str, CountedBatch] = {}
    tasks: list[_Task] = []
    for batch in batches:
        try:
            tasks += _tasks_of_batch(folder, manifest, batch)
        except (OpengenomeError, OSError) as error:
            failed[batch] = _failed(batch, error)
    try:
        counts = _run(spark, _bundle(tasks))
    except SPARK_ERRORS as error:
        if len(batches) > 1:
            # One batch may have brought the job down: alone, only that one fails.
            return [
                done
                for batch in batches
                if not stopping.is_set()
                for done in _count_job(spark, folder, manifest, [batch], stopping)
            ]
        failure = explain(error)
        told = f"{batches[0]}: Spark failed: {failure.told}"
        return [CountedBatch(batches[0], error=told, is_worth_retrying=failure.is_worth_retrying)]
    failed |= _errors(counts)
    seconds_a_base = (time.monotonic() - began) / max(sum(map(manifest.bases_of, batches)), 1)
    own = _by_batch(counts)
    return [
        failed[batch]
        if batch in failed
        else _finish(
            folder,
            manifest,
            batch,
            own.get(batch, _RESULT.empty_table()),
            seconds_a_base * manifest.bases_of(batch),
        )
        for batch in batches
    ]


def _tasks_of_batch(folder: DatasetFolder, manifest: Manifest, batch: str) -> list[_Task]:
    """Cut a batch into tasks of row groups, even in bases; only the footer is read here."""
    location, stamp = folder.location(sequences_path(batch)), manifest.stamp(batch)
    with opened_batch(location, stamp, SEQUENCES, "sequences") as file:
        groups = file.metadata.num_row_groups
    bases = manifest.bases_of(batch)
    pieces = min(max(math.ceil(bases / TASK_BASES), 1), max(groups, 1))
    cuts = [groups * piece // pieces for piece in range(pieces + 1)]
    return [
        _Task(
            (WorkItem(location, stamp, manifest.settings.soft_mask, first, end),),
            bases * (end - first) // max(groups, 1),
        )
        for first, end in pairwise(cuts)
    ]


def _bundle(tasks: list[_Task]) -> list[_Task]:
    """Put small tasks together until they are worth a task of their own."""
    bundles: list[_Task] = []
    for task in tasks:
        if bundles and bundles[-1].bases + task.bases <= TASK_BASES:
            last = bundles.pop()
            bundles.append(_Task(last.items + task.items, last.bases + task.bases))
        else:
            bundles.append(task)
    return bundles


def _run(spark: "SparkSession", tasks: list[_Task]) -> pa.Table:
    if not tasks:
        return _RESULT.empty_table()
    work = tuple(task.items for task in tasks)
    # One number a partition: each task looks its items up, and nothing is shuffled to spread them.
    numbers = spark.range(0, len(work), 1, len(work))
    from pyspark.sql import functions as sf

    counts: DataFrame = numbers.mapInArrow(partial(_count_tasks, __version__, work), _RESULT_DDL)
    return counts.groupBy(*_KEYS).agg(sf.sum("count").alias("count")).toArrow()


def _count_tasks(
    version: str, work: tuple[tuple[WorkItem, ...], ...], numbers: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Runs in a Python worker: the counts of the work items whose numbers it is given.

    Raises:
        SparkSessionError: the worker's machine has another version than the driver's.
    """
    if version != __version__:
        msg = (
            f"{socket.gethostname()} has opengenome-assets {__version__}, and this run is of {version}. "
            "Install the same on every machine that has executors."
        )
        raise SparkSessionError(msg)
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            for item in work[number]:
                yield from _count_or_error(item).to_batches()


def _count_or_error(item: WorkItem) -> pa.Table:
    batch = item.stamp.batch
    try:
        counts = count_work_item(item)
    except BatchFileMissingError:
        # The driver opened it to make this task.
        msg = (
            f"{item.location}: not to be seen on {socket.gethostname()}, where Spark counts, though it was there for "
            "the driver. The warehouse must be a folder that is shared with every machine that has executors, at "
            "the same path, or an object store."
        )
        return _error_row(CountedBatch(batch, error=msg))
    except OpengenomeError as error:
        return _error_row(_failed(batch, error))
    size = counts.num_rows
    named = counts.add_column(0, "batch", pa.array([batch] * size, pa.string()))
    for name in ("error", "is_worth_retrying"):
        named = named.append_column(name, pa.nulls(size, _RESULT.field(name).type))
    return named.cast(_RESULT)


def _failed(batch: str, error: Exception) -> CountedBatch:
    # An object store may be there again in a moment; a damaged file stays damaged.
    return CountedBatch(batch, error=str(error), is_worth_retrying=isinstance(error, WarehouseError))


def _error_row(failed: CountedBatch) -> pa.Table:
    told = {name: getattr(failed, name) for name in ("batch", "error", "is_worth_retrying")}
    row = {"group": "", "strand": "", "frame": 0, "codon": "", "count": 0, **told}
    return pa.Table.from_pylist([row], schema=_RESULT)


def _errors(counts: pa.Table) -> dict[str, CountedBatch]:
    """The batches that failed; of one that failed in several tasks, by one of them."""
    rows = counts.filter(pc.is_valid(counts["error"])).select(["batch", "error", "is_worth_retrying"])
    return {row["batch"]: CountedBatch(**row) for row in rows.to_pylist()}


def _by_batch(counts: pa.Table) -> dict[str, pa.Table]:
    """The rows of each batch: sorted once, since a job may hold a thousand of them."""
    ordered = counts.sort_by("batch")
    tables = {}
    first = 0
    for run in pc.value_counts(ordered["batch"]).to_pylist():
        tables[run["values"]] = ordered.slice(first, run["counts"])
        first += run["counts"]
    return tables


def _finish(
    folder: DatasetFolder, manifest: Manifest, batch: str, own: pa.Table, seconds: float
) -> CountedBatch:
    try:
        write_counts(folder, manifest, batch, own)
    except OSError as error:
        told = f"{batch}: its counts cannot be written: {error}"
        return CountedBatch(batch, error=told, is_worth_retrying=isinstance(error, WarehouseError))
    first, end = manifest.plan.range_of(batch)
    frame_0 = pc.and_(pc.equal(own["strand"], "+"), pc.equal(own["frame"], 0))
    return CountedBatch(
        batch,
        rows=end - first,
        bases=manifest.bases_of(batch),
        codons=pc.sum(own.filter(frame_0)["count"]).as_py() or 0,
        count_rows=own.num_rows,
        seconds=seconds,
    )
