"""Who runs the work of a stage: threads of this process, or tasks on a Spark cluster (``spark/cluster.py``).

Stages are plain functions of a small work item. They do not know who runs them.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

# Most that a thread of registering, writing or checking holds: a few chunks or row groups.
THREAD_BYTES = 150_000_000
# Threads take at most this part of the memory.
_PART_OF_MEMORY = 0.25
_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")

Item = TypeVar("Item")
Result = TypeVar("Result")
# (item, stopping) → results, one by one. Ends early once the event is set. A module's function, or a partial of one
# with small arguments, because it is pickled for Spark's tasks.
Work: TypeAlias = Callable[[Item, threading.Event], Iterator[Result]]


class Workers(Protocol):
    """Runs work on many items, several at a time."""

    def run(self, doing: str, work: Work[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """Start the items in order. Yields results as they become available, those of one item in order.

        The first error stops the other items and is raised. Closing the iterator also stops them.

        Args:
            doing: what threads and Spark's jobs are named after, such as ``writing``.
            work: (item, stopping) → results.
            items: work items.
        """
        ...


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory of this machine, or the limit of its container."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _MEMORY_LIMIT.read_text().strip() if _MEMORY_LIMIT.exists() else ""
    return min(physical, int(limit)) if limit.isdecimal() else physical


def threads_at_once() -> int:
    """Number of threads: one per core that this process may use, as far as the memory allows."""
    return max(1, min(cores(), int(memory_bytes() * _PART_OF_MEMORY) // THREAD_BYTES))


@dataclass(frozen=True)
class Threads:
    """Workers in threads of this process. Reading, decompressing and kernels release the GIL."""

    at_once: int = field(default_factory=threads_at_once)

    def run(self, doing: str, work: Work[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        """As ``Workers.run``."""
        stopping = threading.Event()
        waiting = deque(items)
        results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()

        def run_items() -> None:
            try:
                while waiting:
                    for result in work(waiting.popleft(), stopping):
                        results.put(result)
            except BaseException as error:  # noqa: BLE001 (the consumer raises it again; else results would be lost)
                results.put(error)
            finally:
                results.put(None)

        threads = [
            threading.Thread(target=run_items, name=doing, daemon=True)
            for _ in range(min(self.at_once, len(waiting)))
        ]
        for thread in threads:
            thread.start()
        try:
            running = len(threads)
            while running:
                result = results.get()
                if isinstance(result, BaseException):
                    raise result
                if result is None:
                    running -= 1
                else:
                    yield result
        finally:
            stopping.set()
            waiting.clear()
            for thread in threads:
                thread.join()
