"""Starts and stops a Spark session with its JVM, and explains a failed start."""

import logging
import os
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from opengenome_assets.errors import SparkSessionError
from opengenome_assets.spark.failures import SPARK_ERRORS, explain
from opengenome_assets.spark.java import changed_environment, last_words, variables_in_use
from opengenome_assets.spark.master import is_connect, is_local

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark.sql import SparkSession

_END_SECONDS = 30.0
# Time to read the last lines of a JVM that has ended.
_READ_SECONDS = 5.0
_KEPT_BYTES = 8_192
_BANNER = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
# Hadoop looks up the user's name, and fails if the user id has none or Kerberos does not allow it.
_USER = "opengenome"


def start_session(config: Mapping[str, str]) -> "SparkSession":
    """Start a session, or reuse the one of this process.

    Args:
        config: result of ``spark_config``.

    Raises:
        SparkSessionError: Spark does not start a session. The message contains the JVM's last line.
    """
    master = config.get("spark.master") or config["spark.remote"]
    # pyspark reads the variables of this process, and passes them on.
    with changed_environment(master):
        return _start(config, master)


def is_remote(session: "SparkSession") -> bool:
    """Whether it is a Spark Connect session, which has no JVM here."""
    return type(session).__module__.startswith("pyspark.sql.connect")


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
        _end_jvm(gateway, _END_SECONDS)
        raise
    # Silence pyspark's accumulator server, which is not used here, when the JVM ends.
    if (server := session.sparkContext._accumulatorServer) is not None:
        # Of this one server, so the method is replaced on purpose.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    return session


def _start_jvm(config: Mapping[str, str], master: str, output: "_JvmOutput") -> "JavaGateway":
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False)
    for name, value in config.items():
        conf.set(name, value)
    # A JVM reports on stdout why it does not start.
    process: dict[str, object] = {"stdout": output.writing, "stderr": output.writing}
    if is_local(master):
        # A JVM does not start in a deleted folder, which the current one may be.
        process["cwd"] = "/"
    try:
        # pyspark has no types for it.
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
        last_line = output.last_line() if output and output.has_ended else ""
        raise SparkSessionError(_no_session(master, explain(error).reason, last_line)) from error


def _no_session(master: str, reason: str, last_line: str) -> str:
    """One line: why no session started, the JVM's last line, and the possible causes."""
    where = "Spark on this machine" if is_local(master) else f"OPENGENOME_SPARK_MASTER: Spark at {master}"
    jvm = f"; the JVM's last line: {last_line}" if last_line else ""
    used = variables_in_use(master, os.environ)
    remedy = (
        f"Check {', '.join(used)}, which Spark was started with" if used else "Check the installation of Java"
    )
    if not is_local(master):
        remedy += "; OPENGENOME_SPARK_SECRET and the version of Spark must match the cluster"
    return f"{where} did not start a session ({reason.rstrip('.')}{jvm}). {remedy}."


class _JvmOutput:
    """Output of a JVM: held back until the JVM has started, then passed on. The last part is kept."""

    def __init__(self) -> None:
        """Open a pipe; ``writing`` is the JVM's stdout and stderr."""
        self._reading, self.writing = os.pipe()
        self._last = b""
        self._held: bytes | None = b""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="jvm-output", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether the JVM and all processes that it started have ended."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Close this process's copy of the writing end."""
        os.close(self.writing)

    def pass_on(self) -> None:
        """Write the held output, and from now on all output of the JVM, to stderr."""
        with self._lock:
            held, self._held = self._held, None
            _write(held or b"")

    def last_line(self) -> str:
        """The last line with a reason; empty if there is none."""
        self._thread.join(_READ_SECONDS)
        return last_words(self._last.decode(errors="replace"))

    def _read(self) -> None:
        with os.fdopen(self._reading, "rb", buffering=0) as source:
            # In chunks, not in lines: a progress bar has no end of line.
            while chunk := source.read(65_536):
                words = chunk.replace(_BANNER, b"")
                self._last = (self._last + words)[-_KEPT_BYTES:]
                with self._lock:
                    if self._held is None:
                        _write(words)
                    else:
                        self._held += words


def _write(words: bytes) -> None:
    # A process that is ending may have closed stderr.
    with suppress(OSError):
        while words:
            words = words[os.write(2, words) :]


def _is_not_of_gateway(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


def _without_gateway_tracebacks() -> None:
    """Filter py4j's tracebacks of a lost connection out of the root logger.

    py4j raises the error too, so the batches that failed report it.
    """
    logging.getLogger().addFilter(_is_not_of_gateway)


def is_gone(session: "SparkSession") -> bool:
    """Whether the JVM that this process started for the session has ended."""
    gateway = session.sparkContext._gateway
    process = getattr(gateway, "proc", None)
    return process is not None and process.poll() is not None


def end_jobs(session: "SparkSession") -> None:
    """Cancel the session's jobs, including those that wait for executors."""
    # A session without a JVM has no jobs.
    with suppress(*SPARK_ERRORS):
        session.interruptAll()


def end_session(session: "SparkSession", within: float = _END_SECONDS) -> None:
    """Stop the session and the JVM that this process started for it, and wait until the JVM has ended.

    pyspark would keep the JVM until this process ends. Each of its sessions leaves files open, and other runs need
    the memory.
    """
    # An interrupted call leaves its answer unread in the connection of its thread. A new thread has its own connection.
    with ThreadPoolExecutor(1, "spark-end") as thread:
        thread.submit(_stop, session, within).result()


def _stop(session: "SparkSession", within: float) -> None:
    gateway = session.sparkContext._gateway
    session.stop()
    if gateway is not None:
        _end_jvm(gateway, within)


def _end_jvm(gateway: "JavaGateway", within: float) -> None:
    process = getattr(gateway, "proc", None)
    if process is None:
        return
    gateway.shutdown()
    # The JVM ends when its standard input ends.
    process.stdin.close()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    forget_session()


def forget_session() -> None:
    """Reset pyspark to the state of a process without a session.

    A normal stop would call the JVM that has ended, and pyspark has no other way to start a new one. The fault tests
    kill a JVM and check that the next session starts.
    """
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    SparkContext._gateway = None
    SparkContext._jvm = None
    SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
