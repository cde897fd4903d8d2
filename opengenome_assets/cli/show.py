"""Shows a run: a progress bar on a terminal, lines elsewhere, or JSON."""

import json
import logging
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Show:
    """Prints the log lines of assets and checks on stderr.

    Args:
        reword: replaces the names of settings in a message by the options that the user gave.
    """

    def __init__(self, reword: Callable[[str], str]) -> None:
        self._reword = reword

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def expect(self, batches: int) -> None:
        """Set the number of batches that will be written and counted."""

    def on_line(self, level: int, text: str) -> None:
        text = self._reword(text)
        click.echo(text if level < logging.WARNING else f"{_name(level)}: {text}", err=True)

    def on_batch(self, asset: str, batch: str) -> None:
        """A batch of an asset is finished."""


class JsonShow(Show):
    """Prints one JSON object per line on stderr."""

    def on_line(self, level: int, text: str) -> None:
        write_json(level=_name(level), message=self._reword(text))

    def on_batch(self, asset: str, batch: str) -> None:
        write_json(level="info", event="materialized", asset=asset, batch=batch)


class BarShow(Show):
    """Shows a progress bar over batches, with the log lines above it."""

    def __init__(self, reword: Callable[[str], str]) -> None:
        super().__init__(reword)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._tasks = {
            "sequences": self._progress.add_task("batches written", total=None, visible=False),
            "codon_counts": self._progress.add_task("batches counted", total=None, visible=False),
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, batches: int) -> None:
        for task in self._tasks.values():
            self._progress.update(task, total=batches, completed=0, visible=batches > 0)

    def on_line(self, level: int, text: str) -> None:
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else None
        self._progress.console.print(self._reword(text), style=style, markup=False, highlight=False)

    def on_batch(self, asset: str, batch: str) -> None:
        del batch
        if asset in self._tasks:
            self._progress.advance(self._tasks[asset])


def choose_show(log_format: str, reword: Callable[[str], str]) -> Show:
    """JSON if requested, a progress bar on a terminal, lines elsewhere."""
    if log_format == "json":
        return JsonShow(reword)
    return BarShow(reword) if sys.stderr.isatty() else Show(reword)


def show_error(text: str, words: Sequence[str], **fields: str) -> None:
    """Print the last line of a failed command on stderr: ``Error: …``, or a JSON object if its arguments request JSON.

    Args:
        text: what happened, where, and what to do.
        words: the command's arguments, valid or not.
        fields: further fields of the object, in addition to level and message.
    """
    line = " ".join(part.strip() for part in text.splitlines())
    if wants_json(words):
        write_json(level="error", message=line, **fields)
    else:
        click.echo(f"Error: {line}", err=True)


def wants_json(words: Sequence[str]) -> bool:
    """Whether a command's arguments request JSON."""
    return "--log-format=json" in words or ("--log-format", "json") in pairwise(words)


def write_json(**fields: Any) -> None:
    """Print a JSON object on stderr, as the last line of a command or one of its log lines."""
    click.echo(json.dumps(fields, ensure_ascii=False), err=True)


def _name(level: int) -> str:
    return logging.getLevelName(level).lower()
