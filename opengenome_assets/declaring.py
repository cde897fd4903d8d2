"""How settings are declared: a field of a dataclass with its form, help and default.

From a declaration follow the variable, the option, the run config and the texts about them.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

from opengenome_assets.errors import SettingError

# Below 2^63, the most that row numbers can be.
MOST_ROWS = 10**18 - 1

# A variable as messages name it, and not a part of a path or a value in quotes.
_VARIABLE = re.compile(r"(?<![\w'/.$-])OPENGENOME_[A-Z_]+")

Declaring = TypeVar("Declaring")


@dataclass(frozen=True)
class Form:
    """What a setting may contain.

    Attributes:
        convert: text, or a value → the value. Raises ``ValueError``, with a text if ``allowed`` is not the reason.
        allowed: what an error asks for.
        metavar: the value's name in the help of an option.
        words: all values, if they are words.
    """

    convert: Callable[[Any], Any]
    allowed: str = ""
    metavar: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A declared setting; ``shown`` is its default as people read it."""

    name: str
    default: Any
    form: Form
    help: str
    shown: str

    @property
    def variable(self) -> str:
        return f"OPENGENOME_{self.name.upper()}"

    def convert(self, given: object, place: str) -> Any:
        """Text, or a value → the value.

        Raises:
            SettingError: it is not allowed; the message names the place.
        """
        try:
            return self.form.convert(given)
        except ValueError as error:
            reason = str(error) or f"{given!r} is not allowed. Give {self.form.allowed}, or leave it unset."
            raise SettingError(f"{place}: {reason}") from error


def naming(names: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces variables in a message by the names that the user used."""
    return lambda text: _VARIABLE.sub(lambda found: names.get(found[0], found[0]), text)


def declared(kind: type[Any]) -> dict[str, Setting]:
    """The settings of a dataclass, by name: fields that are annotated with form, help, and perhaps a default to show."""
    hints = get_type_hints(kind, include_extras=True)
    settings = {}
    for each in fields(kind):
        if not hasattr(hints[each.name], "__metadata__"):
            continue
        form, text, *shown = hints[each.name].__metadata__
        default = "" if each.default in (None, ()) else str(each.default)
        settings[each.name] = Setting(each.name, each.default, form, text, *shown or [default])
    return settings


def read(
    kind: type[Declaring],
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Declaring:
    """Read the settings of a dataclass, with the arguments and errors of ``given``."""
    return kind(**given(kind, environment, options))


def given(
    kind: type[Any], environment: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Values of the settings of a dataclass that a variable or an option sets, by name. Blank text is as none.

    Args:
        kind: the dataclass.
        environment: variables; this process's unless given.
        options: text by name of the setting, over the variables.

    Raises:
        SettingError: a value is not allowed; the message names the variable.
    """
    variables = os.environ if environment is None else environment
    texts = {
        name: (options or {}).get(name, variables.get(setting.variable, ""))
        for name, setting in declared(kind).items()
    }
    return converted(
        kind, {name: text for name, text in texts.items() if text.strip()}, lambda setting: setting.variable
    )


def converted(
    kind: type[Any], values: Mapping[str, object], place: Callable[[Setting], str]
) -> dict[str, Any]:
    """The values of a mapping that are settings of a dataclass, by name.

    Args:
        kind: the dataclass.
        values: text, or a value, by name of the setting.
        place: what an error calls a setting.

    Raises:
        SettingError: a value is not allowed.
    """
    return {
        name: setting.convert(values[name], place(setting))
        for name, setting in declared(kind).items()
        if name in values
    }


def whole_number(least: int, most: int, unit: str = "", words: Mapping[str, Any] | None = None) -> Form:
    """A whole number; or a word, which has a value."""
    named = dict(words or {})

    def convert(given: object) -> Any:
        if isinstance(given, str):
            text = given.strip()
            if text in named:
                return named[text]
            given = int(text) if re.fullmatch("[0-9]{1,19}", text) else None
        # True is 1 to Python, and a mistake here.
        if type(given) is not int or not least <= given <= most:
            raise ValueError
        return given

    ends = f"{least} or more" if most >= MOST_ROWS else f"{least} to {most}"
    allowed = f"a whole number{unit}, {ends}" + "".join(f", or '{word}'" for word in named)
    return Form(convert, allowed, "|".join(("N", *named)))


def one_of(*words: str) -> Form:
    """One of some words."""

    def convert(given: object) -> object:
        word = given.strip() if isinstance(given, str) else given
        if word not in words:
            raise ValueError
        return word

    return Form(convert, " or ".join(f"'{word}'" for word in words), "|".join(words), words)


def _switch(given: object) -> bool:
    if isinstance(given, bool):
        return given
    word = str(given).strip()
    if word not in ("yes", "no"):
        raise ValueError
    return word == "yes"


SWITCH = Form(_switch, "'yes' or 'no'")
