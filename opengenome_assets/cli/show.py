"""Shows a run: a progress bar on a terminal, lines elsewhere, or JSON."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from opengenome_assets.units import format_bases

# Assets with batches, in the order of the run → what a bar says.
_STAGES = {"sequences": "writing", "codon_counts": "counting", "codon_usage_by_sequence": "measuring"}
# After the counts comes the table. The stage after that begins with its first batch.
_NEXT = {"sequences": "codon_counts"}


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

    def expect(self, bases: Mapping[str, int]) -> None:
        """These batches, with their bases, will be written and counted."""

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
    """Shows one line for the present stage, with the log lines above it: a spinner, and a bar once the amount is known.

    Args:
        reword: as for ``Show``.
        doing: the first stage.
    """

    def __init__(self, reword: Callable[[str], str], doing: str) -> None:
        super().__init__(reword)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            _OfAmount(BarColumn(bar_width=20)),
            _OfAmount(TextColumn("{task.fields[batches]} batches  {task.fields[rate]}")),
            _OfAmount(TimeRemainingColumn()),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._bases: Mapping[str, int] = {}
        self._task = self._add(doing)
        self._stage = ""
        self._done: set[str] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, bases: Mapping[str, int]) -> None:
        self._bases = bases
        self._begin(next(iter(_STAGES)) if bases else "")

    def _begin(self, stage: str) -> None:
        """Show another stage; without a name, what comes after the batches."""
        self._stage, self._done = stage, set()
        self._progress.remove_task(self._task)
        self._task = self._add(
            _STAGES.get(stage, "making the table and the report"),
            sum(self._bases.values()) if stage else None,
        )

    def _add(self, doing: str, total: int | None = None) -> TaskID:
        return self._progress.add_task(doing, total=total, batches=f"0/{len(self._bases):,}", rate="")

    def on_line(self, level: int, text: str) -> None:
        style = "red" if level >= logging.ERROR else "yellow" if level >= logging.WARNING else None
        self._progress.console.print(
            self._reword(text), style=style, markup=False, highlight=False, soft_wrap=True
        )

    def on_batch(self, asset: str, batch: str) -> None:
        if asset not in _STAGES:
            return
        if asset != self._stage:
            self._begin(asset)
        self._done.add(batch)
        done = sum(self._bases.get(each, 0) for each in self._done)
        (task,) = self._progress.tasks
        self._progress.update(
            self._task,
            completed=done,
            batches=f"{len(self._done):,}/{len(self._bases):,}",
            rate=f"{format_bases(done / max(task.elapsed or 0, 1e-3))}/s",
        )
        if self._done >= self._bases.keys():
            self._begin(_NEXT.get(asset, ""))


class _OfAmount(ProgressColumn):
    """A column that is empty while the amount of the stage is not known."""

    def __init__(self, column: ProgressColumn) -> None:
        super().__init__(column.get_table_column())
        self._column = column

    def render(self, task: Task) -> RenderableType:
        """The column's cell."""
        return "" if task.total is None else self._column.render(task)


def choose_show(log_format: str, reword: Callable[[str], str], doing: str = "registering") -> Show:
    """JSON if requested, a progress bar on a terminal, lines elsewhere; ``doing`` is what the command does first."""
    if log_format == "json":
        return JsonShow(reword)
    return BarShow(reword, doing) if sys.stderr.isatty() else Show(reword)


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
