"""The Spark session as a Dagster resource: checks Java first, starts the session early, and stops its JVM."""

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from dagster_spark.utils import flatten_dict
from pydantic import Field, PrivateAttr, create_model

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.spark_pool import SparkSlot
from opengenome_assets.settings import DEFAULT_SPARK_MASTER
from opengenome_assets.spark.config import addresses_of, check_setup, spark_config
from opengenome_assets.spark.master import is_connect, is_local
from opengenome_assets.spark.session import is_remote

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from opengenome_assets.batches.workers import Workers

# A session normally starts within seconds. A slower start is logged at this interval.
LOG_SECONDS = 30.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class _StartedSession:
    """A session that a run of this process has started, with its slot in the pool."""

    spark: "SparkSession"
    slot: SparkSlot
    is_remote: bool

    @property
    def is_lost(self) -> bool:
        """Whether its JVM has ended."""
        from opengenome_assets.spark.session import is_gone

        return not self.is_remote and is_gone(self.spark)

    def end(self) -> None:
        """Stop the session and its JVM, and release the slot."""
        from opengenome_assets.spark.session import end_session, forget_session

        if self.is_remote:
            self.spark.stop()
        elif self.is_lost:
            forget_session()
        else:
            end_session(self.spark)
        self.slot.release()


_one_start = threading.Lock()
# Sessions of the runs of one command: empty before the first one starts, None where each run has a separate session.
_shared: list[_StartedSession] | None = None
# The run, or the session that runs share, whose addresses the log has. Several steps use it.
_shown: object = None


@contextmanager
def one_session() -> Iterator[None]:
    """Inside the block, the runs of this process share the session that the first one starts."""
    global _shared, _shown  # noqa: PLW0603 (pyspark has one session per process too)
    _shared = []
    try:
        yield
    finally:
        started, _shared, _shown = _shared, None, None
        for session in started:
            session.end()


def spark_texts(conf: Mapping[str, Any]) -> dict[str, str]:
    """Settings in Spark's notation, nested ones by their full names."""
    # dagster_pyspark has no types for it.
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in flatten_dict(conf)  # type: ignore[no-untyped-call]
    }


