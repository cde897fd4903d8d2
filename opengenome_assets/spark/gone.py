"""A JVM that ended before its session did: noticed, and forgotten, so that the next session gets another one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def is_gone(session: "SparkSession") -> bool:
    """Whether the JVM that this process started for the session has ended."""
    gateway = session.sparkContext._gateway
    process = getattr(gateway, "proc", None)
    return process is not None and process.poll() is not None


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
