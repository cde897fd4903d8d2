"""Options that several commands share, and the settings that come of them."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets, unknown_dataset
from opengenome_assets.errors import OpengenomeError, SettingError
from opengenome_assets.paths import local_path
from opengenome_assets.settings import DatasetSettings, Settings, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])

# A variable as messages name it, and not a part of a path or a value in quotes.
_VARIABLE = re.compile(r"(?<![\w'/.$-])OPENGENOME_[A-Z_]+")


class SettingOption(click.Option):
    """An option that sets an environment variable for its command; ``settings_of`` reads its value."""

    def __init__(self, declarations: Sequence[str], variable: str, **attributes: Any) -> None:
        super().__init__(declarations, expose_value=False, callback=self._keep, **attributes)
        self.variable = variable

    def _keep(self, context: click.Context, option: click.Parameter, value: Any) -> None:
        del option
        context.meta[self.variable] = {True: "yes", False: "no"}.get(value, value)

    @property
    def long_name(self) -> str:
        """The name that messages use."""
        return max(self.opts, key=len)


class OutputPath(click.Path):
    """A path to write to; ``~`` is expanded, as in the settings."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Expand and check a value."""
        return super().convert(local_path(value), param, ctx)


class SettingsCommand(click.Command):
    """A command whose errors name each setting by the option or the variable that was used."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse values that are empty or have line breaks, which no option allows."""
        before = ""
        for word in args:
            name, _, value = word.partition("=") if re.match("--[a-z-]+=", word) else (before, "", word)
            if not value.strip() or value.splitlines() != [value] or "\0" in value:
                place = f"Invalid value for '{name}'" if name.startswith("-") else "Invalid argument"
                msg = f"{place}: {value!r} is empty or has a line break. Give a value on one line."
                raise click.UsageError(msg, ctx)
            before = word
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except OpengenomeError as error:
            error.args = (as_given(ctx)(str(error)),)
            raise


def as_given(context: click.Context) -> Callable[[str], str]:
    """A function that replaces variables in a message by their options, except those that set the value."""
    names = {
        option.variable: option.long_name
        for option in _setting_options(context)
        if option.variable in _given(context) or not os.environ.get(option.variable, "").strip()
    }
    return lambda text: _VARIABLE.sub(lambda found: names.get(found[0], found[0]), text)


def _setting_options(context: click.Context) -> Iterator[SettingOption]:
    return (option for option in context.command.params if isinstance(option, SettingOption))


def _setting(*declarations: str, variable: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*declarations, cls=SettingOption, variable=variable, **attributes)


dataset_option = _setting(
    "--dataset",
    "-d",
    variable="OPENGENOME_DATASET",
    metavar="NAME",
    help="Name of the data set (the input's own).",
)
warehouse_option = _setting(
    "--warehouse",
    "-w",
    variable="OPENGENOME_WAREHOUSE",
    metavar="DIR",
    help="Where data sets are kept (./data).",
)
sample_option = _setting(
    "--sample",
    variable="OPENGENOME_SAMPLE",
    metavar="N",
    help="Work on a sample of N rows, drawn over the whole input.",
)
by_sequence_option = _setting(
    "--by-sequence/--no-by-sequence",
    variable="OPENGENOME_BY_SEQUENCE",
    default=None,
    help="Also make the per-sequence tables.",
)
log_format_option = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


def dataset_options(command: Command) -> Command:
    """Options that say which data set is meant and where its results are."""
    for option in reversed(
        (
            _setting(
                "--input",
                "-i",
                variable="OPENGENOME_INPUT",
                multiple=True,
                metavar="X [X …]",
                help="Files, folders, globs or URIs, FASTA or Parquet; without one, the catalogue's --dataset.",
            ),
            click.argument("more_inputs", nargs=-1, metavar=""),
            dataset_option,
            warehouse_option,
            _setting(
                "--batch-size",
                variable="OPENGENOME_BATCH_SIZE",
                metavar="N|auto",
                help="Rows per batch (5000), or by bases.",
            ),
            sample_option,
            _setting(
                "--metadata",
                variable="OPENGENOME_METADATA",
                metavar="FILE",
                help="Table with seq_id, and group and/or genetic_code.",
            ),
        )
    ):
        command = option(command)
    return command


def settings_of(context: click.Context, more_inputs: Sequence[str] = ()) -> Settings:
    """The environment's settings with the values of the command's options put over them.

    Args:
        context: of a command with setting options.
        more_inputs: what the shell made of a glob after ``--input``.

    Raises:
        click.UsageError: there are more inputs than ``--input`` was given for.
        SettingError: a value is not allowed, or no data set is named, or none of that name is known.
    """
    overrides = _given(context)
    inputs = overrides.pop("OPENGENOME_INPUT", ())
    if more_inputs and not inputs:
        msg = f"'{more_inputs[0]}' is not understood. Inputs follow --input."
        raise click.UsageError(msg)
    environment = dict(os.environ) | overrides
    given = [*inputs, *more_inputs]
    if given:
        environment["OPENGENOME_INPUT"] = "\n".join(given)
        if "OPENGENOME_DATASET" not in overrides and "," in environment.get("OPENGENOME_DATASET", ""):
            # Several names are what Dagster's pages show; none of them is meant for this input.
            del environment["OPENGENOME_DATASET"]
        if len(given) > 1 and "OPENGENOME_DATASET" not in environment:
            environment["OPENGENOME_DATASET"] = _common_name(given)
    # The demo is the default of Dagster's pages; a command that counts it unasked would look like one that counts more.
    if not any(environment.get(name, "").strip() for name in ("OPENGENOME_INPUT", "OPENGENOME_DATASET")):
        has_input = any(option.variable == "OPENGENOME_INPUT" for option in _setting_options(context))
        own = "--input PATH for your own data, or " if has_input else ""
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


def warehouse_of(context: click.Context) -> str:
    """Where data sets are kept: the option's place, or the environment's."""
    return read_settings({**os.environ, **_given(context)}).warehouse


def _given(context: click.Context) -> dict[str, Any]:
    """Values of the setting options that were given, by variable."""
    return {
        option.variable: context.meta[option.variable]
        for option in _setting_options(context)
        if context.meta[option.variable]
    }


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
    folders = {str(Path(local_path(each)).absolute().parent) for each in given if "://" not in each}
    if len(folders) == 1 and not any("://" in each for each in given):
        return Path(folders.pop()).name
    msg = "several inputs from several places need a name: give --dataset NAME."
    raise click.UsageError(msg)