class CodonSparkResource(LazyPySparkResource):
    """One session per run, or per command in a block of ``one_session``.

    ``LazyPySparkResource`` starts the session at its first use and never stops it. This class starts it in the
    background when a run that needs it is set up: the JVM takes seconds, during which earlier steps run. While the
    pool has no free slot, the session waits.
    """

    project_conf: ClassVar[Mapping[str, str]] = {}
    master: str = Field(default=DEFAULT_SPARK_MASTER, description="Spark's master URL.")
    spark_config: dict[str, Any] = Field(
        default={},
        description="Spark settings for this run. They override OPENGENOME_SPARK_CONF and the project's defaults.",
    )
    jobs_at_once: int | None = Field(
        default=None,
        description="Number of concurrent Spark jobs. Default: as many as keep the session's cores busy.",
    )
    _starting: Future[None] | None = PrivateAttr(default=None)
    _log: dg.DagsterLogManager | None = PrivateAttr(default=None)
    _is_queued: bool = PrivateAttr(default=False)
    _is_ours: bool = PrivateAttr(default=False)
    _slot: SparkSlot = PrivateAttr(default_factory=lambda: SparkSlot(None))
    _over: threading.Event = PrivateAttr(default_factory=threading.Event)

    @property
    def settings_of_run(self) -> dict[str, str]:
        """The settings of the project and, over them, those of the run."""
        return {**self.project_conf, **spark_texts(self.spark_config)}

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check Java before the first step of the run, and start the session in the background."""
        self._log = context.log
        if _shared and _shared[-1].is_lost:
            _shared.pop().end()
        with failing_clearly():
            check_setup(self.master, self.settings_of_run)
        self._slot = SparkSlot(context.instance)
        self._over = threading.Event()
        self._is_ours = False
        starter = ThreadPoolExecutor(1, "spark-start")
        self._starting = starter.submit(self._start)
        # Nothing else is submitted. The first use of the session waits for the start.
        starter.shutdown(wait=False)

    def _start(self) -> None:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession

        from opengenome_assets.spark.session import start_session
        from opengenome_assets.spark.stages import warm_up

        # A run may have several of these resources. The later ones use the session of the first.
        with _one_start:
            try:
                SparkSession.active()
            except PySparkRuntimeError:
                # The JVM of a Connect server is not on this machine.
                if not is_connect(self.master) and not self._wait_for_slot():
                    return
                self._is_ours = True
            self._spark_session = start_session(spark_config(self.master, self.settings_of_run))
        warm_up(self._spark_session)

    def _wait_for_slot(self) -> bool:
        if self._slot.take():
            return True
        self._log_info("waiting for another run's Spark session to end: the pool 'spark' has no free slot")
        self._is_queued = True
        taken = self._slot.wait(self._over)
        self._is_queued = False
        return taken

    def _init_session(self) -> None:
        """Wait for the session. The log shows when a cluster has no free executor.

        Raises:
            SparkSessionError: Spark does not start a session, or its executors cannot run this project's code.
        """
        if self._starting is None:
            return
        began = time.monotonic()
        while wait([self._starting], timeout=LOG_SECONDS).not_done:
            if not self._is_queued:
                self._log_info(self._waiting(time.monotonic() - began))
        self._starting.result()

    def _waiting(self, seconds: float) -> str:
        if is_local(self.master):
            return f"Still waiting for Spark to start on this machine ({seconds:.0f} s)"
        return (
            f"Still waiting for an executor of {self.master} ({seconds:.0f} s). Check the secret, and that a worker has "
            "enough free cores and memory (see the Spark UI)."
        )

    def _log_info(self, text: str) -> None:
        if self._log is not None:
            self._log.info(text)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """End the session, unless the run did not start it or other runs share it."""
        from opengenome_assets.spark.session import end_jobs

        del context
        self._over.set()
        # Only a started session can be stopped. A failed start is reported where the session is used.
        while self._starting is not None and wait([self._starting], timeout=_POLL_SECONDS).not_done:
            if self._spark_session is not None:
                # Its first job waits for executors, which may never be available.
                end_jobs(self._spark_session)
        if self._spark_session is not None and self._is_ours:
            started = _StartedSession(self._spark_session, self._slot, is_connect(self.master))
            if _shared is None:
                started.end()
            else:
                _shared.append(started)
        else:
            self._slot.release()
        self._spark_session = None
        self._starting = None


@cache
def spark_resource(
    master: str, jobs_at_once: int | None = None, conf: tuple[tuple[str, str], ...] = ()
) -> CodonSparkResource:
    """The resource for a master URL: the same object for the same arguments, so that definitions with it can be merged.

    The values are defaults of a class, because a run that configures one field would lose the values of an instance.

    Args:
        master: Spark's master URL.
        jobs_at_once: number of concurrent Spark jobs; by default as many as keep the session's cores busy.
        conf: names and values of Spark settings of the project, which those of a run override.
    """
    defaults = {"master": master, "jobs_at_once": jobs_at_once}
    fields: dict[str, Any] = {}
    for name, value in defaults.items():
        field = CodonSparkResource.model_fields[name]
        fields[name] = (field.annotation, Field(default=value, description=field.description))
    kind = create_model(CodonSparkResource.__name__, __base__=CodonSparkResource, **fields)
    kind.project_conf = dict(conf)
    return kind()


def worker_resources(dataset: Dataset) -> set[str]:
    """Names of the resources of an asset or check that calls ``workers_of``. On this machine it needs no Spark."""
    return set() if is_local(dataset.asked.spark_master) else {dataset.asked.spark_resource}


def workers_of(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, dataset: Dataset
) -> "Workers":
    """Who registers, writes and checks: the tasks of a cluster, or threads of this process.

    Raises:
        SparkSessionError: Spark does not start a session, or its executors cannot run this project's code.
    """
    from opengenome_assets.batches.workers import Threads

    if not worker_resources(dataset):
        return Threads()
    spark = RunsSpark(context, dataset)
    if spark.is_local:
        return Threads()
    from opengenome_assets.spark.cluster import SparkTasks

    return SparkTasks(spark.session(), dataset.folder)


class RunsSpark:
    """What a step uses of its Spark resource, which may be any object with a ``spark_session``."""

    def __init__(
        self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, dataset: Dataset
    ) -> None:
        self._context = context
        self._resource = getattr(context.op_execution_context.resources, dataset.asked.spark_resource)

    @property
    def is_local(self) -> bool:
        """Whether the run's config moved the work to this machine."""
        return is_local(getattr(self._resource, "master", ""))

    @property
    def jobs_at_once(self) -> int | None:
        """Number of concurrent Spark jobs; None for as many as keep the session's cores busy."""
        return getattr(self._resource, "jobs_at_once", None)

    @property
    def application_id(self) -> str:
        """Spark's application id; empty for a Spark Connect session, which does not report it."""
        spark = self._resource.spark_session
        return "" if is_remote(spark) else str(spark.conf.get("spark.app.id"))

    def session(self) -> "SparkSession":
        """The run's session. The log and the run's tags show the addresses of its UIs.

        Raises:
            SparkSessionError: Spark does not start a session, or its executors cannot run this project's code.
        """
        began = time.monotonic()
        spark: SparkSession = self._resource.spark_session
        addresses = {} if is_remote(spark) else addresses_of(spark)
        # The run's page in the UI shows the tags during the run and after a failure.
        self._context.instance.add_run_tags(
            self._context.run.run_id,
            {f"opengenome/spark_{name}": address for name, address in addresses.items()},
        )
        global _shown  # noqa: PLW0603 (as the session)
        scope = self._context.run.run_id if _shared is None else spark
        if scope != _shown:
            _shown = scope
            self._context.log.info(
                " · ".join(
                    [
                        f"Spark session ready · {time.monotonic() - began:.1f} s",
                        *(f"{name.replace('_', ' ')}: {address}" for name, address in addresses.items()),
                    ]
                )
            )
        return spark
