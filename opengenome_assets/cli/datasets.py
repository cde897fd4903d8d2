"""``opengenome ingest`` registers an input, ``opengenome batches`` lists its batches."""

import click

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.batches.plan import plan_declared
from opengenome_assets.cli.options import (
    SettingsCommand,
    as_given,
    dataset_of,
    dataset_option,
    dataset_options,
    datasets_of,
    log_format_option,
    parameter_options,
    sample_option,
    warehouse_option,
)
from opengenome_assets.cli.show import choose_show
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.errors import SettingError
from opengenome_assets.units import number_of


@click.command(cls=SettingsCommand)
@dataset_options
@parameter_options
@log_format_option
@click.pass_context
def ingest(context: click.Context, log_format: str) -> None:
    """Register an input, so that its batches are known to Dagster."""
    dataset = dataset_of(context)
    from opengenome_assets.graph.keys import range_command
    from opengenome_assets.running.instance import open_instance
    from opengenome_assets.running.runner import Runner

    place = dataset.asked.warehouse
    with open_instance(place) as instance, choose_show(log_format, as_given(context)) as show:
        manifest = Runner(dataset, instance, show).register()
    keys = manifest.plan.keys
    click.echo(
        f"{manifest.dataset}: {number_of(manifest.rows, 'row')} in {number_of(len(keys), 'batch')}, {keys[0]} to {keys[-1]}"
    )
    click.echo(f"all batches and the table with Dagster: {range_command(dataset, manifest)}")


@click.command(cls=SettingsCommand)
@dataset_option
@warehouse_option
@sample_option
@click.pass_context
def batches(context: click.Context) -> None:
    """List keys, rows and state of the batches, tab-separated."""
    for each in datasets_of(context):
        manifest = find_manifest(each.folder)
        plan = manifest.plan if manifest else plan_declared(each.declared, each.asked.batch_size)
        if not plan.keys:
            msg = (
                f"{each.key}: not registered yet, so its batches are not known. Run opengenome ingest first."
            )
            raise SettingError(msg)
        unfinished = (
            unfinished_batches(BatchFiles(each.folder, manifest))
            if manifest
            else dict.fromkeys(plan.keys, "")
        )
        click.echo("batch\tfirst_row\trows\tbases\tstate")
        for key in plan.keys:
            first, end = plan.range_of(key)
            bases = str(manifest.bases_of(key)) if manifest else ""
            state = "to do" if key in unfinished else "counted"
            click.echo(f"{key}\t{first}\t{end - first}\t{bases}\t{state}")
