"""Finds the data sets that settings mean, for commands and Python."""

from collections.abc import Mapping
from dataclasses import replace

from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets, unknown_dataset
from opengenome_assets.datasets.names import name_of_folder
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import read_settings


def asked_datasets(options: Mapping[str, str], remedy: str) -> tuple[Dataset, ...]:
    """The data sets that options and the environment mean.

    Args:
        options: text by name of the setting, over the environment.
        remedy: how to name a data set, for the error.

    Raises:
        SettingError: a value is not allowed, or no data set is named, or none of that name is known.
    """
    settings = read_settings(options=options)
    if "input" in options and "dataset" not in options and len(settings.dataset) != 1:
        # Several names are what Dagster's pages show; none of them is meant for this input.
        several = len(settings.input) > 1
        settings = replace(settings, dataset=(name_of_folder(settings.input),) if several else ())
    # The demo is the default of Dagster's pages; a command that counts it unasked would look like one that counts more.
    if not settings.input and not settings.dataset:
        msg = f"no data set is named. Give {remedy} for the built-in example."
        raise SettingError(msg)
    datasets = resolve_datasets(settings)
    for dataset in datasets:
        is_declared = dataset.locations or dataset.entry or dataset.declared
        if not is_declared and find_manifest(dataset.folder) is None:
            raise SettingError(unknown_dataset(dataset.key, settings.warehouse, settings.catalogue))
    return datasets


def asked_dataset(options: Mapping[str, str], remedy: str, one: str) -> Dataset:
    """The one data set of what works on one.

    Args:
        options: as for ``asked_datasets``.
        remedy: as for ``asked_datasets``.
        one: how to name a single one, for the error.

    Raises:
        SettingError: as ``asked_datasets``; or several are named.
    """
    first, *others = asked_datasets(options, remedy)
    if others:
        names = ", ".join(dataset.key for dataset in (first, *others))
        msg = f"OPENGENOME_DATASET: this works on one data set at a time, not on {names}. Give {one}."
        raise SettingError(msg)
    return first
