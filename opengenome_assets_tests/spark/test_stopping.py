"""After an interruption, no new work starts, and the session ends."""

import subprocess
import sys
import threading
import time

import pytest

from opengenome_assets.errors import BatchFileError
from opengenome_assets.spark import run_tasks as jobs
from opengenome_assets.spark.run_tasks import ItemResult, SizedItem, Work, run_batches

# Interrupts a call of the JVM, as Dagster does it: not with KeyboardInterrupt, which the gateway would notice.
INTERRUPTED_CALL = """
import signal
from dagster._core.errors import DagsterExecutionInterruptedError
from opengenome_assets.spark.config import spark_config
from opengenome_assets.spark.session import end_session, is_gone, start_session

def interrupt(*_):
    raise DagsterExecutionInterruptedError

session = start_session(spark_config("local[1]"))
jvm = session.sparkContext._gateway.proc
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.5)
try:
    session._jvm.java.lang.Thread.sleep(3000)
except DagsterExecutionInterruptedError:
    end_session(session)
    print("ended", jvm.returncode)
"""
JOBS = 20
AT_ONCE = 2


def test_queued_jobs_do_not_begin_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOB_BATCHES", 1)
    begun: list[str] = []
    given_up = threading.Event()

    def plan(batch: str) -> list[SizedItem[None]]:
        """Each batch is a job, and fails without Spark; all but the first wait until the work is given up."""
        begun.append(batch)
        if batch != "batch_0000":
            assert given_up.wait(60)
            # A moment in which queued jobs are taken back.
            time.sleep(0.5)
        raise BatchFileError(batch)

    work: Work[None] = Work("nothing", plan, lambda _: ItemResult(b"", 0, 0))
    sizes = {f"batch_{number:04d}": 3 for number in range(JOBS)}
    done = run_batches(None, work, sizes, AT_ONCE)
    assert next(done).batch == "batch_0000"
    given_up.set()
    # Waits for those that are under way.
    done.close()
    assert len(begun) <= 1 + AT_ONCE


@pytest.mark.spark
def test_a_session_ends_after_an_interrupted_call() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_CALL], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("ended 0\n", "")
