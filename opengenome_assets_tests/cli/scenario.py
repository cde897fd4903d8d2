"""Runs the command line in this process. Returns exit code, stdout and stderr as a shell would see them."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from opengenome_assets.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command left a shell with."""

    code: int
    out: str
    err: str

    def lines(self) -> list[str]:
        return self.err.splitlines()


def opengenome(*arguments: object, terminal: bool = False) -> Said:
    """Run a command to its end.

    Args:
        arguments: as after ``opengenome``.
        terminal: let stderr be one.
    """
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with _terminal() if terminal else _pipe() as err, redirect_stdout(out), redirect_stderr(err.file):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    out.seek(0)
    return Said(code, out.read(), err.text)


class _Read:
    """A stream to write to, and what was written once it is closed."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self.file = file
        self.text = ""


@contextmanager
def _pipe() -> Iterator[_Read]:
    content = io.BytesIO()
    read = _Read(io.TextIOWrapper(content, encoding="utf-8", write_through=True))
    yield read
    read.text = content.getvalue().decode()


@contextmanager
def _terminal() -> Iterator[_Read]:
    """A pseudo-terminal, read by a thread so that it never fills."""
    ours, theirs = os.openpty()
    read = _Read(os.fdopen(theirs, "w", encoding="utf-8"))
    parts: list[bytes] = []

    def drain() -> None:
        try:
            while part := os.read(ours, 4096):
                parts.append(part)
        except OSError:
            # Linux's word for a terminal whose other end is closed.
            return

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield read
    finally:
        read.file.close()
        reader.join()
        os.close(ours)
        read.text = b"".join(parts).decode()


@contextmanager
def clean_room() -> Iterator[None]:
    """No setting of the person who runs the tests, nor of a command before, reaches a fixture's commands."""
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith("OPENGENOME_") or name == "DAGSTER_HOME":
                environment.delenv(name)
        # Makes the name known, so that what a command sets is taken back.
        environment.setenv("DAGSTER_HOME", "")
        yield


@dataclass(frozen=True)
class Analyzed:
    """What ``opengenome analyze codon`` made of an input, and what it said."""

    said: Said
    input: Path
    warehouse: Path
    output: Path
    metadata: Path

    def folder(self, dataset: str) -> Path:
        return self.warehouse / dataset


PYTHON = sys.executable
