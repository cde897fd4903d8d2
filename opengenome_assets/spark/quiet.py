"""Keeps a line off the log that no log setting reaches: the JVM's own word on the modules Spark turns on."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NOISE = b"WARNING: Using incubator modules: jdk.incubator.vector\n"


@contextmanager
def without_jvm_banner() -> Iterator[None]:
    """While the block runs, processes that it starts have their stderr passed on without the noise.

    They keep that stderr for as long as they live, so a thread goes on passing it on.
    """
    sys.stderr.flush()
    real = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    threading.Thread(target=_pass_on, args=(reading, real), name="jvm-stderr", daemon=True).start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)


def _pass_on(reading: int, real: int) -> None:
    with os.fdopen(reading, "rb", buffering=0) as source, os.fdopen(real, "wb", buffering=0) as out:
        # As it comes, not line by line: a progress bar has no line's end to wait for.
        while chunk := source.read(65_536):
            out.write(chunk.replace(_NOISE, b""))
