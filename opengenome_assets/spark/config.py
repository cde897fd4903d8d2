"""The Spark settings that the project chooses, each with its reason, and the user's over them."""

import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opengenome_assets.errors import SettingError
from opengenome_assets.paths import is_uri
from opengenome_assets.settings import SparkSettings, read
from opengenome_assets.spark.java import AUTH_VARIABLE, archive_options, check_java, session_environment
from opengenome_assets.spark.master import check_master, is_connect, is_local

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

APPLICATION = "opengenome_assets"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# What a user's settings cannot change, and what to do instead.
_LEAVE_OUT = "The project's workers depend on it. Leave it out."
_BY_MASTER = "Set OPENGENOME_SPARK_MASTER instead."
_BY_HOST = (
    "A local session listens on the loopback only; on a cluster, set OPENGENOME_SPARK_DRIVER_HOST instead."
)
_REFUSED = {
    "spark.master": _BY_MASTER,
    "spark.remote": _BY_MASTER,
    "spark.api.mode": _BY_MASTER,
    "spark.driver.host": _BY_HOST,
    "spark.driver.bindAddress": _BY_HOST,
    "spark.authenticate.secret": "Set OPENGENOME_SPARK_SECRET instead, which no page and no process list shows.",
    "spark.python.daemon.module": _LEAVE_OUT,
    "spark.python.worker.module": _LEAVE_OUT,
    "spark.python.use.daemon": _LEAVE_OUT,
}


def spark_config(master: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Spark's configuration: the project's, over it that of OPENGENOME_SPARK_CONF, over both the run's.

    Args:
        master: URL.
        given: settings of this run.

    Raises:
        SettingError: a setting is not one that a user can change, or there is no temporary folder.
    """
    users: dict[str, str] = {}
    for settings, source in (
        (read(SparkSettings).spark_conf or {}, "OPENGENOME_SPARK_CONF"),
        (given or {}, "resources.pyspark.config.spark_config"),
    ):
        for name in settings:
            if name in _REFUSED:
                msg = f"{source}: {name} cannot be set there. {_REFUSED[name]}"
                raise SettingError(msg)
        users |= settings
    return _own_config(master) | users


def _own_config(master: str) -> dict[str, str]:
    if is_connect(master):
        return {"spark.remote": master, "spark.app.name": APPLICATION}
    config = {
        "spark.master": master,
        "spark.app.name": APPLICATION,
        # Spark carries work items and counts, never sequences: a small heap is enough, and stays small.
        "spark.driver.memory": "512m",
        # The defaults, so that a user's spark.driver.extraJavaOptions are added to them.
        "spark.driver.defaultJavaOptions": shlex.join(_java_options(master)),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # A few thousand rows of counts are added up: one reducer per core is plenty.
        "spark.sql.shuffle.partitions": "2",
        # The run's log tells the progress.
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # What is still queued after an error belongs to other batches: keep workers for them.
        "spark.python.worker.reuse": "true",
        # Workers are forked from a process that has the kernel loaded already.
        "spark.python.daemon.module": "opengenome_assets.spark.worker",
    }
    if is_local(master):
        config |= {
            # Loopback only: nobody else has business with a local session.
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            # By TMPDIR, which Java does not read.
            "spark.local.dir": _temporary_folder(),
        }
    else:
        config |= _cluster_config()
    return config


def _java_options(master: str) -> list[str]:
    options = [
        # Two stages of a few tasks: compiling hard, replanning and generating code cost more than they save.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        # An address, since Spark splits options at blanks and log4j splits file names at commas.
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}",
        *archive_options(),
    ]
    if is_local(master):
        home = os.path.expanduser("~")  # noqa: PTH111 (Path.home() fails where there is none)
        # Java asks the system instead, which knows no home of a user id without a name.
        options += [
            f"-Djava.io.tmpdir={_temporary_folder()}",
            f"-Duser.home={home if home[:1] == '/' else '/'}",
        ]
    return options


def _temporary_folder() -> str:
    """Where Python keeps temporary files.

    Raises:
        SettingError: there is no folder that can be written.
    """
    try:
        return tempfile.gettempdir()
    except OSError as error:
        msg = "TMPDIR: there is no temporary folder that can be written. Set it to one."
        raise SettingError(msg) from error


def _cluster_config() -> dict[str, str]:
    """What the environment says of a cluster; the secret itself goes to Spark by its own variable."""
    # The driver's page has no login: it is for reading.
    config = {"spark.ui.killEnabled": "false"}
    cluster = read(SparkSettings)
    if cluster.spark_secret:
        config |= {
            "spark.authenticate": "true",
            "spark.network.crypto.enabled": "true",
            # Spark asks that it is there, and takes what the variable holds.
            "spark.authenticate.secret": f"${{env:{AUTH_VARIABLE}}}",
        }
    if host := cluster.spark_driver_host:
        # The name by which executors reach the driver need not be an address of this machine's, as in a container.
        bind = host if host in _LOOPBACK else "0.0.0.0"  # noqa: S104 (Spark's processes show each other the secret)
        config |= {"spark.driver.host": host, "spark.driver.bindAddress": bind}
    if events := cluster.spark_event_log:
        config |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events}
    return config


def places_of(session: "SparkSession") -> dict[str, str]:
    """Where a session can be looked at while it runs, and afterwards: name → address, of those that it has."""
    places = {}
    own = session.sparkContext.uiWebUrl
    if own and (page := read(SparkSettings).spark_page):
        # The driver's own address may be one that only executors reach.
        places["ui"] = f"{page.rstrip('/')}/proxy/{session.conf.get('spark.app.id')}/"
    elif own:
        places["ui"] = own
    # The session tells what it runs with, which a file of the user's own may have set too.
    if session.conf.get("spark.eventLog.enabled", "false") == "true":
        places["event_log"] = f"{session.conf.get('spark.eventLog.dir')} · {session.conf.get('spark.app.id')}"
    return places


def check_setup(master: str, given: Mapping[str, str] | None = None) -> None:
    """Check all that a session needs and that can be told before it starts.

    Args:
        master: URL.
        given: settings of this run.

    Raises:
        JavaError: Java is missing or too old.
        SettingError: the master, the folder of the event log or another setting is none that Spark can use.
        SparkUnreachableError: nothing answers at the master's address.
    """
    check_master(master)
    spark_config(master, given)
    if is_connect(master):
        return
    check_java(session_environment(master))
    events = read(SparkSettings).spark_event_log
    if events and not is_local(master):
        _make_event_folder(events)


def _make_event_folder(events: str) -> None:
    """Spark refuses to start where the folder is missing; one in a store is the user's to make.

    Raises:
        SettingError: it cannot be made.
    """
    path = events.removeprefix("file://")
    if is_uri(path):
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"OPENGENOME_SPARK_EVENT_LOG: the folder {path} cannot be made ({error.strerror}). Name one that can be "
            "written, or leave the variable unset."
        )
        raise SettingError(msg) from error
