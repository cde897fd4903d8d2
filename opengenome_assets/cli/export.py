"""``opengenome export``: the table in a format that another tool reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from opengenome_assets.cli.options import (
    OutputPath,
    SettingsCommand,
    dataset_of,
    warehouse_of,
    warehouse_option,
)
from opengenome_assets.errors import SettingError
from opengenome_assets.files.atomic_write import replace_file
from opengenome_assets.tables.export import EXPORTS, matrix_export
from opengenome_assets.tables.group_files import INDEX, GroupFiles, write_group_files
from opengenome_assets.tables.load import load_groups
from opengenome_assets.tables.matrix import VALUES, write_matrix
from opengenome_assets.tables.whole_groups import find_group
from opengenome_assets.units import number_of

FORMATS = "\n".join(f"  {name:<20} {export.summary}" for name, export in EXPORTS.items())
_MATRIX = "matrix"


@click.command(
    cls=SettingsCommand,
    help=f"Write a data set's table in a format that other tools read.\n\n\b\nFormats:\n{FORMATS}",
)
@click.option(
    "--dataset",
    "-d",
    metavar="NAME",
    help="Data set of the warehouse, NAME@sample-N for a sample, or the path of a table.",
)
@warehouse_option
@click.option("--format", "name", type=click.Choice(list(EXPORTS)), default="tsv", show_default=True)
@click.option(
    "--values",
    type=click.Choice(VALUES),
    help=f"What fills the matrix ({VALUES[0]}); for --format {_MATRIX}.",
)
@click.option("--group", metavar="NAME", help="Group to write (all of them, or 'all', as the format can).")
@click.option(
    "--all-groups",
    metavar="DIR",
    type=OutputPath(file_okay=False, path_type=Path),
    help=f"New or empty folder for one file per group, with {INDEX}.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=OutputPath(dir_okay=False, path_type=Path),
    help="File to write (stdout). The matrix is written as Parquet if the name ends with .parquet.",
)
@click.pass_context
def export(
    context: click.Context,
    dataset: str | None,
    name: str,
    values: str | None,
    group: str | None,
    all_groups: Path | None,
    output: Path | None,
) -> int:
    """Write a data set's table in a format that other tools read."""
    if values and name != _MATRIX:
        raise click.UsageError(f"--values needs --format {_MATRIX}.", context)
    if all_groups and (group or output):
        raise click.UsageError("--all-groups is not used with --group or --output.", context)
    parts = load_groups(dataset or dataset_of(context).key, warehouse_of(context))
    written = matrix_export(values) if values else EXPORTS[name]
    if all_groups:
        with _writing("--all-groups", all_groups):
            done = write_group_files(written, parts, all_groups)
        return _report(done, all_groups)
    if output is None:
        for text in written.write(parts, group):
            click.echo(text.encode(), nl=False)
        return 0
    with _writing("--output", output), replace_file(output) as file:
        if name == _MATRIX and output.suffix.lower() == ".parquet":
            chosen = parts if group is None else [find_group(parts, group)]
            write_matrix(file, chosen, values or VALUES[0])
        else:
            for text in written.write(parts, group):
                file.write(text.encode())
    return 0


@contextmanager
def _writing(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{option} {path}: cannot be written ({error}). Name another {'file' if option == '--output' else 'folder'}."
        raise SettingError(msg) from error


def _report(done: GroupFiles, folder: Path) -> int:
    """Show the groups without a file; the exit code."""
    for group, reason in done.refusals:
        click.echo(f"Not written: {group!r}. {reason}", err=True)
    if not done.refused:
        return 0
    groups = number_of(done.written + done.refused, "group")
    click.echo(f"{done.refused:,} of {groups} not written. {folder / INDEX} lists all groups.", err=True)
    return 1
