"""``opengenome plan``: what a run will take, before it is started."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from opengenome_assets.cli.options import (
    SettingsCommand,
    as_given,
    dataset_of,
    dataset_options,
    keep_sequences_option,
    log_format_option,
)
from opengenome_assets.cli.show import choose_show
from opengenome_assets.units import format_bases, format_bytes, number_of


@click.command(cls=SettingsCommand)
@dataset_options
@keep_sequences_option
@log_format_option
@click.pass_context
def plan(context: click.Context, log_format: str) -> None:
    """Say what a run will take: batches, disk, memory and time.

    Reads a small part of the input, and registers nothing. Of a registered data set, says what is left to do.
    """
    dataset = dataset_of(context)

    with choose_show(log_format, as_given(context), "measuring a sample"):
        from opengenome_assets.running.forecast import forecast

        expected = forecast(dataset)
    if log_format == "json":
        click.echo(json.dumps(asdict(expected)))
        return
    amounts = "counted" if expected.is_exact else "estimated"
    is_known = "registered" if expected.is_registered else "not registered yet"
    table = Table(title=f"{expected.dataset}: {is_known}", title_justify="left", show_header=False)
    stored = f", {format_bytes(expected.stored_bytes)}" if expected.stored_bytes is not None else ""
    of_batches = f"{expected.batches:,}: {expected.batches_to_write:,} to write, {expected.batches_to_count:,} to count"
    free = "not known" if expected.disk_free is None else format_bytes(expected.disk_free)
    for row in (
        ("input", number_of(expected.files, "file") + stored, "counted"),
        ("records", f"{expected.rows:,}", amounts),
        ("bases", format_bases(expected.bases), amounts),
        ("batches", of_batches, amounts),
        ("disk needed", format_bytes(expected.disk_needed), "estimated"),
        ("disk free", free, "measured" if expected.disk_free is not None else ""),
        ("memory", f"about {format_bytes(expected.memory)}", "estimated"),
        ("time", _duration(expected.seconds), "estimated"),
    ):
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
    if expected.is_too_large:
        remedy = "Name another place with --warehouse"
        if dataset.asked.keep_sequences:
            remedy += ", or add --no-keep-sequences to remove sequences once they are counted"
        click.echo(
            f"Not enough disk: {format_bytes(expected.disk_needed)} needed, {free} free in {dataset.folder.warehouse}. "
            f"{remedy}."
        )


def _duration(seconds: float) -> str:
    if seconds < 3600:
        return f"about {max(round(seconds / 60), 1)} min"
    return f"about {seconds / 3600:,.1f} h"
