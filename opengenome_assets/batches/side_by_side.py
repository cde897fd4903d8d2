"""Runs passes over different parts of the input at once, in threads of this process."""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

# Each running pass holds row groups of about 150 MB.
MOST_AT_ONCE = 4

Result = TypeVar("Result")
# Yields results until all work is done, or until the event is set.
Work = Callable[[threading.Event], Iterator[Result]]


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def passes_at_once() -> int:
    """Number of concurrent passes: one per core that this process may use."""
    return min(cores(), MOST_AT_ONCE)


def side_by_side(work: Iterable[Work[Result]], at_once: int) -> Iterator[Result]:
    """Run passes in order, some of them concurrently in threads. Yields results as they become available.

    The first error stops the other passes and is raised. Closing the iterator also stops them.
    """
    stopping = threading.Event()
    waiting = deque(work)
    results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            while waiting:
                for result in waiting.popleft()(stopping):
                    results.put(result)
        except BaseException as error:  # noqa: BLE001 (the consumer raises it again; else batches would be lost)
            results.put(error)
        finally:
            results.put(None)

    threads = [
        threading.Thread(target=run, name="pass", daemon=True) for _ in range(min(at_once, len(waiting)))
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
