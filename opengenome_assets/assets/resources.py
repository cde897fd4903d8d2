"""The Spark session as a Dagster resource: checked before anything runs, started when used, stopped after."""

import dagster as dg
from dagster_pyspark import LazyPySparkResource
from pydantic import PrivateAttr

from opengenome_assets.assets.failures import failing_clearly
from opengenome_assets.spark.config import prepare_environment, spark_config
from opengenome_assets.spark.quiet import without_jvm_banner


class CodonSparkResource(LazyPySparkResource):
    """One session a run. ``LazyPySparkResource`` starts it on first use, and would never stop it."""

    _is_ours: bool = PrivateAttr(default=False)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check Java before the run's first step."""
        del context
        with failing_clearly():
            prepare_environment(self.spark_config.get("spark.master") or self.spark_config["spark.remote"])

    def _init_session(self) -> None:
        from pyspark.sql import SparkSession

        if self._spark_session is None:
            self._is_ours = SparkSession.getActiveSession() is None
            with without_jvm_banner():
                super()._init_session()

    @property
    def application_id(self) -> str:
        """Spark's name for the session; empty where it is a remote one's, which does not tell."""
        if "spark.remote" in self.spark_config:
            return ""
        return str(self.spark_session.conf.get("spark.app.id"))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Stop the session, unless it was there before."""
        del context
        if self._spark_session is not None and self._is_ours:
            self._spark_session.stop()
        self._spark_session = None


def spark_resource(master: str) -> CodonSparkResource:
    """The resource for a master URL."""
    return CodonSparkResource(spark_config=spark_config(master))
