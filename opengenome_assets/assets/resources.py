"""The Spark session as a Dagster resource: Java is checked first, the session starts early and ends with its JVM."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from pydantic import Field, PrivateAttr

from opengenome_assets.assets.failures import failing_clearly
from opengenome_assets.assets.spark_place import SparkPlace
from opengenome_assets.spark.config import is_connect, prepare_environment, spark_config
from opengenome_assets.spark.gone import end_session, forget_session, is_gone
from opengenome_assets.spark.quiet import without_accumulator_tracebacks, without_jvm_banner


class CodonSparkResource(LazyPySparkResource):
    """One session a run.

    ``LazyPySparkResource`` starts it when it is first used, and would never stop it. Here it starts in the
    background as soon as a run is set up that has a step for it: a JVM takes seconds, which the steps
    before can use. Where another run has a JVM, it starts when that one has ended.
    """

    jobs_at_once: int | None = Field(
        default=None,
        description="Spark jobs at a time; as many as fill the session's cores where none is given.",
    )
    _starting: Future[None] | None = PrivateAttr(default=None)
    _is_ours: bool = PrivateAttr(default=False)
    _place: SparkPlace = PrivateAttr(default_factory=lambda: SparkPlace(None))
    _over: threading.Event = PrivateAttr(default_factory=threading.Event)

    @property
    def master(self) -> str:
        """Spark's master URL."""
        return str(self.spark_config.get("spark.master") or self.spark_config["spark.remote"])

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check Java before the run's first step, and begin to start the session."""
        with failing_clearly():
            prepare_environment(self.master)
        self._place = SparkPlace(context.instance)
        self._over = threading.Event()
        starter = ThreadPoolExecutor(1, "spark-start")
        self._starting = starter.submit(self._start, context.log)
        # Nothing more will be submitted; the start itself is waited for where the session is used.
        starter.shutdown(wait=False)

    def _start(self, log: dg.DagsterLogManager | None) -> None:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession

        from opengenome_assets.spark.counting import warm_up

        try:
            SparkSession.active()
        except PySparkRuntimeError:
            # A Connect server's JVM is not of this machine.
            if not is_connect(self.master) and not self._wait_for_place(log):
                return
            self._is_ours = True
        with without_jvm_banner():
            super()._init_session()
        if self._spark_session is not None:
            if not is_connect(self.master):
                without_accumulator_tracebacks(self._spark_session)
            warm_up(self._spark_session)

    def _wait_for_place(self, log: dg.DagsterLogManager | None) -> bool:
        if self._place.take():
            return True
        if log is not None:
            log.info("Spark starts when another run's session has ended: the pool has no free place")
        return self._place.wait(self._over)

    def _init_session(self) -> None:
        if self._starting is not None:
            self._starting.result()

    @property
    def application_id(self) -> str:
        """Spark's name for the session; empty where it is a remote one's, which does not tell."""
        return "" if is_connect(self.master) else str(self.spark_session.conf.get("spark.app.id"))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Stop the session with its JVM, unless it was there before, and let the next run start its own."""
        del context
        self._over.set()
        if self._starting is not None:
            self._starting.exception()
        if self._spark_session is not None and self._is_ours:
            if is_connect(self.master):
                self._spark_session.stop()
            elif is_gone(self._spark_session):
                forget_session()
            else:
                end_session(self._spark_session)
        self._place.give_back()
        self._spark_session = None
        self._starting = None


def spark_resource(master: str, jobs_at_once: int | None = None) -> CodonSparkResource:
    """The resource for a master URL."""
    return CodonSparkResource(spark_config=spark_config(master), jobs_at_once=jobs_at_once)
