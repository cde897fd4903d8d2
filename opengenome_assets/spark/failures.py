"""What a failed job means: one line out of Spark's pages of it, and whether doing it again may help."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from opengenome_assets.errors import SparkSessionError, first_line

# What a job, or the start of a session, can fail with.
SPARK_ERRORS = (PySparkException, Py4JError, ConnectionError)

_INSTALL = "on every machine that has executors, or name another Python there with PYSPARK_PYTHON"
# What is wrong with the machines of a cluster, and so with every job: in Spark's words, and in ours.
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
        re.compile(r"\[PYTHON_VERSION_MISMATCH\] (?P<told>[^\n]+?\d\.)\s"),
        f"{{told}} Install opengenome-assets for the same Python {_INSTALL}.",
    ),
    (
        re.compile(rf"{SparkSessionError.__module__}\.{SparkSessionError.__name__}: (?P<told>[^\n]+)"),
        "{told}",
    ),
)
_JOB_ABORTED = "Job aborted due to stage failure: "
_RECENT = re.compile(r"(?P<task>Task \S+ in stage \S+) failed (?P<times>\d+) times, most recent failure: ")
_PYTHON_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception): ")
_SESSION_GONE = re.compile(r"SparkContext was shut down|stopped SparkContext|SparkContext has been shutdown")


@dataclass(frozen=True)
class JobFailure:
    """What made a job fail.

    Attributes:
        told: one line.
        is_worth_retrying: machines are to blame, which may be well again in a moment.
        is_of_setup: every job would fail by it, until somebody mends the cluster.
    """

    told: str
    is_worth_retrying: bool
    is_of_setup: bool = False


def explain(error: BaseException) -> JobFailure:
    """Find the line that tells what made a job fail.

    Args:
        error: one of ``SPARK_ERRORS``.
    """
    if isinstance(error, Py4JJavaError):
        try:
            causes = list(_causes(error.java_exception))
        except (Py4JError, ConnectionError):
            # Its message is asked of the JVM, which has ended since.
            return JobFailure("its JVM has ended", is_worth_retrying=False)
    elif isinstance(error, PySparkException):
        causes = [str(error).strip()]
    else:
        # The JVM is gone, and with it this process's only one.
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
    """Messages of a Java exception and its causes, from the outermost in; those without one by their class."""
    while exception is not None:
        yield (exception.getMessage() or "").strip() or str(exception.getClass().getName())
        exception = exception.getCause()


def _of_job(message: str) -> str:
    """The first line of a task's failure, or the error at the end of a Python traceback in it."""
    task = _RECENT.search(message)
    said = message[task.end() :] if task else message
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if _PYTHON_ERROR.match(line)] if "Traceback" in said else []
    told = (errors or lines or ["no reason given"])[0]
    return f"{task['task']} failed {task['times']} times: {told}" if task else told
