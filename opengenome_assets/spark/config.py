"""The Spark settings that the project chooses, each with its reason."""

import os
import sys
from importlib import resources

from opengenome_assets.spark.archive import archive_options
from opengenome_assets.spark.java import check_java
from opengenome_assets.spark.quiet import without_gateway_tracebacks

APPLICATION = "opengenome_assets"
# By which Spark's own processes hand each other the secret.
_AUTH_VARIABLE = "_SPARK_AUTH_SECRET"


def is_local(master: str) -> bool:
    """Whether Spark runs inside this machine's own process."""
    return master.startswith("local")


def is_connect(master: str) -> bool:
    """Whether the master is a Spark Connect server, which needs no Java here."""
    return master.startswith("sc://")


def spark_config(master: str) -> dict[str, str]:
    """Spark's configuration for a master URL."""
    if is_connect(master):
        return {"spark.remote": master, "spark.app.name": APPLICATION}
    log4j = resources.files(__package__).joinpath("log4j2.properties")
    config = {
        "spark.master": master,
        "spark.app.name": APPLICATION,
        # Spark carries work items and counts, never sequences: a small heap is enough, and stays small.
        "spark.driver.memory": "512m",
        # Two stages of a few tasks: compiling hard, replanning and generating code cost more than they save.
        "spark.driver.extraJavaOptions": " ".join(
            [
                "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
                f"-Dlog4j2.configurationFile={log4j}",
                archive_options(),
            ]
        ),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # A few thousand rows of counts are added up: one reducer a core is plenty.
        "spark.sql.shuffle.partitions": "2",
        # The run's log tells the progress.
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # What is still queued after an error belongs to other batches: keep workers for them.
        "spark.python.worker.reuse": "true",
        # Workers are forked from a process that has the kernel loaded already.
        "spark.python.daemon.module": "opengenome_assets.spark.workers",
    }
    if is_local(master):
        config |= {
            # Loopback only: nobody else has business with a local session.
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
    else:
        config |= _cluster_config()
    return config


def _cluster_config() -> dict[str, str]:
    """What the environment says of a cluster; the secret itself goes to Spark by its own variable."""
    config: dict[str, str] = {}
    if os.environ.get("OPENGENOME_SPARK_SECRET"):
        config |= {
            "spark.authenticate": "true",
            "spark.network.crypto.enabled": "true",
            # Spark asks that it is there, and takes what the variable holds.
            "spark.authenticate.secret": f"${{env:{_AUTH_VARIABLE}}}",
        }
    host = os.environ.get("OPENGENOME_SPARK_DRIVER_HOST")
    if host:
        # The name by which executors reach the driver, which need not be an address of its own.
        config |= {"spark.driver.host": host, "spark.driver.bindAddress": "0.0.0.0"}  # noqa: S104 (of its container)
    events = os.environ.get("OPENGENOME_SPARK_EVENT_LOG")
    if events:
        config |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events}
    return config


def prepare_environment(master: str) -> None:
    """Check Java, and have workers on this machine start the running Python.

    Raises:
        JavaError: Java is missing or too old.
    """
    without_gateway_tracebacks()
    if is_connect(master):
        return
    check_java()
    if is_local(master):
        os.environ["PYSPARK_PYTHON"] = sys.executable
    elif secret := os.environ.get("OPENGENOME_SPARK_SECRET"):
        # Not among the settings, which Dagster's pages and ps show.
        os.environ[_AUTH_VARIABLE] = secret
