"""Starts and ends Spark's session and the JVM behind it, and says why there is none."""

import logging
import os
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from opengenome_assets.errors import SparkSessionError
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.java import changed_environment, last_words, variables_in_use
from opengenome_assets.spark.master import is_connect, is_local

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark.sql import SparkSession

_ENDS_WITHIN = 30.0
# Of a JVM that has ended, whose last lines are read.
_SAYS_WITHIN = 5.0
_KEPT_BYTES = 8_192
_BANNER = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
# Hadoop asks the system for the user's name, and fails where a user id has none or it is no name of Kerberos.
_USER = "opengenome"


def start_session(config: Mapping[str, str]) -> "SparkSession":
    """Start a session, or take up the one that this process has.

    Args:
        config: of ``spark_config``.

    Raises:
        SparkSessionError: there is none to be had; the message has the JVM's last line.
    """
    master = config.get("spark.master") or config["spark.remote"]
    # pyspark looks at the variables of this process, and hands them on.
    with changed_environment(master):
        return _start(config, master)


def _start(config: Mapping[str, str], master: str) -> "SparkSession":
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in config.items():
        builder = builder.config(name, value)
    if is_connect(master) or SparkContext._gateway is not None:
        return _session_of(builder, master)
    _without_gateway_tracebacks()
    output = _JvmOutput()
    gateway = _start_jvm(config, master, output)
    SparkContext._ensure_initialized(gateway=gateway)
    try:
        session = _session_of(builder, master, output)
    except SparkSessionError:
        _end_jvm(gateway, _ENDS_WITHIN)
        raise
    # The server of pyspark's accumulators, which nothing here uses, says nothing when the JVM is gone.
    if (server := session.sparkContext._accumulatorServer) is not None:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    return session


def _start_jvm(config: Mapping[str, str], master: str, output: "_JvmOutput") -> "JavaGateway":
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False)
    for name, value in config.items():
        conf.set(name, value)
    # What keeps a JVM from starting is said on stdout.
    process: dict[str, object] = {"stdout": output.writing, "stderr": output.writing}
    if is_local(master):
        # The user's own may be gone, and a JVM does not start without one.
        process["cwd"] = "/"
    try:
        gateway: JavaGateway = launch_gateway(conf, process)  # type: ignore[no-untyped-call]
    except (*SPARK_ERRORS, OSError) as error:
        output.close()
        raise SparkSessionError(_no_session(master, "its JVM ended at once", output.last_line())) from error
    output.close()
    output.pass_on()
    if is_local(master):
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(_USER))
    return gateway


def _session_of(
    builder: "SparkSession.Builder", master: str, output: "_JvmOutput | None" = None
) -> "SparkSession":
    try:
        return builder.getOrCreate()
    except SPARK_ERRORS as error:
        said = output.last_line() if output and output.has_ended else ""
        raise SparkSessionError(_no_session(master, explain(error).told, said)) from error


def _no_session(master: str, reason: str, said: str) -> str:
    """One line: why there is no session, what the JVM said last, and what may be to blame."""
    where = "Spark on this machine" if is_local(master) else f"OPENGENOME_SPARK_MASTER: Spark at {master}"
    words = f"; the JVM's last line: {said}" if said else ""
    used = variables_in_use(master, os.environ)
    remedy = (
        f"Check {', '.join(used)}, which it was started with" if used else "Check the installation of Java"
    )
    if not is_local(master):
        remedy += "; OPENGENOME_SPARK_SECRET and the version of Spark must be the cluster's"
    return f"{where} gives no session ({reason.rstrip('.')}{words}). {remedy}."


class _JvmOutput:
    """What a JVM writes: held back until it is there, then passed on; the last of it is kept."""

    def __init__(self) -> None:
        """Of a JVM that is given ``writing`` for its stdout and stderr."""
        self._reading, self.writing = os.pipe()
        self._last = b""
        self._held: bytes | None = b""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="jvm-output", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether the JVM, and whatever it has started, has ended."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Leave the writing end to the JVM."""
        os.close(self.writing)

    def pass_on(self) -> None:
        """From now on, this process's stderr has what the JVM writes, and what it has written."""
        with self._lock:
            held, self._held = self._held, None
            _write(held or b"")

    def last_line(self) -> str:
        """The last line that says something; empty where the JVM said nothing."""
        self._thread.join(_SAYS_WITHIN)
        return last_words(self._last.decode(errors="replace"))

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb", buffering=0) as source:
            # As it comes, not line by line: a progress bar has no line's end to wait for.
            while chunk := source.read(65_536):
                words = chunk.replace(_BANNER, b"")
                self._last = (self._last + words)[-_KEPT_BYTES:]
                with self._lock:
                    if self._held is None:
                        _write(words)
                    else:
                        self._held += words


def _write(words: bytes) -> None:
    # A process that ends may have closed it before.
    with suppress(OSError):
        while words:
            words = words[os.write(2, words) :]


def _is_not_of_gateway(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


def _without_gateway_tracebacks() -> None:
    """From now on, a JVM that is gone is told of by the batches that it fails.

    py4j logs the traceback of a lost connection to the root logger, and raises the error besides.
    """
    logging.getLogger().addFilter(_is_not_of_gateway)


def is_gone(session: "SparkSession") -> bool:
    """Whether the JVM that this process started for the session has ended."""
    gateway = session.sparkContext._gateway
    process = getattr(gateway, "proc", None)
    return process is not None and process.poll() is not None


def end_jobs(session: "SparkSession") -> None:
    """Give up what the session works on, or waits for executors to do."""
    # A session that is gone has no jobs either.
    with suppress(*SPARK_ERRORS):
        session.interruptAll()


def end_session(session: "SparkSession", within: float = _ENDS_WITHIN) -> None:
    """Stop the session and the JVM that this process started for it, and wait for its end.

    pyspark would keep the JVM until this process ends, with files that each of its sessions leaves open, while other
    runs take it for their turn.
    """
    gateway = session.sparkContext._gateway
    session.stop()
    if gateway is not None:
        _end_jvm(gateway, within)


def _end_jvm(gateway: "JavaGateway", within: float) -> None:
    process = getattr(gateway, "proc", None)
    if process is None:
        return
    gateway.shutdown()
    # The end of its input is what tells the JVM to end.
    process.stdin.close()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    forget_session()


def forget_session() -> None:
    """Have pyspark take this process for one that never had a session.

    Stopping would talk to the JVM that is gone, and pyspark offers no other way to another one; the tests of faults
    kill a JVM and see the next session start.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    SparkContext._gateway = None
    SparkContext._jvm = None
    SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
