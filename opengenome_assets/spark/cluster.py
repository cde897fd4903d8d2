"""Runs the work of a stage as tasks of a Spark cluster, as ``batches.workers.Threads`` does on this machine.

Tasks read the input and write the warehouse's files themselves. Only items and their small results pass through the driver.
"""

import pickle
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from opengenome_assets.batches.workers import Item, Result, Work
from opengenome_assets.errors import InputNotFoundError, OpengenomeError, TasksFailedError, WarehouseError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.run_tasks import ItemResult, run_tasks, session_cores
from opengenome_assets.spark.session import end_jobs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# While the last tasks of a job leave cores idle, the next job uses them.
_JOBS_AT_ONCE = 2
# In the data set's folder while tasks run. Its content shows that a worker has the driver's warehouse.
_PROBE = ".shared"


@dataclass(frozen=True)
class SparkTasks:
    """Workers on a cluster: each item is a task.

    Attributes:
        spark: the session.
        folder: folder of the data set that tasks read and write.
    """

    spark: "SparkSession"
    folder: DatasetFolder

    def run(self, doing: str, work: Work[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """As ``Workers.run``. The results of a job, which has a task per core, are available when it ends.

        Raises:
            TasksFailedError: tasks failed on several executors, for example because these were lost.
            WarehouseError: an executor cannot see the data set's folder.
            OpengenomeError: an error of the work.
        """
        waiting = list(items)
        size = session_cores(self.spark)
        jobs = [waiting[first : first + size] for first in range(0, len(waiting), size)]
        with self._probe() as token, ThreadPoolExecutor(_JOBS_AT_ONCE, "spark-job") as pool:
            on_executor = partial(_on_executor, self.folder, token, work)
            running = [pool.submit(self._run_job, doing, on_executor, job) for job in jobs]
            try:
                for done in as_completed(running):
                    yield from done.result()
            except BaseException:
                for job in running:
                    job.cancel()
                end_jobs(self.spark)
                raise

    def _run_job(self, doing: str, on_executor: Any, items: list[Any]) -> list[Any]:
        tasks = [((str(number), item),) for number, item in enumerate(items)]
        try:
            rows = run_tasks(self.spark, doing, on_executor, tasks)
        except SPARK_ERRORS as error:
            failure = explain(error)
            msg = f"Spark failed: {failure.reason}"
            raise TasksFailedError(msg, is_worth_retrying=failure.is_worth_retrying) from error
        results = []
        for message in rows["message"].to_pylist():
            outcome = pickle.loads(message)  # noqa: S301 (from this project's code on the executors)
            if isinstance(outcome, Exception):
                raise outcome
            results += outcome
        return results

    @contextmanager
    def _probe(self) -> Iterator[str]:
        token = secrets.token_hex(8)
        self.folder.write(_PROBE, token.encode())
        try:
            yield token
        finally:
            self.folder.remove(_PROBE)


def _on_executor(folder: DatasetFolder, token: str, work: Work[Item, Result], item: Item) -> ItemResult:
    """Do the work of an item in a task. Returns its results, or its error, pickled."""
    outcome: Any
    try:
        _check_warehouse(folder, token)
        outcome = list(work(item, threading.Event()))
    except InputNotFoundError as error:
        # The driver found the file.
        outcome = InputNotFoundError(
            f"The Spark executor on {socket.gethostname()} cannot read the input: {error} Keep the input in an object "
            "store, or in a folder that every machine with executors mounts at the same path."
        )
    except (OpengenomeError, OSError) as error:
        outcome = error
    return ItemResult(pickle.dumps(outcome), 0, 0)


def _check_warehouse(folder: DatasetFolder, token: str) -> None:
    try:
        with folder.open(_PROBE) as file:
            is_shared = file.read().decode() == token
    except FileNotFoundError:
        is_shared = False
    if not is_shared:
        msg = (
            f"{folder.root}: the Spark executor on {socket.gethostname()} cannot see this folder, but the driver can. "
            "Use a warehouse in an object store, or in a folder that every machine with executors mounts at the same "
            "path."
        )
        raise WarehouseError(msg)
