"""Settings from the environment, typed and checked; a bad value is named with its variable.

Three tiers: an argument of the command line sets the variable, the variable wins over the catalogue,
the catalogue over the default.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias, cast

from opengenome_assets.errors import SettingError
from opengenome_assets.paths import is_uri, local_path, printable

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

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_EXTENSIONS = re.compile(
    r"(\.(fa|fasta|fna|ffn|fas|fsa|parquet|pq))?(\.(gz|bgz|bz2|xz|zst))?$", re.IGNORECASE
)
# Of a properties file as Spark reads it: '=' or blanks between name and value.
_SPARK_SETTING = re.compile(r"(?P<name>spark\.[\w.-]+)(\s*=\s*|\s+)(?P<value>.*)", re.ASCII)


@dataclass(frozen=True)
class DatasetSettings:
    """What the user asked for one data set; None where nothing was said."""

    name: str
    locations: tuple[str, ...] = ()
    batch_size: BatchSize | None = None
    sample: int | None = None
    sequences: int | None = None
    metadata: str | None = None
    on_invalid: OnInvalid | None = None
    soft_mask: SoftMask | None = None
    by_sequence: bool = False

    @property
    def key(self) -> str:
        """The name under which results are kept: a sample stands apart from the whole."""
        return self.name if self.sample is None else f"{self.name}@sample-{self.sample}"


@dataclass(frozen=True)
class Settings:
    """Everything that the environment says."""

    warehouse: str
    spark_master: str
    datasets: tuple[DatasetSettings, ...]
    catalogue: str | None = None
    # Jobs at a time; None for as many as fill the cores.
    spark_jobs: int | None = None


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the ``OPENGENOME_*`` variables.

    Raises:
        SettingError: a value is not allowed; the message names the variable.
    """
    env = os.environ if environment is None else environment
    locations = _locations(env)
    names = _dataset_names(env, locations)
    # With several names, the input is the first one's; the others are registered or in the catalogue.
    own = names[0] if locations else None
    datasets = tuple(
        DatasetSettings(
            name=name,
            locations=locations if name == own else (),
            batch_size=_batch_size(env),
            sample=_count(env, "OPENGENOME_SAMPLE"),
            sequences=_count(env, "OPENGENOME_SEQUENCES") if name == own or len(names) == 1 else None,
            metadata=_path(env, "OPENGENOME_METADATA"),
            on_invalid=cast("OnInvalid | None", _choice(env, "OPENGENOME_ON_INVALID", ("fail", "skip"))),
            by_sequence=_choice(env, "OPENGENOME_BY_SEQUENCE", ("no", "yes")) == "yes",
            soft_mask=cast("SoftMask | None", _choice(env, "OPENGENOME_SOFT_MASK", ("count", "skip"))),
        )
        for name in names
    )
    return Settings(
        warehouse=_path(env, "OPENGENOME_WAREHOUSE") or "./data",
        spark_master=_text(env, "OPENGENOME_SPARK_MASTER") or DEFAULT_SPARK_MASTER,
        datasets=datasets,
        catalogue=_path(env, "OPENGENOME_CATALOGUE"),
        spark_jobs=_spark_jobs(env),
    )


