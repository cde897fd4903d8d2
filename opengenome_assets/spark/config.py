"""Spark settings: the project's defaults with their reasons, overridden by the user's settings."""

import os
import shlex
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opengenome_assets.declaring import read
from opengenome_assets.errors import SettingError
from opengenome_assets.paths import is_uri
from opengenome_assets.settings import SparkSettings
from opengenome_assets.spark.java import AUTH_VARIABLE, archive_options, check_java, session_environment
from opengenome_assets.spark.master import check_master, is_connect, is_local

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

APPLICATION = "opengenome_assets"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Settings that users cannot change, and what to do instead.
_LEAVE_OUT = "The project's workers depend on it. Leave it out."
_BY_MASTER = "Set OPENGENOME_SPARK_MASTER instead."
_BY_HOST = "A local session listens on loopback only. For a cluster, set OPENGENOME_SPARK_DRIVER_HOST."
_REFUSED = {
    "spark.master": _BY_MASTER,
    "spark.remote": _BY_MASTER,
    "spark.api.mode": _BY_MASTER,
    "spark.driver.host": _BY_HOST,
    "spark.driver.bindAddress": _BY_HOST,
    "spark.authenticate.secret": "Set OPENGENOME_SPARK_SECRET instead, which the UI and the process list do not show.",
    "spark.python.daemon.module": _LEAVE_OUT,
    "spark.python.worker.module": _LEAVE_OUT,
    "spark.python.use.daemon": _LEAVE_OUT,
}


def spark_config(master: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Spark configuration. The run's settings override OPENGENOME_SPARK_CONF, which overrides the project's defaults.

    Args:
        master: URL.
        given: settings of this run.

    Raises:
        SettingError: users cannot change one of the settings, or there is no temporary folder.
    """
    users: dict[str, str] = {}
    for settings, source in (
        (read(SparkSettings).spark_conf or {}, "OPENGENOME_SPARK_CONF"),
        (given or {}, "resources.pyspark.config.spark_config"),
    ):
        check_spark_conf(settings, source)
        users |= settings
    return _own_config(master) | users


def check_spark_conf(conf: Iterable[str], source: str) -> None:
    """Check that users can change these settings of Spark.

    Raises:
        SettingError: they cannot; the message names the source of the settings.
    """
    for name in conf:
        if name in _REFUSED:
            msg = f"{source}: {name} cannot be set here. {_REFUSED[name]}"
            raise SettingError(msg)


def _own_config(master: str) -> dict[str, str]:
    if is_connect(master):
        return {"spark.remote": master, "spark.app.name": APPLICATION}
    config = {
        "spark.master": master,
        "spark.app.name": APPLICATION,
        # The JVM holds work items and counts, never sequences, so a small heap is enough.
        "spark.driver.memory": "512m",
        # Default options, to which Spark adds the user's spark.driver.extraJavaOptions.
        "spark.driver.defaultJavaOptions": shlex.join(_java_options(master)),
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # Reducers add up only a few thousand rows of counts.
        "spark.sql.shuffle.partitions": "2",
        # The run's log shows the progress.
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Tasks that are queued after an error belong to other batches, and need the workers.
        "spark.python.worker.reuse": "true",
        # Workers are forked from a process that has already loaded the kernel.
        "spark.python.daemon.module": "opengenome_assets.spark.worker",
    }
    if is_local(master):
        config |= {
            # Loopback only: no other machine needs a local session.
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            # From TMPDIR, which Java does not read.
            "spark.local.dir": _temporary_folder(),
        }
    else:
        config |= _cluster_config()
    return config


def _java_options(master: str) -> list[str]:
    options = [
        # A job has two stages of few tasks: optimizing compilers and generated code cost more than they save.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        # As a URI, because Spark splits options at blanks and log4j splits file names at commas.
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}",
        *archive_options(),
    ]
    if is_local(master):
        home = os.path.expanduser("~")  # noqa: PTH111 (Path.home() fails where there is none)
        # Java's own lookup finds no home for a user id without a name.
        options += [
            f"-Djava.io.tmpdir={_temporary_folder()}",
            f"-Duser.home={home if home[:1] == '/' else '/'}",
        ]
    return options


def _temporary_folder() -> str:
    """Python's folder for temporary files.

    Raises:
        SettingError: there is no writable folder.
    """
    try:
        return tempfile.gettempdir()
    except OSError as error:
        msg = "TMPDIR: there is no writable temporary folder. Set it to a folder that can be written to."
        raise SettingError(msg) from error


def _cluster_config() -> dict[str, str]:
    """Settings for a cluster, from the environment. Spark gets the secret itself by a separate variable."""
    # The driver's UI has no login, so it is read-only.
    config = {"spark.ui.killEnabled": "false"}
    cluster = read(SparkSettings)
    if cluster.spark_secret:
        config |= {
            "spark.authenticate": "true",
            "spark.network.crypto.enabled": "true",
            # Spark requires this setting, and reads the value from the variable.
            "spark.authenticate.secret": f"${{env:{AUTH_VARIABLE}}}",
        }
    if host := cluster.spark_driver_host:
        # Executors may reach the driver by a name that is no address of this machine, as in a container.
        bind = host if host in _LOOPBACK else "0.0.0.0"  # noqa: S104 (the shared secret protects the port)
        config |= {"spark.driver.host": host, "spark.driver.bindAddress": bind}
    if events := cluster.spark_event_log:
        config |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": events}
    return config


def addresses_of(session: "SparkSession") -> dict[str, str]:
    """Addresses of a session: name → URL of its UI, and folder of its event log. Without those that it does not have."""
    addresses = {}
    driver = session.sparkContext.uiWebUrl
    if driver and (page := read(SparkSettings).spark_page):
        # Only executors may be able to reach the driver's address.
        addresses["ui"] = f"{page.rstrip('/')}/proxy/{session.conf.get('spark.app.id')}/"
    elif driver:
        addresses["ui"] = driver
    # Read from the session, because a file of the user may have set it too.
    if session.conf.get("spark.eventLog.enabled", "false") == "true":
        addresses["event_log"] = (
            f"{session.conf.get('spark.eventLog.dir')} · {session.conf.get('spark.app.id')}"
        )
    return addresses


def check_setup(master: str, given: Mapping[str, str] | None = None) -> None:
    """Check the requirements of a session before it starts.

    Args:
        master: URL.
        given: settings of this run.

    Raises:
        JavaError: Java is missing or too old.
        SettingError: Spark cannot use the master, the folder of the event log or another setting.
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
    """Create the folder of the event log, without which Spark does not start. Users create one in an object store.

    Raises:
        SettingError: it cannot be created.
    """
    path = events.removeprefix("file://")
    if is_uri(path):
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"OPENGENOME_SPARK_EVENT_LOG: the folder {path} cannot be created ({error.strerror}). Set a folder that can "
            "be written to, or unset the variable."
        )
        raise SettingError(msg) from error
