"""``opengenome export``: the table in a format that another tool reads."""

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
from opengenome_assets.tables.export import EXPORTS
from opengenome_assets.tables.load import load_table

FORMATS = "\n".join(f"  {name:<20} {export.summary}" for name, export in EXPORTS.items())


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
@click.option("--group", metavar="NAME", help="Group to write (all of them, or 'all', as the format can).")
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=OutputPath(dir_okay=False, path_type=Path),
    help="File to write (stdout).",
)
@click.pass_context
def export(
    context: click.Context, dataset: str | None, name: str, group: str | None, output: Path | None
) -> None:
    """Write a data set's table in a format that other tools read."""
    table = load_table(dataset or dataset_of(context).key, warehouse_of(context))
    content = EXPORTS[name].write(table, group).encode()
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        with replace_file(output) as file:
            file.write(content)
    except OSError as error:
        msg = f"--output {output}: cannot be written ({error}). Name another file."
        raise SettingError(msg) from error
