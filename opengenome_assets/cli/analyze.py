"""``opengenome analyze codon``: from an input to the table, in one command."""

import logging
import shutil
from pathlib import Path

import click

from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.cli.options import (
    OutputPath,
    SettingsCommand,
    as_given,
    by_sequence_option,
    dataset_of,
    dataset_options,
    keep_sequences_option,
    log_format_option,
    parameter_options,
)
from opengenome_assets.cli.show import choose_show, write_json
from opengenome_assets.cli.standard_input import keep_standard_input, refuse_unnamed
from opengenome_assets.cli.summary import outputs, print_summary
from opengenome_assets.errors import SettingError
from opengenome_assets.files.atomic_write import replace_file
from opengenome_assets.files.warehouse import (
    FREQUENCIES_JSON,
    FREQUENCIES_PARQUET,
    FREQUENCIES_TSV,
    REPORT,
    DatasetFolder,
)
from opengenome_assets.report.write import INDEX
from opengenome_assets.settings import TableParameters, read_settings
from opengenome_assets.tables.frequencies import (
    Making,
    differing_parameters,
    find_making,
)


@click.group()
def analyze() -> None:
    """Compute tables from genomes."""


@analyze.command(cls=SettingsCommand)
@dataset_options
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=OutputPath(file_okay=False, path_type=Path),
    help="Also put the tables and the report here.",
)
@parameter_options
@by_sequence_option
@keep_sequences_option
@click.option("--force", is_flag=True, help="Overwrite another table in --output.")
@log_format_option
@click.pass_context
def codon(
    context: click.Context,
    *,
    output: Path | None,
    force: bool,
    log_format: str,
) -> None:
    """Count codons of whole genomes and make the frequency table.

    Batches that are finished already are not counted again.
    """
    refuse_unnamed(read_settings(options=context.obj))
    dataset = keep_standard_input(dataset_of(context))

    def allow(manifest: Manifest, parameters: TableParameters) -> None:
        if output is not None and not force:
            refuse_overwriting(output, Making(manifest.dataset, manifest.fingerprint, parameters))

    settings = dataset.asked
    with choose_show(log_format, as_given(context)) as show:
        # Loading Dagster takes seconds, which the spinner fills.
        from opengenome_assets.running.analysis import run_analysis
        from opengenome_assets.running.instance import open_instance
        from opengenome_assets.running.runner import Runner
        from opengenome_assets.spark.config import check_setup

        check_setup(settings.spark_master)
        with open_instance(settings.warehouse) as instance:
            analysis = run_analysis(Runner(dataset, instance, show), allow)
    table = analysis.files.table
    for check in analysis.failed:
        show.on_line(logging.WARNING, f"check {check.name}: {check.description}")
    if output is not None:
        _put(table, output)
    if log_format == "text":
        print_summary(analysis, output, by_sequence=settings.by_sequence)
    else:
        write_json(
            level="info", event="finished", **outputs(analysis, output, by_sequence=settings.by_sequence)
        )


def refuse_overwriting(output: Path, asked: Making) -> None:
    """Refuse if the output folder has another table, or one of unknown making.

    Raises:
        SettingError: with what the existing table was made from, and what is asked for.
    """
    if refusal := _output_refusal(output, asked):
        msg = f"--output {output}: {refusal} Add --force to overwrite it, or give another folder."
        raise SettingError(msg)


def _output_refusal(output: Path, asked: Making) -> str | None:
    made = find_making(str(output / FREQUENCIES_PARQUET))
    if made is None:
        names = (FREQUENCIES_PARQUET, FREQUENCIES_TSV, FREQUENCIES_JSON, f"{REPORT}/{INDEX}")
        there = [name for name in names if (output / name).exists()]
        return f"{there[0]} exists, and it is not known how it was made." if there else None
    if made.dataset != asked.dataset:
        return f"the table there was made from data set {made.dataset}; this is {asked.dataset}."
    if made.fingerprint != asked.fingerprint:
        return f"the table there was made from another input named {made.dataset}, or another plan of it."
    if made.parameters != asked.parameters:
        return f"the table there {differing_parameters(made.parameters, asked.parameters)}"
    return None


def _put(folder: DatasetFolder, output: Path) -> None:
    try:
        for name in (FREQUENCIES_PARQUET, FREQUENCIES_TSV, FREQUENCIES_JSON):
            _copy(folder, name, output)
        for name in folder.names(REPORT):
            _copy(folder, f"{REPORT}/{name}", output)
    except OSError as error:
        msg = (
            f"--output {output}: cannot be written ({error}). The tables and the report are in {folder.root}."
        )
        raise SettingError(msg) from error


def _copy(folder: DatasetFolder, path: str, output: Path) -> None:
    with folder.open(path) as source, replace_file(output / path) as target:
        shutil.copyfileobj(source, target)
