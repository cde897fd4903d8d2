"""``opengenome metadata``: makes the metadata table of an input."""

import logging
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from opengenome_assets.cli.options import (
    OutputPath,
    SettingsCommand,
    as_given,
    dataset_of,
    log_format_option,
    metadata_options,
)
from opengenome_assets.cli.show import choose_show
from opengenome_assets.errors import SettingError
from opengenome_assets.files.atomic_write import replace_file
from opengenome_assets.metadata.make import HEADERS, NCBI, RANKS, Sources
from opengenome_assets.paths import is_uri, local_path
from opengenome_assets.units import number_of


def _check_sources(
    context: click.Context, parameter: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    del context, parameter
    for name in names:
        if name not in (NCBI, HEADERS) and not is_uri(name) and not Path(local_path(name)).exists():
            msg = f"there is no file '{name}'. Give {NCBI}, {HEADERS}, or the path of a TSV, CSV or Parquet file."
            raise click.BadParameter(msg)
    return names


@click.command(cls=SettingsCommand)
@metadata_options
@click.option(
    "--from",
    "names",
    metavar="ncbi|headers|FILE",
    multiple=True,
    callback=_check_sources,
    help="Source of the facts: NCBI's E-utilities, the records' headers, or a table with seq_id (accession, acc), and "
    "taxid, organism, title, organelle or genetic_code. Repeat it in the order of preference.  [default: ncbi if ids are "
    "accessions, then headers]",
)
@click.option(
    "--ranks",
    metavar="RANK[,RANK …]",
    default=",".join(RANKS),
    show_default=True,
    help="Ranks of the lineage, from the taxdump.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=OutputPath(dir_okay=False, path_type=Path),
    default="metadata.tsv",
    show_default=True,
    help="File to write: TSV, or Parquet if its name ends with .parquet.",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --output.")
@log_format_option
@click.pass_context
def metadata(
    context: click.Context, *, names: tuple[str, ...], ranks: str, output: Path, force: bool, log_format: str
) -> None:
    """Find out the organelle, organism and genetic code of each record, as a metadata table.

    Only the accessions are sent to NCBI. Set NCBI_API_KEY for ten requests per second instead of three, and NCBI_EMAIL so
    that NCBI can reach you.
    """
    from opengenome_assets.batches.register import find_input
    from opengenome_assets.metadata.make import make_metadata, metadata_bytes

    if output.exists() and not force:
        msg = f"--output {output}: the file exists. Add --force to overwrite it, or name another file."
        raise SettingError(msg)
    dataset = dataset_of(context)
    if context.get_parameter_source("ranks") is not ParameterSource.DEFAULT and dataset.asked.taxdump is None:
        msg = f"--ranks {ranks}: ranks are from NCBI's taxonomy. Add --taxdump new_taxdump.tar.gz."
        raise SettingError(msg)
    chosen = tuple(rank.strip() for rank in ranks.split(",") if rank.strip())
    sources = Sources(names, dataset.asked.taxdump, chosen)
    with choose_show(log_format, as_given(context), "reading") as show:
        log = partial(show.on_line, logging.INFO)
        files = find_input(dataset, log)
        table = make_metadata(files, sources, log)
    try:
        with replace_file(output) as file:
            file.write(metadata_bytes(table, as_parquet=output.suffix == ".parquet"))
    except OSError as error:
        msg = f"--output {output}: cannot be written ({error}). Name another file."
        raise SettingError(msg) from error
    if log_format == "text":
        click.echo(f"metadata table of {number_of(table.num_rows, 'record')}: {output}")
