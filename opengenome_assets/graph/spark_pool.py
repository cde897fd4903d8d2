"""Holds a slot of Spark's pool while a JVM runs, so that no more JVMs run at a time than the pool allows.

Dagster's queue starts one run with a Spark step at a time, but commands start runs without the queue. A lock file works
for both, and the kernel releases it when its process is killed.
"""

import threading
from pathlib import Path

import dagster as dg
from dagster._core.instance.config import PoolGranularity
from filelock import FileLock, Timeout

from opengenome_assets.graph.keys import SPARK_POOL

_POLL_SECONDS = 0.5


class SparkSlot:
    """One slot of the pool: a lock file in the home of the Dagster instance."""

    def __init__(self, instance: dg.DagsterInstance | None) -> None:
        """Use the pool of an instance. Without an instance or a pool of whole runs, slots are unlimited."""
        self._instance = instance
        self._lock: FileLock | None = None

    def take(self) -> bool:
        """Take a slot if one is free."""
        limit = self._limit()
        if limit is None or self._instance is None:
            return True
        folder = Path(self._instance.root_directory)
        for number in range(limit):
            # Taken in the thread that starts the session, released in the thread of the run.
            lock = FileLock(folder / f".spark-{number}.lock", thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            self._lock = lock
            return True
        return False

    def wait(self, canceled: threading.Event) -> bool:
        """Wait for a free slot and take it; False if the waiting is canceled."""
        while not self.take():
            if canceled.wait(_POLL_SECONDS):
                return False
        return True

    def release(self) -> None:
        """Free the slot for another run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _limit(self) -> int | None:
        """Limit of the pool, which can change in the UI at any time; None without a limit for whole runs."""
        if self._instance is None:
            return None
        storage = self._instance.event_log_storage
        config = storage.get_pool_config()
        # With a limit on steps Dagster itself makes steps wait. A second limit here would be a deadlock.
        if config.pool_granularity is not PoolGranularity.RUN:
            return None
        limits = {pool.name: pool.limit for pool in storage.get_pool_limits()}
        return limits.get(SPARK_POOL, config.default_pool_limit)
