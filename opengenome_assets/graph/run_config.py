"""Run config of the table's parameters. A value that is not allowed is refused before a run is created."""

from collections.abc import Iterable
from typing import Any

import click
import dagster as dg
from dagster._config import ConfigScalar, ConfigScalarKind, ConfigType

from opengenome_assets.declaring import Setting
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import PARAMETERS, TableParameters


class _Number(ConfigScalar):
    """A whole number within the bounds of a parameter, which the launchpad shows as the type's description."""

    def __init__(self, setting: Setting) -> None:
        name = setting.name.title().replace("_", "")
        allowed = f"Give {setting.form.allowed}." if setting.form.allowed else setting.help
        super().__init__(name, name, ConfigScalarKind.INT, description=allowed)
        self._setting = setting

    def post_process(self, value: int) -> Any:
        """The value, checked. Dagster calls this for defaults and for what was given.

        Raises:
            click.ClickException: it is not allowed. Dagster's command line prints this exception as one line, and any
                other as a traceback.
        """
        try:
            return self._setting.convert(value, self._setting.name)
        except SettingError as error:
            raise click.ClickException(str(error)) from None


def parameters_schema(defaults: TableParameters, names: Iterable[str] = PARAMETERS) -> dict[str, dg.Field]:
    """Run config for these parameters of the table."""
    return {
        name: dg.Field(
            _type_of(PARAMETERS[name]),
            default_value=getattr(defaults, name),
            is_required=False,
            description=PARAMETERS[name].help,
        )
        for name in names
    }


def _type_of(setting: Setting) -> ConfigType | type[bool]:
    if setting.form.words:
        return dg.Enum(setting.name.title(), [dg.EnumValue(word) for word in setting.form.words])
    return bool if isinstance(setting.default, bool) else _Number(setting)
