"""The Spark settings that the project chooses, each with its reason."""

import os
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from opengenome_assets.errors import SettingError
from opengenome_assets.spark.archive import archive_options
from opengenome_assets.spark.java import check_java
from opengenome_assets.spark.master import check_master, is_connect, is_local
from opengenome_assets.spark.quiet import without_gateway_tracebacks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

APPLICATION = "opengenome_assets"
# By which Spark's own processes hand each other the secret.
_AUTH_VARIABLE = "_SPARK_AUTH_SECRET"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
    # The driver's page has no login: it is for reading.
    config = {"spark.ui.killEnabled": "false"}
    if os.environ.get("OPENGENOME_SPARK_SECRET"):
        config |= {
            "spark.authenticate": "true",
            "spark.network.crypto.enabled": "true",
            # Spark asks that it is there, and takes what the variable holds.
            "spark.authenticate.secret": f"${{env:{_AUTH_VARIABLE}}}",
        }
    if host := os.environ.get("OPENGENOME_SPARK_DRIVER_HOST"):
        # The name by which executors reach the driver need not be an address of this machine's, as in a container.
        bind = host if host in _LOOPBACK else "0.0.0.0"  # noqa: S104 (Spark's processes show each other the secret)
        config |= {"spark.driver.host": host, "spark.driver.bindAddress": bind}
    if events := os.environ.get("OPENGENOME_SPARK_EVENT_LOG"):
        config |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events}
    return config


def places_of(session: "SparkSession") -> dict[str, str]:
    """Where a session can be looked at while it runs, and afterwards: name → address, of those that it has."""
    places = {}
    own = session.sparkContext.uiWebUrl
    if own and (page := os.environ.get("OPENGENOME_SPARK_PAGE")):
        # The driver's own address may be one that only executors reach.
        places["ui"] = f"{page.rstrip('/')}/proxy/{session.conf.get('spark.app.id')}/"
    elif own:
        places["ui"] = own
    # The session tells what it runs with, which a file of the user's own may have set too.
    if session.conf.get("spark.eventLog.enabled", "false") == "true":
        places["event_log"] = f"{session.conf.get('spark.eventLog.dir')} · {session.conf.get('spark.app.id')}"
    return places


def prepare_environment(master: str) -> None:
    """Check Java and the master, and have workers on this machine start the running Python.

    Raises:
        JavaError: Java is missing or too old.
        SettingError: the master, or the folder of the event log, is none that Spark can use.
        SparkUnreachableError: nothing answers at the master's address.
    """
    without_gateway_tracebacks()
    check_master(master)
    if is_connect(master):
        return
    check_java()
    if is_local(master):
        os.environ["PYSPARK_PYTHON"] = sys.executable
        return
    if secret := os.environ.get("OPENGENOME_SPARK_SECRET"):
        # Not among the settings, which Dagster's pages and ps show.
        os.environ[_AUTH_VARIABLE] = secret
    if events := os.environ.get("OPENGENOME_SPARK_EVENT_LOG"):
        _make_event_folder(events)


def _make_event_folder(events: str) -> None:
    """Spark refuses to start where the folder is missing; one in a store is the user's to make.

    Raises:
        SettingError: it cannot be made.
    """
    path = events.removeprefix("file://")
    if "://" in path:
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"OPENGENOME_SPARK_EVENT_LOG: the folder {path} cannot be made ({error.strerror}). Name one that can be "
            "written, or leave the variable unset."
        )
        raise SettingError(msg) from error
