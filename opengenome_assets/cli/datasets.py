"""``opengenome ingest`` registers an input, ``batches`` lists its batches, ``datasets`` lists and removes data sets."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

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
from opengenome_assets.cli.standard_input import keep_standard_input, refuse_unnamed
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.datasets.catalogue import read_catalogue
from opengenome_assets.datasets.names import check_dataset_name
from opengenome_assets.errors import SettingError
from opengenome_assets.running.inventory import Inventory, inventories, inventory_of
from opengenome_assets.settings import read_settings
from opengenome_assets.units import format_bases, format_bytes, number_of


@click.command(cls=SettingsCommand)
@dataset_options
@parameter_options
@log_format_option
@click.pass_context
def ingest(context: click.Context, log_format: str) -> None:
    """Register an input, so that its batches are known to Dagster."""
    refuse_unnamed(read_settings(options=context.obj))
    dataset = keep_standard_input(dataset_of(context))
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


@click.group()
def datasets() -> None:
    """List, describe and remove data sets."""


format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
# Number of files that stay whose path is shown.
_SHOWN = 3


@click.command("list", cls=SettingsCommand)
@warehouse_option
@format_option
@click.pass_context
def list_command(context: click.Context, form: str) -> None:
    """List the data sets of the warehouse and of the catalogue, with their state and size."""
    settings = read_settings(options=context.obj)
    found = list(inventories(settings.warehouse, read_catalogue(settings.catalogue)))
    if form == "json":
        click.echo(json.dumps([_as_json(each) for each in found], ensure_ascii=False))
        return
    rows = [
        (
            each.name,
            "" if each.records is None else f"{each.records:,}",
            format_bases(each.manifest.bases) if each.manifest else "",
            format_bytes(each.bytes) if each.sizes else "",
            each.state,
        )
        for each in found
    ]
    for line in _aligned([("name", "records", "bases", "disk", "state"), *rows]):
        click.echo(line)
    for each in found:
        if each.fault:
            click.echo(f"{each.name}: {each.fault}", err=True)


datasets.add_command(list_command)


@datasets.command(cls=SettingsCommand)
@click.argument("name")
@warehouse_option
@format_option
@click.pass_context
def info(context: click.Context, name: str, form: str) -> None:
    """Describe the data set NAME: input, settings, what is done, disk use."""
    found = _inventory(context, name)
    if found.manifest is None and (found.fault or found.entry is None or "@" in name):
        raise SettingError(found.fault or _not_registered(found))
    if form == "json":
        click.echo(json.dumps(_as_json(found) | _details(found), ensure_ascii=False))
        return
    details = _details(found)
    disk = {kind: format_bytes(size) for kind, size in found.bytes_by_kind.items()}
    rows = [
        ("name", found.name),
        ("state", found.state),
        ("records", "not known" if found.records is None else f"{found.records:,}"),
        *_planned(found),
        *((label, _shown(value)) for label, value in details.items()),
        *([("disk", _shown({"in all": format_bytes(found.bytes)} | disk))] if found.sizes else []),
    ]
    for line in _aligned(rows):
        click.echo(line)


@datasets.command(cls=SettingsCommand)
@click.argument("name")
@warehouse_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(context: click.Context, name: str, *, yes: bool) -> None:
    """Remove the results of the data set NAME, and Dagster's records of them.

    The input stays, also the other files in the data set's folder that opengenome did not write.
    """
    found = _inventory(context, name)
    if found.manifest is None:
        raise SettingError(found.fault or _not_registered(found))
    from opengenome_assets.running.instance import open_instance
    from opengenome_assets.running.lost_runs import unfinished_runs_for

    with open_instance(found.folder.warehouse) as instance:
        what = f"{number_of(len(found.own), 'file')} in {found.folder.root} ({format_bytes(sum(found.own.values()))})"
        if not yes:
            _confirm(f"Remove {what}, and Dagster's records of {name}?", name)
        if runs := unfinished_runs_for(instance, name):
            msg = (
                f"{name}: run {runs[0]} of Dagster is not finished, and nothing was removed. Wait for its end or "
                "terminate it in the UI, then run the command again."
            )
            raise SettingError(msg)
        # First: a removal that fails later can be repeated, because the manifest is the last file.
        # For Dagster, a _ in a prefix is any character.
        keys = instance.get_asset_keys(prefix=[name])
        instance.wipe_assets([key for key in keys if key.path[0] == name])
        found.remove()
    click.echo(f"{name}: removed {what}")
    if others := found.others:
        more = " …" if len(others) > _SHOWN else ""
        click.echo(
            f"{name}: kept {number_of(len(others), 'file')} that opengenome did not write: "
            f"{', '.join(others[:_SHOWN])}{more}"
        )


def _inventory(context: click.Context, name: str) -> Inventory:
    """The inventory of a data set by its name, which the user gave."""
    settings = read_settings(options=context.obj)
    base = re.sub(r"@sample-[1-9][0-9]*$", "", name)
    check_dataset_name(base, "NAME", "opengenome datasets list shows the names.")
    return inventory_of(settings.warehouse, name, read_catalogue(settings.catalogue))


def _not_registered(found: Inventory) -> str:
    return (
        f"{found.name}: no data set with this name is registered in {found.folder.warehouse}. "
        "opengenome datasets list shows the names."
    )


def _confirm(question: str, name: str) -> None:
    """Ask. Raises a ``SettingError`` unless the answer is yes."""
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        # The question's line has no answer that ends it.
        click.echo(err=True)
        agreed = False
    if not agreed:
        msg = f"{name}: nothing was removed. Answer y, or add --yes."
        raise SettingError(msg)


def _as_json(found: Inventory) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "name": found.name,
        "state": found.state,
        "records": found.records,
        "bases": manifest.bases if manifest else None,
        "batches": len(manifest.plan.keys) if manifest else None,
        "batches_counted": found.batches_counted,
        "bytes": found.bytes,
        "bytes_by_kind": found.bytes_by_kind,
    }


def _planned(found: Inventory) -> list[tuple[str, str]]:
    if found.manifest is None:
        return []
    batches = f"{found.batches_counted:,} of {len(found.manifest.plan.keys):,} counted"
    return [("bases", format_bases(found.manifest.bases)), ("batches", batches)]


def _details(found: Inventory) -> dict[str, Any]:
    """What only ``info`` shows, by label."""
    entry = {name: value for name, value in asdict(found.entry).items() if value} if found.entry else {}
    details: dict[str, Any] = (
        {"description": entry.pop("description", ""), "catalogue": entry} if entry else {}
    )
    if manifest := found.manifest:
        details |= {
            "folder": found.folder.root,
            "source": manifest.source,
            "input_files": manifest.files,
            "registered_with": manifest.versions,
            "settings": asdict(manifest.settings),
            "table": asdict(manifest.table),
            "other_tables": found.other_tables,
        }
    return details


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines whose columns begin below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
