"""Keeps off the log what no log setting reaches: a line of the JVM's own, and tracebacks of the gateway to it."""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NOISE = b"WARNING: Using incubator modules: jdk.incubator.vector\n"


def _is_not_of_gateway(record: logging.LogRecord) -> bool:
    return "py4j" not in record.pathname


def without_gateway_tracebacks() -> None:
    """From now on, a JVM that is gone is told of by the batches that it fails.

    py4j logs the traceback of a lost connection to the root logger, and raises the error besides.
    """
    logging.getLogger().addFilter(_is_not_of_gateway)


def without_accumulator_tracebacks(session: "SparkSession") -> None:
    """The server of pyspark's accumulators, which nothing here uses, says nothing when the JVM is gone."""
    server = session.sparkContext._accumulatorServer
    if server is not None:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]


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
