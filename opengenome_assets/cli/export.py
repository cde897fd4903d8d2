"""``opengenome export``: the table in a format that another tool reads."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.cli.options import (
    OutputPath,
    SettingsCommand,
    dataset_of,
    warehouse_of,
    warehouse_option,
)
from opengenome_assets.errors import SettingError
from opengenome_assets.files.atomic_write import replace_file
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets.tables.export import EXPORTS, matrix_export
from opengenome_assets.tables.group_files import INDEX, GroupFiles, write_group_files
from opengenome_assets.tables.load import load_groups
from opengenome_assets.tables.load_dataset import find_by_sequence
from opengenome_assets.tables.matrix import VALUES, write_matrix
from opengenome_assets.tables.text import table_csv, table_tsv
from opengenome_assets.tables.whole_groups import find_group
from opengenome_assets.units import number_of

FORMATS = "\n".join(f"  {name:<20} {export.summary}" for name, export in EXPORTS.items())
_MATRIX = "matrix"
# How the per-sequence table is written.
_OF_ROWS: Mapping[str, Callable[..., str]] = {"tsv": table_tsv, "csv": table_csv}


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
@click.option(
    "--by-sequence",
    is_flag=True,
    help="Write the row per sequence that analyze codon --by-sequence made; for --format tsv or csv.",
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
    help="File to write (stdout). Matrix and per-sequence table are written as Parquet if the name ends with .parquet.",
)
@click.pass_context
def export(
    context: click.Context,
    *,
    dataset: str | None,
    name: str,
    values: str | None,
    by_sequence: bool,
    group: str | None,
    all_groups: Path | None,
    output: Path | None,
) -> int:
    """Write a data set's table in a format that other tools read."""
    if values and name != _MATRIX:
        raise click.UsageError(f"--values needs --format {_MATRIX}.", context)
    if all_groups and (group or output):
        raise click.UsageError("--all-groups is not used with --group or --output.", context)
    if by_sequence and (name not in _OF_ROWS or all_groups):
        raise click.UsageError(
            "--by-sequence is used with --format tsv or csv, without --all-groups.", context
        )
    key, warehouse = dataset or dataset_of(context).key, warehouse_of(context)
    if by_sequence:
        _write_by_sequence(find_by_sequence(key, warehouse, {}), name, group, output)
        return 0
    parts = load_groups(key, warehouse)
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


def _write_by_sequence(files: BatchFiles, name: str, group: str | None, output: Path | None) -> None:
    """Write the rows of all batches, in the order of the input, holding a row group."""
    parts = (
        part if group is None else part.filter(pc.field("group") == group)
        for batch in files.batches
        for part in files.by_sequence(batch).read()
    )
    schema = CODON_USAGE_BY_SEQUENCE
    with ExitStack() as stack:
        if output is not None:
            stack.enter_context(_writing("--output", output))
            file = stack.enter_context(replace_file(output))
            if output.suffix.lower() == ".parquet":
                writer = stack.enter_context(
                    pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression="zstd")
                )
                for part in parts:
                    writer.write_table(part.replace_schema_metadata(schema.metadata))
                return
        write = _OF_ROWS[name]
        for text in chain([write(schema.empty_table())], (write(part, with_header=False) for part in parts)):
            if output is None:
                click.echo(text.encode(), nl=False)
            else:
                file.write(text.encode())


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
