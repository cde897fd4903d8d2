"""Lanes: passes over different parts of the input at once, where reading can begin in the middle of it.

Encoding a Parquet file is one thread's work, so one pass keeps little more than one core busy.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.batching.passing import RegisteredFile, reading_start, row_at

# Each lane that runs holds its own row groups: about 150 MB.
MOST_AT_ONCE = 4
# Small batches share a lane, since each lane opens its file anew.
LANE_BASES = 128_000_000
# Of a lane's rows, so many may be read in vain before the next one's first.
IN_VAIN = 0.1

Result = TypeVar("Result")
# A lane's work: yields results until it is done, or until the event is set.
Lane = Callable[[threading.Event], Iterator[Result]]


def lanes_at_once() -> int:
    """How many lanes to run at once: one for each core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_AT_ONCE)


def cut_lanes(
    files: Sequence[RegisteredFile], manifest: Manifest, batches: list[str], drawn: NDArray[np.int64] | None
) -> list[list[str]]:
    """Cut batches into lanes, a new one wherever reading can begin there without much in vain.

    Args:
        files: the registered input.
        manifest: of it.
        batches: keys, in order of their numbers.
        drawn: row numbers of a sample.
    """
    lanes: list[list[str]] = []
    bases = rows = 0
    for batch in batches:
        first, end = manifest.plan.range_of(batch)
        if lanes and (bases < LANE_BASES or _in_vain(files, row_at(first, drawn)) > IN_VAIN * rows):
            lanes[-1].append(batch)
        else:
            lanes.append([batch])
            bases = rows = 0
        bases += manifest.bases_of(batch)
        rows += end - first
    return lanes


def _in_vain(files: Sequence[RegisteredFile], row: int) -> int:
    """Rows that are read before a row where reading begins for it."""
    file = next(each for each in files if each.first_row <= row < each.end_row)
    return row - reading_start(file, row)


def side_by_side(lanes: Iterable[Lane[Result]], at_once: int) -> Iterator[Result]:
    """Run lanes in order, some of them at once in threads, and yield their results as they come.

    The first error of a lane stops the others and is raised; so does closing the iterator.
    """
    stopping = threading.Event()
    waiting = deque(lanes)
    results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            while waiting:
                for result in waiting.popleft()(stopping):
                    results.put(result)
        except BaseException as error:  # noqa: BLE001 (raised again by whoever takes the results)
            results.put(error)
        finally:
            results.put(None)

    threads = [
        threading.Thread(target=run, name="lane", daemon=True) for _ in range(min(at_once, len(waiting)))
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
