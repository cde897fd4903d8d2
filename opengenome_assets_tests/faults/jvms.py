"""Counts the JVMs with a Spark session that run at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from opengenome_assets_tests.services import Place

LOOKED_EVERY = 0.05


@dataclass
class Seen:
    """What was seen so far.

    Attributes:
        jvms: process ids.
        at_once: the most of them at one look.
    """

    jvms: set[int] = field(default_factory=set)
    at_once: int = 0

    def look(self, place: Place) -> None:
        """Look at all that was started from the place."""
        now = {process.pid for process in place.processes() if _has_a_session(process)}
        self.jvms |= now
        self.at_once = max(self.at_once, len(now))


def _has_a_session(process: psutil.Process) -> bool:
    """Not the short one that only puts the other's command together."""
    try:
        words = process.cmdline()
        return (
            process.name() == "java"
            and "org.apache.spark.deploy.SparkSubmit" in words
            and "org.apache.spark.launcher.Main" not in words
        )
    except psutil.Error:
        return False


@contextmanager
def watched(place: Place) -> Iterator[Seen]:
    """Look again and again while the block runs."""
    seen = Seen()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOKED_EVERY):
            seen.look(place)

    thread = threading.Thread(target=watch, name="watch")
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
