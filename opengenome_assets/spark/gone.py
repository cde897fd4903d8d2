"""A JVM ends with its session, or ended before: either way forgotten, so that the next session gets another one."""

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from opengenome_assets.spark.failures import SPARK_ERRORS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ENDS_WITHIN = 30.0


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


def end_session(session: "SparkSession") -> None:
    """Stop the session and the JVM that this process started for it, and wait for its end.

    pyspark would keep the JVM until this process ends, with files that each of its sessions leaves open, while other
    runs take it for their turn.
    """
    gateway = session.sparkContext._gateway
    session.stop()
    process = getattr(gateway, "proc", None)
    if gateway is None or process is None:
        return
    gateway.shutdown()
    # The end of its input is what tells the JVM to end.
    process.stdin.close()
    try:
        process.wait(_ENDS_WITHIN)
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
