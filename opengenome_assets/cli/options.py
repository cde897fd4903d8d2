"""Options made from the declarations of settings, and the data set that a command's options mean."""

import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.declaring import SWITCH, Setting, declared, naming
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.paths import local_path
from opengenome_assets.running.asked import asked_dataset, asked_datasets
from opengenome_assets.settings import PARAMETERS, Settings, read_settings

Command = TypeVar("Command", bound=Callable[..., Any])


class SettingOption(click.Option):
    """An option of a declared setting. Its value stays text, which ``read`` turns into a value."""

    def __init__(self, declarations: list[str], setting: Setting, **attributes: Any) -> None:
        super().__init__(declarations, default=None, help=setting.help, **attributes)
        self.setting = setting

    @property
    def flag(self) -> str:
        return self.opts[0]


class OutputPath(click.Path):
    """A path to write to; ``~`` is expanded, as in the settings."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Expand and check a value."""
        return super().convert(local_path(value), param, ctx)


class SettingsCommand(click.Command):
    """A command that finds the text of its setting options in ``context.obj``, by name of the setting."""

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
        """Run the command; its errors name each setting by the option or the variable that was used."""
        # What the shell made of a glob after --input.
        more = ctx.params.pop("more_inputs", ())
        if more and not ctx.params["input"]:
            msg = f"'{more[0]}' is not understood. Inputs follow --input."
            raise click.UsageError(msg, ctx)
        values = {option.setting.name: ctx.params.pop(option.name) for option in _setting_options(ctx)}
        ctx.obj = {
            name: "\n".join((*value, *more)) if isinstance(value, tuple) else _SWITCHED.get(value, value)
            for name, value in values.items()
            if value not in (None, ())
        }
        try:
            return super().invoke(ctx)
        except OpengenomeError as error:
            error.args = (as_given(ctx)(str(error)),)
            raise


_SWITCHED = {True: "yes", False: "no"}


def _setting_options(context: click.Context) -> list[SettingOption]:
    return [option for option in context.command.params if isinstance(option, SettingOption)]


def as_given(context: click.Context) -> Callable[[str], str]:
    """A function that replaces variables in a message by their options, except those that set the value."""
    flags = {
        option.setting.variable: option.flag
        for option in _setting_options(context)
        if option.setting.name in context.obj or not os.environ.get(option.setting.variable, "").strip()
    }
    return naming(flags)


# Options that are not named like their setting. The table of metadata has columns too.
_FLAGS = {"column": "sequence-column"}


def setting_option(setting: Setting, *short: str, **attributes: Any) -> Callable[[Command], Command]:
    """The option of a declared setting."""
    flag = _FLAGS.get(setting.name, setting.name.replace("_", "-"))
    return click.option(
        f"--{flag}/--no-{flag}" if setting.form is SWITCH else f"--{flag}",
        *short,
        cls=SettingOption,
        setting=setting,
        metavar=setting.form.metavar or None,
        show_default=setting.shown or False,
        **attributes,
    )


_DECLARED = declared(Settings)
dataset_option = setting_option(_DECLARED["dataset"], "-d")
warehouse_option = setting_option(_DECLARED["warehouse"], "-w")
sample_option = setting_option(_DECLARED["sample"])
by_sequence_option = setting_option(_DECLARED["by_sequence"])
keep_sequences_option = setting_option(_DECLARED["keep_sequences"])
log_format_option = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


_WHICH: tuple[Callable[[Any], Any], ...] = (
    warehouse_option,
    dataset_option,
    setting_option(_DECLARED["column"]),
    click.argument("more_inputs", nargs=-1, metavar=""),
    setting_option(_DECLARED["input"], "-i", multiple=True),
)


def dataset_options(command: Command) -> Command:
    """Options that say which data set is meant and where its results are."""
    for option in (
        setting_option(_DECLARED["soft_mask"]),
        setting_option(_DECLARED["on_invalid"]),
        setting_option(_DECLARED["ignore_version"]),
        setting_option(_DECLARED["group"]),
        setting_option(_DECLARED["taxdump"]),
        setting_option(_DECLARED["metadata"]),
        sample_option,
        setting_option(_DECLARED["batch_size"]),
        *_WHICH,
    ):
        command = option(command)
    return command


def metadata_options(command: Command) -> Command:
    """Options that say of which input a metadata table is made, and with which taxonomy."""
    for option in (setting_option(_DECLARED["taxdump"]), *_WHICH):
        command = option(command)
    return command


def parameter_options(command: Command) -> Command:
    """Options of the table's parameters."""
    for name in reversed(PARAMETERS):
        command = setting_option(PARAMETERS[name])(command)
    return command


def datasets_of(context: click.Context) -> tuple[Dataset, ...]:
    """The data sets that the command's options and the environment mean.

    Raises:
        SettingError: a value is not allowed, or no data set is named, or none of that name is known.
    """
    return asked_datasets(context.obj, _remedy(context))


def dataset_of(context: click.Context) -> Dataset:
    """The one data set of a command that works on one.

    Raises:
        SettingError: as ``datasets_of``; or several are named.
    """
    return asked_dataset(context.obj, _remedy(context), "--dataset NAME")


def _remedy(context: click.Context) -> str:
    has_input = any(option.flag == "--input" for option in _setting_options(context))
    own = "--input PATH for your own data, or " if has_input else ""
    return f"{own}--dataset NAME, such as --dataset demo"


def warehouse_of(context: click.Context) -> str:
    """Where data sets are kept: the option's place, or the environment's."""
    return read_settings(options=context.obj).warehouse
