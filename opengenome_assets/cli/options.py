"""Options that several commands share, and the settings that come of them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from opengenome_assets.batching.manifest import find_manifest
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.datasets.known import unknown_dataset
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import DatasetSettings, Settings, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])


def dataset_options(command: Command) -> Command:
    """Options that say which data set is meant and where its results lie."""
    for option in reversed(
        (
            click.option(
                "--input",
                "-i",
                "inputs",
                multiple=True,
                metavar="X [X …]",
                help="Files, folders, globs or URIs, FASTA or Parquet; without one, the catalogue's --dataset.",
            ),
            click.argument("more_inputs", nargs=-1, metavar=""),
            click.option("--dataset", "-d", metavar="NAME", help="Name of the data set (the input's own)."),
            click.option("--warehouse", "-w", metavar="DIR", help="Where batches are kept (./data)."),
            click.option("--batch-size", metavar="N|auto", help="Rows a batch (5000), or by bases."),
            click.option("--sample", metavar="N", help="Draw so many rows over the whole input."),
            click.option(
                "--metadata", metavar="FILE", help="Table with seq_id, and group and/or genetic_code."
            ),
        )
    ):
        command = option(command)
    return command


def settings_of(
    inputs: Sequence[str] | None,
    more_inputs: Sequence[str],
    overrides: dict[str, str | int | None],
) -> Settings:
    """The environment's settings with the options' values put over them.

    Args:
        inputs: values of ``--input``; None for a command without that option.
        more_inputs: what the shell made of a glob after ``--input``.
        overrides: variable → value, None where the option was not given.

    Raises:
        click.UsageError: there are more inputs than ``--input`` was given for.
        SettingError: a value is not allowed, or no data set is named, or none of that name is known.
    """
    if more_inputs and not inputs:
        msg = f"'{more_inputs[0]}' is not understood. Inputs follow --input."
        raise click.UsageError(msg)
    environment = dict(os.environ)
    environment |= {name: str(value) for name, value in overrides.items() if value is not None}
    given = [*(inputs or ()), *more_inputs]
    if given:
        environment["OPENGENOME_INPUT"] = "\n".join(given)
        if overrides.get("OPENGENOME_DATASET") is None and "," in environment.get("OPENGENOME_DATASET", ""):
            # Several names are what Dagster's pages show; none of them is meant for this input.
            del environment["OPENGENOME_DATASET"]
        if len(given) > 1 and "OPENGENOME_DATASET" not in environment:
            environment["OPENGENOME_DATASET"] = _common_name(given)
    # The demo is the default of Dagster's pages; a command that counts it unasked would look like one that counts more.
    if not any(environment.get(name, "").strip() for name in ("OPENGENOME_INPUT", "OPENGENOME_DATASET")):
        own = "" if inputs is None else "--input PATH for your own data, or "
        msg = f"no data set is named. Give {own}--dataset NAME, such as --dataset demo for the built-in example."
        raise SettingError(msg)
    settings = read_settings(environment)
    for dataset in resolve_datasets(settings):
        _refuse_unknown(dataset, settings)
    return settings


def _refuse_unknown(dataset: Dataset, settings: Settings) -> None:
    is_declared = dataset.locations or dataset.entry or dataset.declared
    if not is_declared and find_manifest(dataset.folder) is None:
        raise SettingError(unknown_dataset(dataset.key, settings.warehouse, settings.catalogue))


def warehouse_of(option: str | None) -> str:
    """Where data sets are kept: the option's place, or the environment's."""
    overrides = {} if option is None else {"OPENGENOME_WAREHOUSE": option}
    return read_settings({**os.environ, **overrides}).warehouse


def one_dataset(settings: Settings) -> DatasetSettings:
    """The data set that a command works on.

    Raises:
        SettingError: the settings name several.
    """
    if len(settings.datasets) > 1:
        names = ", ".join(dataset.key for dataset in settings.datasets)
        msg = f"OPENGENOME_DATASET: this command works on one data set at a time, not on {names}. Give --dataset NAME."
        raise SettingError(msg)
    return settings.datasets[0]


def _common_name(given: Sequence[str]) -> str:
    """Several files of one folder are named by the folder; anything else the user has to name."""
    folders = {str(Path(each).absolute().parent) for each in given if "://" not in each}
    if len(folders) == 1 and not any("://" in each for each in given):
        return Path(folders.pop()).name
    msg = "several inputs from several places need a name: give --dataset NAME."
    raise click.UsageError(msg)
