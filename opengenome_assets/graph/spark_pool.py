"""A place in Spark's pool for as long as a JVM runs, so that runs start theirs in turn, whoever started them.

Dagster's queue begins one run with a Spark step at a time, but commands start theirs without asking it. A locked file
holds back both, and the kernel frees it when its process is killed.
"""

import threading
from pathlib import Path

import dagster as dg
from dagster._core.instance.config import PoolGranularity
from filelock import FileLock, Timeout

from opengenome_assets.graph.keys import SPARK_POOL

_LOOKED_EVERY = 0.5


class SparkPlace:
    """One of as many places as the pool has, beside the instance's own files."""

    def __init__(self, instance: dg.DagsterInstance | None) -> None:
        """Of an instance; without one, and without a pool of whole runs, everyone has a place."""
        self._instance = instance
        self._lock: FileLock | None = None

    def take(self) -> bool:
        """Take a place if one is free."""
        limit = self._limit()
        if limit is None or self._instance is None:
            return True
        folder = Path(self._instance.root_directory)
        for number in range(limit):
            # Taken by the thread that starts the session, given back by the run's own.
            lock = FileLock(folder / f".spark-{number}.lock", thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            self._lock = lock
            return True
        return False

    def wait(self, given_up: threading.Event) -> bool:
        """Take a place once one is free; not if the waiting is given up."""
        while not self.take():
            if given_up.wait(_LOOKED_EVERY):
                return False
        return True

    def give_back(self) -> None:
        """Let another run have the place."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _limit(self) -> int | None:
        """Of the pool, which can be changed in the UI at any time; None where there is none for whole runs."""
        if self._instance is None:
            return None
        storage = self._instance.event_log_storage
        config = storage.get_pool_config()
        # Of steps: Dagster itself has each wait for the others, and a place held by two means would be waited for
        # without end.
        if config.pool_granularity is not PoolGranularity.RUN:
            return None
        own = {pool.name: pool.limit for pool in storage.get_pool_limits()}
        return own.get(SPARK_POOL, config.default_pool_limit)
