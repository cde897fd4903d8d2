"""The Spark session as a Dagster resource: Java is checked first, the session starts early and ends with its JVM."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from dagster_spark.utils import flatten_dict
from pydantic import Field, PrivateAttr, create_model

from opengenome_assets.graph.failures import failing_clearly
from opengenome_assets.graph.spark_pool import SparkPlace
from opengenome_assets.settings import DEFAULT_SPARK_MASTER
from opengenome_assets.spark.config import check_setup, places_of, spark_config
from opengenome_assets.spark.master import is_connect, is_local

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A session is there within some seconds; one that is not is told of.
SAID_EVERY = 30.0
_LOOKED_EVERY = 0.5


@dataclass(frozen=True)
class _StartedSession:
    """A session that a run of this process has started, with its place in the pool."""

    spark: "SparkSession"
    place: SparkPlace
    is_remote: bool

    @property
    def is_lost(self) -> bool:
        """Whether its JVM has ended."""
        from opengenome_assets.spark.session import is_gone

        return not self.is_remote and is_gone(self.spark)

    def end(self) -> None:
        """Stop the session with its JVM, and let another run start its own."""
        from opengenome_assets.spark.session import end_session, forget_session

        if self.is_remote:
            self.spark.stop()
        elif self.is_lost:
            forget_session()
        else:
            end_session(self.spark)
        self.place.give_back()


# Of the runs of one command: empty until one has started a session, None where each run has a session for itself.
_shared: list[_StartedSession] | None = None


@contextmanager
def one_session() -> Iterator[None]:
    """While the block runs, the runs of this process share the session that the first one starts."""
    global _shared  # noqa: PLW0603 (pyspark has one session per process too)
    _shared = []
    try:
        yield
    finally:
        started, _shared = _shared, None
        for session in started:
            session.end()


class CodonSparkResource(LazyPySparkResource):
    """One session per run, or per command in a block of ``one_session``.

    ``LazyPySparkResource`` starts it when it is first used, and would never stop it. Here it starts in the
    background as soon as a run is set up that has a step for it: a JVM takes seconds, which the steps
    before can use. Where another run has a JVM, it starts when that one has ended.
    """

    master: str = Field(default=DEFAULT_SPARK_MASTER, description="Spark's master URL.")
    spark_config: dict[str, Any] = Field(
        default={},
        description="Settings of Spark for this run. They win over OPENGENOME_SPARK_CONF and the project's own.",
    )
    jobs_at_once: int | None = Field(
        default=None,
        description="Spark jobs at a time; as many as fill the session's cores where none is given.",
    )
    _starting: Future[None] | None = PrivateAttr(default=None)
    _log: dg.DagsterLogManager | None = PrivateAttr(default=None)
    _is_queued: bool = PrivateAttr(default=False)
    _is_ours: bool = PrivateAttr(default=False)
    _place: SparkPlace = PrivateAttr(default_factory=lambda: SparkPlace(None))
    _over: threading.Event = PrivateAttr(default_factory=threading.Event)

    @property
    def _given(self) -> dict[str, str]:
        """The run's settings as Spark writes them, nested ones by their whole names."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in flatten_dict(self.spark_config)  # type: ignore[no-untyped-call]
        }

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check Java before the run's first step, and begin to start the session."""
        self._log = context.log
        if _shared and _shared[-1].is_lost:
            _shared.pop().end()
        with failing_clearly():
            check_setup(self.master, self._given)
        self._place = SparkPlace(context.instance)
        self._over = threading.Event()
        self._is_ours = False
        starter = ThreadPoolExecutor(1, "spark-start")
        self._starting = starter.submit(self._start)
        # Nothing more will be submitted; the start itself is waited for where the session is used.
        starter.shutdown(wait=False)

    def _start(self) -> None:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession

        from opengenome_assets.spark.session import start_session
        from opengenome_assets.spark.stages import warm_up

        try:
            SparkSession.active()
        except PySparkRuntimeError:
            # A Connect server's JVM is not of this machine.
            if not is_connect(self.master) and not self._wait_for_place():
                return
            self._is_ours = True
        self._spark_session = start_session(spark_config(self.master, self._given))
        warm_up(self._spark_session)

    def _wait_for_place(self) -> bool:
        if self._place.take():
            return True
        self._say("Spark starts when another run's session has ended: the pool has no free place")
        self._is_queued = True
        taken = self._place.wait(self._over)
        self._is_queued = False
        return taken

    def _init_session(self) -> None:
        """Wait for the session; a cluster without a free executor keeps it waiting, and that is told.

        Raises:
            SparkSessionError: there is none to be had, or its executors cannot do this project's work.
        """
        if self._starting is None:
            return
        began = time.monotonic()
        while wait([self._starting], timeout=SAID_EVERY).not_done:
            if not self._is_queued:
                self._say(self._waiting(time.monotonic() - began))
        self._starting.result()

    def _waiting(self, seconds: float) -> str:
        if is_local(self.master):
            return f"Still waiting for Spark to start on this machine ({seconds:.0f} s)"
        return (
            f"Spark at {self.master} has given no executor for {seconds:.0f} s. Check the secret, and that a worker has "
            "enough free cores and memory (see Spark's own pages)."
        )

    def _say(self, text: str) -> None:
        if self._log is not None:
            self._log.info(text)

    @property
    def application_id(self) -> str:
        """Spark's name for the session; empty where it is a remote one's, which does not tell."""
        return "" if is_connect(self.master) else str(self.spark_session.conf.get("spark.app.id"))

    @property
    def places(self) -> dict[str, str]:
        """Where the session can be looked at: name → address, of those that it has."""
        return {} if is_connect(self.master) else places_of(self.spark_session)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """End the session, unless it was there before or other runs share it."""
        from opengenome_assets.spark.session import end_jobs

        del context
        self._over.set()
        # Only a session that is there can be stopped; why another is not is told where it is used.
        while self._starting is not None and wait([self._starting], timeout=_LOOKED_EVERY).not_done:
            if self._spark_session is not None:
                # Its first job waits for executors, which may never come.
                end_jobs(self._spark_session)
        if self._spark_session is not None and self._is_ours:
            started = _StartedSession(self._spark_session, self._place, is_connect(self.master))
            if _shared is None:
                started.end()
            else:
                _shared.append(started)
        else:
            self._place.give_back()
        self._spark_session = None
        self._starting = None


