"""Explains a failed Spark job: one line from Spark's long message, and whether a retry may help."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from opengenome_assets.errors import SparkSessionError, first_line

# Exceptions of a failed job or session start.
SPARK_ERRORS = (PySparkException, Py4JError, ConnectionError)

_INSTALL = "on every machine that has executors, or name another Python there with PYSPARK_PYTHON"
# Faults of a cluster's setup, which fail every job: Spark's message, and the project's.
_SETUP = (
    (
        re.compile(r"(?P<python>\S+): .*No module named '(?P<module>opengenome_assets|pyspark)\b"),
        f"executors cannot load {{module}} with {{python}}. Install this version of opengenome-assets for it {_INSTALL}.",
    ),
    (
        re.compile(r'Cannot run program "(?P<python>[^"]+)"'),
        f"executors have no {{python}}. Install opengenome-assets {_INSTALL}.",
    ),
    (
        re.compile(r"\[PYTHON_VERSION_MISMATCH\] (?P<reason>[^\n]+?\d\.)\s"),
        f"{{reason}} Install opengenome-assets for the same Python {_INSTALL}.",
    ),
    (
        re.compile(rf"{SparkSessionError.__module__}\.{SparkSessionError.__name__}: (?P<reason>[^\n]+)"),
        "{reason}",
    ),
)
_JOB_ABORTED = "Job aborted due to stage failure: "
_RECENT = re.compile(r"(?P<task>Task \S+ in stage \S+) failed (?P<times>\d+) times, most recent failure: ")
_PYTHON_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception): ")
_SESSION_GONE = re.compile(r"SparkContext was shut down|stopped SparkContext|SparkContext has been shutdown")


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed.

    Attributes:
        reason: one line.
        is_worth_retrying: the fault is in machines, and may be temporary.
        is_of_setup: the fault is in the cluster's setup; every job fails until it is fixed.
    """

    reason: str
    is_worth_retrying: bool
    is_of_setup: bool = False


def explain(error: BaseException) -> JobFailure:
    """Find the line with the reason why a job failed.

    Args:
        error: one of ``SPARK_ERRORS``.
    """
    if isinstance(error, Py4JJavaError):
        try:
            causes = list(_causes(error.java_exception))
        except (Py4JError, ConnectionError):
            # The message is in the JVM, which has ended.
            return JobFailure("its JVM has ended", is_worth_retrying=False)
    elif isinstance(error, PySparkException):
        causes = [str(error).strip()]
    else:
        # The connection to the JVM is lost, and this process has no other one.
        return JobFailure(first_line(error), is_worth_retrying=False)
    for cause in causes:
        for pattern, words in _SETUP:
            if found := pattern.search(cause):
                return JobFailure(
                    words.format(**found.groupdict()), is_worth_retrying=False, is_of_setup=True
                )
    aborted = next((cause for cause in causes if cause.startswith(_JOB_ABORTED)), causes[-1])
    gone = any(map(_SESSION_GONE.search, causes))
    return JobFailure(_of_job(aborted.removeprefix(_JOB_ABORTED)), is_worth_retrying=not gone)


def _causes(exception: Any) -> Iterator[str]:
    """Messages of a Java exception and its causes, outermost first. The class name replaces an empty message."""
    while exception is not None:
        yield (exception.getMessage() or "").strip() or str(exception.getClass().getName())
        exception = exception.getCause()


def _of_job(message: str) -> str:
    """The first line of a task's failure, or the last error of its Python traceback."""
    task = _RECENT.search(message)
    detail = message[task.end() :] if task else message
    lines = [line.strip() for line in detail.splitlines() if line.strip()]
    errors = [line for line in lines if _PYTHON_ERROR.match(line)] if "Traceback" in detail else []
    reason = (errors or lines or ["no reason given"])[0]
    return f"{task['task']} failed {task['times']} times: {reason}" if task else reason