def read_spark_conf(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of Spark in OPENGENOME_SPARK_CONF: lines or ``;`` between them, or a properties file.

    Raises:
        SettingError: one has no form of Spark's, or the file cannot be read.
    """
    variable = "OPENGENOME_SPARK_CONF"
    text = _text(environment, variable)
    if text is None:
        return {}
    if "\n" in text or re.match(r"spark\.[^/\s]*\s*[=\s]", text):
        lines = re.split(r"[;\n]", text)
    else:
        try:
            lines = Path(text).expanduser().read_text().splitlines()
        # A file that is no text, and ~ where there is no home.
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            msg = (
                f"{variable}: '{text}' is neither settings (spark.name=value, with ';' between them) nor a file of "
                f"them that can be read ({reason}). Give either, or leave it unset."
            )
            raise SettingError(msg) from error
        variable += f"={text}"
    conf = {}
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        found = _SPARK_SETTING.fullmatch(line)
        if found is None:
            msg = f"{variable}: '{line}' is not allowed. Give each setting as spark.name=value."
            raise SettingError(msg)
        conf[found["name"]] = found["value"]
    return conf


def check_dataset_name(
    name: str,
    place: str = "OPENGENOME_DATASET",
    remedy: str = "Give such a name with OPENGENOME_DATASET.",
) -> str:
    """Return the name, or refuse one that could not be a folder or an asset key.

    Raises:
        SettingError: the name holds other characters than letters, digits, ``.``, ``_``, ``-``.
    """
    if not _NAME.fullmatch(name) or len(name) > 100:
        msg = (
            f"{place}: {name!r} cannot name a data set. Allowed are up to 100 letters, digits, '.', '_' "
            f"and '-', beginning with a letter, a digit or '_'. {remedy}"
        )
        raise SettingError(msg)
    return name


def name_of_location(location: str) -> str:
    """The last folder's or file's stem, which names a data set that the user did not name."""
    path = location.rsplit("://", maxsplit=1)[-1] if is_uri(location) else str(Path(location).absolute())
    fixed = [part for part in PurePosixPath(path).parts if not re.search(r"[*?\[\]/]", part)]
    stem = _EXTENSIONS.sub("", fixed[-1]) if fixed else ""
    return check_dataset_name(stem.strip(), f"OPENGENOME_INPUT={printable(location)}")


def _text(env: Mapping[str, str], variable: str) -> str | None:
    return env.get(variable, "").strip() or None


def _path(env: Mapping[str, str], variable: str) -> str | None:
    text = _text(env, variable)
    if text is not None and printable(text) != text:
        msg = f"{variable}: {printable(text)} is not UTF-8. Rename that file or folder."
        raise SettingError(msg)
    return local_path(text) if text else None


def _locations(env: Mapping[str, str]) -> tuple[str, ...]:
    lines = (line for line in env.get("OPENGENOME_INPUT", "").splitlines() if line.strip())
    paths = ((local_path(line), local_path(line.strip())) for line in lines)
    # A line may be indented, and a file's name may begin with a blank.
    return tuple(exact if Path(exact).exists() else stripped for exact, stripped in paths)


def _dataset_names(env: Mapping[str, str], locations: tuple[str, ...]) -> list[str]:
    given = _text(env, "OPENGENOME_DATASET")
    if given is None:
        return [name_of_location(locations[0])] if locations else [DEFAULT_DATASET]
    names = [check_dataset_name(name.strip()) for name in given.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        msg = f"OPENGENOME_DATASET: {given!r} must name one or more different data sets, separated by commas."
        raise SettingError(msg)
    return names


def _batch_size(env: Mapping[str, str]) -> BatchSize | None:
    text = _text(env, "OPENGENOME_BATCH_SIZE")
    if text == "auto":
        return "auto"
    return _count(env, "OPENGENOME_BATCH_SIZE", "a whole number of rows, 1 or more, or 'auto'")


def _spark_jobs(env: Mapping[str, str]) -> int | None:
    allowed = f"a whole number of jobs, 1 to {MOST_SPARK_JOBS}, or 'auto'"
    text = _text(env, "OPENGENOME_SPARK_JOBS")
    jobs = None if text == "auto" else _count(env, "OPENGENOME_SPARK_JOBS", allowed)
    if jobs is not None and jobs > MOST_SPARK_JOBS:
        msg = f"OPENGENOME_SPARK_JOBS: {text!r} is not allowed. Give {allowed}, or leave it unset."
        raise SettingError(msg)
    return jobs


def _count(
    env: Mapping[str, str], variable: str, allowed: str = "a whole number of rows, 1 or more"
) -> int | None:
    text = _text(env, variable)
    if text is None:
        return None
    # 18 digits are below 2^63, the most that row numbers can be.
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < 1:
        msg = f"{variable}: {text!r} is not allowed. Give {allowed}, or leave it unset."
        raise SettingError(msg)
    return int(text)


def _choice(env: Mapping[str, str], variable: str, allowed: tuple[str, ...]) -> str | None:
    text = _text(env, variable)
    if text is not None and text not in allowed:
        msg = f"{variable}: {text!r} is not allowed. Give one of {', '.join(allowed)}."
        raise SettingError(msg)
    return text