def spark_resource(master: str, jobs_at_once: int | None = None) -> CodonSparkResource:
    """The resource for a master URL.

    Its values are defaults of its class: a run that configures one field would lose those of an instance.
    """
    defaults = {"master": master, "jobs_at_once": jobs_at_once}
    fields: dict[str, Any] = {}
    for name, value in defaults.items():
        field = CodonSparkResource.model_fields[name]
        fields[name] = (field.annotation, Field(default=value, description=field.description))
    return create_model(CodonSparkResource.__name__, __base__=CodonSparkResource, **fields)()


def session_of(context: dg.AssetExecutionContext, pyspark: CodonSparkResource) -> "SparkSession":
    """The run's session; the log and the run's tags say where it can be watched.

    Raises:
        SparkSessionError: there is no session to be had, or its executors cannot do this project's work.
    """
    began = time.monotonic()
    spark: SparkSession = pyspark.spark_session
    places = pyspark.places
    context.log.info(
        " · ".join(
            [
                f"Spark session ready · {time.monotonic() - began:.1f} s",
                *(f"{name.replace('_', ' ')}: {place}" for name, place in places.items()),
            ]
        )
    )
    # The run's page shows them while it goes on, and after it failed.
    context.instance.add_run_tags(
        context.run.run_id, {f"opengenome/spark_{name}": place for name, place in places.items()}
    )
    return spark
