"""Every ``OPENGENOME_*`` variable, declared once: name, form, default and help.

The command line's options and README's table come from the declarations. An option wins over its variable, the
variable over the catalogue, the catalogue over the default.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from opengenome_assets.errors import SettingError
from opengenome_assets.paths import local_path, printable

DEFAULT_DATASET = "demo"
DEFAULT_BATCH_SIZE = 5000
# Three attempts a task: with plain local[*] one killed Python worker fails the job.
DEFAULT_SPARK_MASTER = "local[*,3]"
# More than this would be threads of the driver that wait.
MOST_SPARK_JOBS = 32
# A static partition set beyond this makes Dagster's pages and planning unusable.
MOST_BATCHES = 100_000

BatchSize: TypeAlias = int | Literal["auto"]
OnInvalid: TypeAlias = Literal["fail", "skip"]
SoftMask: TypeAlias = Literal["count", "skip"]
Declaring = TypeVar("Declaring")

# Of a properties file as Spark reads it: '=' or blanks between name and value.
_SPARK_SETTING = re.compile(r"(?P<name>spark\.[\w.-]+)(\s*=\s*|\s+)(?P<value>.*)", re.ASCII)


@dataclass(frozen=True)
class Form:
    """What a setting may contain.

    Attributes:
        parse: text → value.
        check: raises ``ValueError`` for a value that is not allowed.
        allowed: what is allowed, as it follows "Give" in an error.
        metavar: the value's name in the help of an option.

    ``parse`` and ``check`` give their ``ValueError`` a text only where ``allowed`` does not say all.
    """

    parse: Callable[[str], Any]
    # By default everything that can be parsed is allowed.
    check: Callable[[Any], object] = bool
    allowed: str = ""
    metavar: str = ""


@dataclass(frozen=True)
class Setting:
    """A declared setting."""

    name: str
    default: Any
    form: Form
    help: str
    shown: str | None

    @property
    def variable(self) -> str:
        return f"OPENGENOME_{self.name.upper()}"

    @property
    def default_text(self) -> str:
        """The default as people read it."""
        if self.shown is not None:
            return self.shown
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return "" if self.default in (None, ()) else str(self.default)

    def read(self, text: str) -> Any:
        """The value of a text.

        Raises:
            SettingError: it is not allowed; the message names the variable.
        """
        try:
            value = self.form.parse(text)
            self.form.check(value)
        except ValueError as error:
            raise self._refusal(self.variable, text, error) from error
        return value

    def check(self, value: object) -> None:
        """Refuse a value that is not allowed.

        Raises:
            SettingError: with the setting's name.
        """
        try:
            self.form.check(value)
        except ValueError as error:
            raise self._refusal(self.name, value, error) from error

    def _refusal(self, place: str, found: object, error: ValueError) -> SettingError:
        reason = str(error) or f"{found!r} is not allowed. Give {self.form.allowed}, or leave it unset."
        return SettingError(f"{place}: {reason}")


def setting(form: Form, text: str, shown: str | None = None) -> dict[str, Any]:
    """Metadata that make a dataclass's field a setting.

    Args:
        form: what it may contain.
        text: the help of the option, and the meaning in README.
        shown: the default as people read it; the field's unless given.
    """
    return {"form": form, "help": text, "shown": shown}


def declared(kind: type[Any]) -> dict[str, Setting]:
    """The settings that a dataclass declares, by name."""
    return {each.name: Setting(each.name, each.default, **each.metadata) for each in fields(kind)}


def read(
    kind: type[Declaring],
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Declaring:
    """Read the settings that a dataclass declares. Blank text is as none.

    Args:
        kind: the dataclass.
        environment: variables; this process's unless given.
        options: text by name of the setting, over the variables.

    Raises:
        SettingError: a value is not allowed; the message names the variable.
    """
    variables = os.environ if environment is None else environment
    values = {}
    for name, each in declared(kind).items():
        text = (options or {}).get(name, variables.get(each.variable, ""))
        if text.strip():
            values[name] = each.read(text)
    return kind(**values)


def whole_number(least: int, most: int, unit: str = "", words: Mapping[str, Any] | None = None) -> Form:
    """A whole number; or a word, which has a value."""
    named = dict(words or {})

    def parse(text: str) -> Any:
        text = text.strip()
        return named.get(text, int(text) if re.fullmatch("[0-9]{1,19}", text) else text)

    def check(value: object) -> None:
        # True is 1 to Python, and a mistake here.
        if not (type(value) is int and least <= value <= most) and value not in named.values():
            raise ValueError

    ends = f"{least} or more" if most >= _MOST_ROWS else f"{least} to {most}"
    allowed = f"a whole number{unit}, {ends}" + "".join(f", or '{word}'" for word in named)
    return Form(parse, check, allowed, "|".join(("N", *named)))


def one_of(*choices: str) -> Form:
    """One of some words."""

    def check(value: object) -> None:
        if value not in choices:
            raise ValueError

    return Form(str.strip, check, " or ".join(f"'{choice}'" for choice in choices), "|".join(choices))


def _parse_switch(text: str) -> object:
    return {"yes": True, "no": False}.get(text.strip(), text)


def _check_switch(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError


def _check_path(path: str) -> None:
    if printable(path) != path:
        msg = f"{printable(path)} is not UTF-8. Rename that file or folder."
        raise ValueError(msg)


def _path(metavar: str) -> Form:
    return Form(lambda text: local_path(text.strip()), _check_path, metavar=metavar)


def _parse_locations(text: str) -> tuple[str, ...]:
    paths = ((local_path(line), local_path(line.strip())) for line in text.splitlines() if line.strip())
    # A line may be indented, and a file's name may begin with a blank.
    return tuple(exact if Path(exact).exists() else stripped for exact, stripped in paths)


def _parse_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or len(set(names)) < len(names):
        msg = f"{text.strip()!r} must name one or more different data sets, separated by commas."
        raise ValueError(msg)
    return names


def _parse_spark_conf(text: str) -> dict[str, str]:
    """Settings with ``;`` or line breaks between them, or the path of a properties file."""
    text = text.strip()
    place = ""
    if "\n" in text or re.match(r"spark\.[^/\s]*\s*[=\s]", text):
        lines = re.split(r"[;\n]", text)
    else:
        place = f" in {text}"
        try:
            lines = Path(text).expanduser().read_text().splitlines()
        # A file that is no text, and ~ where there is no home.
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            msg = (
                f"'{text}' is neither settings (spark.name=value, with ';' between them) nor a file of "
                f"them that can be read ({reason}). Give either, or leave it unset."
            )
            raise ValueError(msg) from error
    conf = {}
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        found = _SPARK_SETTING.fullmatch(line)
        if found is None:
            msg = f"'{line}'{place} is not allowed. Give each setting as spark.name=value."
            raise ValueError(msg)
        conf[found["name"]] = found["value"]
    return conf


# Below 2^63, the most that row numbers can be.
_MOST_ROWS = 10**18 - 1
_ROWS = whole_number(1, _MOST_ROWS, " of rows")
_TEXT = Form(str.strip)
SWITCH = Form(_parse_switch, _check_switch, "'yes' or 'no'")


@dataclass(frozen=True)
class Settings:
    """What the user asked for; ``None`` or nothing where the catalogue or the registered plan decides."""

    input: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            Form(_parse_locations, metavar="X [X …]"),
            "Files, folders, globs or URIs, one per line; FASTA or Parquet.",
        ),
    )
    dataset: tuple[str, ...] = field(
        default=(),
        metadata=setting(
            Form(_parse_names, metavar="NAME"),
            "Name of the data set: yours for the input, one of the catalogue, or one registered before. Dagster "
            "loads several, separated by commas.",
            shown="the input's name; without an input, Dagster loads demo, and opengenome asks for a name",
        ),
    )
    warehouse: str = field(
        default="./data",
        metadata=setting(
            _path("DIR"), "Where data sets are kept: a folder, or an object store such as s3://bucket/prefix."
        ),
    )
    catalogue: str | None = field(
        default=None, metadata=setting(_path("FILE"), "File of your own entries for the catalogue.")
    )
    batch_size: BatchSize | None = field(
        default=None,
        metadata=setting(
            whole_number(1, _MOST_ROWS, " of rows", {"auto": "auto"}),
            "Rows per batch. With auto, a batch has at most 512 Mbp.",
            shown=str(DEFAULT_BATCH_SIZE),
        ),
    )
    sequences: int | None = field(
        default=None,
        metadata=setting(
            _ROWS,
            "Declared number of rows. Batches are known before the input is registered; another number is refused.",
        ),
    )
    sample: int | None = field(
        default=None,
        metadata=setting(
            _ROWS, "Draw N rows over the whole input. The sample is a separate data set, NAME@sample-N."
        ),
    )
    metadata: str | None = field(
        default=None,
        metadata=setting(
            _path("FILE"), "Table (TSV, CSV, Parquet) with seq_id, and group and/or genetic_code."
        ),
    )
    on_invalid: OnInvalid | None = field(
        default=None,
        metadata=setting(
            one_of("fail", "skip"),
            "If a record has a byte that is no nucleotide letter: fail, or skip the record into rejected/.",
            shown="fail",
        ),
    )
    soft_mask: SoftMask | None = field(
        default=None,
        metadata=setting(
            one_of("count", "skip"),
            "Count lower-case letters, or skip them as ambiguous.",
            shown="count",
        ),
    )
    by_sequence: bool = field(
        default=False,
        metadata=setting(
            SWITCH, "Also make codon_usage_by_sequence: a row per sequence with its 64 counts and measures."
        ),
    )
    spark_master: str = field(
        default=DEFAULT_SPARK_MASTER,
        metadata=setting(
            _TEXT,
            "Spark's master URL: the cores of this machine, or a cluster whose machines have the project installed "
            "and reach the warehouse.",
        ),
    )
    spark_jobs: int | None = field(
        default=None,
        metadata=setting(
            whole_number(1, MOST_SPARK_JOBS, " of jobs", {"auto": None}),
            f"Spark jobs at a time, 1 to {MOST_SPARK_JOBS}. With auto, as many as have tasks for all cores.",
            shown="auto",
        ),
    )


@dataclass(frozen=True)
class SparkSettings:
    """What only a process that starts a Spark session reads."""

    spark_conf: dict[str, str] | None = field(
        default=None,
        metadata=setting(
            Form(_parse_spark_conf),
            "Settings of Spark, over the project's: spark.name=value with ; or line breaks between them, or the path "
            "of a properties file.",
        ),
    )
    spark_secret: str | None = field(
        default=None,
        metadata=setting(
            # Blanks around it are part of it: the cluster's processes get it unchanged.
            Form(str),
            "On a cluster: shared secret for Spark's authentication. Setting it also turns on encryption.",
        ),
    )
    spark_driver_host: str | None = field(
        default=None,
        metadata=setting(
            _TEXT, "On a cluster: name by which executors reach the driver.", shown="Spark's choice"
        ),
    )
    spark_page: str | None = field(
        default=None,
        metadata=setting(
            _TEXT,
            "On a cluster whose master has spark.ui.reverseProxy: address at which people reach the master's page. "
            "A run then names its own page below it.",
            shown="the driver's",
        ),
    )
    spark_event_log: str | None = field(
        default=None,
        metadata=setting(_TEXT, "On a cluster: folder or URI for Spark's event logs.", shown="none"),
    )


def read_settings(
    environment: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
) -> Settings:
    """Read ``Settings``, with the arguments and errors of ``read``."""
    return read(Settings, environment, options)
