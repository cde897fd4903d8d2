"""Every ``OPENGENOME_*`` variable, declared once: name, type, form, help and default.

The command line's options, the run config of tables and README's table come from the declarations. An option wins over
its variable, the variable over the catalogue, the catalogue over the default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from opengenome_assets.codons.alphabet import FRAMES, STRANDS_OF
from opengenome_assets.codons.genetic_codes import STANDARD_CODE, GeneticCode, genetic_code
from opengenome_assets.declaring import (
    MOST_ROWS,
    SWITCH,
    Form,
    Setting,
    converted,
    declared,
    given,
    one_of,
    read,
    whole_number,
)
from opengenome_assets.errors import SettingError
from opengenome_assets.paths import local_path, printable

DEFAULT_DATASET = "demo"
DEFAULT_BATCH_SIZE = 5000
# Three attempts a task: with plain local[*] one killed Python worker fails the job.
DEFAULT_SPARK_MASTER = "local[*,3]"
DEFAULT_SPARK_RESOURCE = "pyspark"
# More than this would be threads of the driver that wait.
MOST_SPARK_JOBS = 32
# A static partition set beyond this makes Dagster's pages and planning unusable.
MOST_BATCHES = 100_000
# Value of the setting metadata: the table is made.
AUTO = "auto"
# Counts are 64-bit integers.
MOST_COUNT = 2**63 - 1
# The parameters of a row per sequence, which shows skipped codons and hides none.
OF_SEQUENCES = ("frame", "strand", "genetic_code", "skip_stops")

# As a value of ``group``: one group per input file.
BY_FILE = "file"

BatchSize: TypeAlias = int | Literal["auto"]
OnInvalid: TypeAlias = Literal["fail", "skip", "mask"]
SoftMask: TypeAlias = Literal["count", "skip"]

# Of a properties file as Spark reads it: '=' or blanks between name and value.
_SPARK_SETTING = re.compile(r"(?P<name>spark\.[\w.-]+)(\s*=\s*|\s+)(?P<value>.*)", re.ASCII)


def _path(text: str) -> str:
    path = local_path(text.strip())
    if printable(path) != path:
        msg = f"{printable(path)} is not UTF-8. Rename that file or folder."
        raise ValueError(msg)
    return path


def _locations(text: str) -> tuple[str, ...]:
    paths = ((local_path(line), local_path(line.strip())) for line in text.splitlines() if line.strip())
    # A line may be indented, and a file's name may begin with a blank.
    return tuple(exact if Path(exact).exists() else stripped for exact, stripped in paths)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or len(set(names)) < len(names):
        msg = f"{text.strip()!r} must name one or more different data sets, separated by commas."
        raise ValueError(msg)
    return names


def _group(text: str) -> str:
    """``file``, or names of columns with commas between them."""
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names) or (BY_FILE in names and len(names) > 1):
        msg = (
            f"{text.strip()!r} must be '{BY_FILE}', or one or more different columns of the metadata table, "
            "separated by commas."
        )
        raise ValueError(msg)
    return ",".join(names)


def _spark_conf(text: str) -> dict[str, str]:
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


def _code(id_or_name: object) -> int:
    if not isinstance(id_or_name, int | str):
        raise ValueError
    try:
        return genetic_code(id_or_name).id
    except SettingError as error:
        raise ValueError(str(error)) from error


_ROWS = whole_number(1, MOST_ROWS, " of rows")
_ROWS_OR_AUTO = whole_number(1, MOST_ROWS, " of rows", {"auto": "auto"})
_JOBS = whole_number(1, MOST_SPARK_JOBS, " of jobs", {"auto": None})
_FILE = Form(_path, metavar="FILE")
_TEXT = Form(str.strip)
_CODE = Form(_code, "an NCBI number or name", "CODE")


@dataclass(frozen=True)
class TableParameters:
    """What is decided when a table is made from the counts, and not before. A genetic code may be given by name.

    Raises:
        SettingError: a value is outside of what is allowed.
    """

    __pydantic_config__: ClassVar[Any] = {"strict": True, "extra": "forbid"}
    frame: Annotated[
        int, whole_number(0, FRAMES[-1]), "Bases skipped at the start of the strand, 0 to 2."
    ] = 0
    strand: Annotated[
        str,
        one_of(*STRANDS_OF),
        "+ as read, - for the reverse complement, whose frames begin at the record's end, or both for their sum.",
    ] = "+"
    genetic_code: Annotated[
        int,
        _CODE,
        "NCBI number or name of the genetic code, for records that the metadata table gives none.",
    ] = STANDARD_CODE
    skip_n: Annotated[
        bool,
        SWITCH,
        "Leave out codons with any letter but A, C, G, T or U, before the total is taken.",
        "yes",
    ] = True
    skip_stops: Annotated[
        bool, SWITCH, "Leave out the code's stop codons, before the total is taken. Dual codons stay.", "no"
    ] = False
    min_count: Annotated[
        int, whole_number(0, MOST_COUNT), "Hide codons counted less often, after everything is computed."
    ] = 0

    def __post_init__(self) -> None:
        for name, setting in PARAMETERS.items():
            object.__setattr__(self, name, setting.convert(getattr(self, name), name))

    @cached_property
    def code(self) -> GeneticCode:
        """The genetic code for records whose own is not known."""
        return genetic_code(self.genetic_code)

    def differing(self, other: "TableParameters") -> dict[str, str]:
        """The parameters that are not those of another table, by name, as options and variables take them."""
        values = {
            name: getattr(self, name) for name in PARAMETERS if getattr(self, name) != getattr(other, name)
        }
        return {
            name: ("no", "yes")[value] if isinstance(value, bool) else str(value)
            for name, value in values.items()
        }

    def of_sequences(self, own: "TableParameters") -> "TableParameters":
        """Parameters of the per-sequence tables: what does not change these is that of the data set's own table."""
        return replace(own, **{name: getattr(self, name) for name in OF_SEQUENCES})


PARAMETERS = declared(TableParameters)


@dataclass(frozen=True)
class Settings:
    """What the user asked for; ``None`` or nothing where the catalogue or the registered plan decides."""

    input: Annotated[
        tuple[str, ...],
        Form(_locations, metavar="X [X …]"),
        "Files, folders, globs or URIs, one per line; FASTA, GenBank, EMBL, JSON lines or Parquet.",
    ] = ()
    dataset: Annotated[
        tuple[str, ...],
        Form(_names, metavar="NAME"),
        "Name of the data set: yours for the input, one of the catalogue, or one registered before. Dagster loads "
        "several, separated by commas.",
        "the input's name; without an input, Dagster loads demo, and opengenome asks for a name",
    ] = ()
    warehouse: Annotated[
        str,
        Form(_path, metavar="DIR"),
        "Where data sets are kept: a folder, or an object store such as s3://bucket/prefix.",
    ] = "./data"
    catalogue: Annotated[str | None, _FILE, "File of your own entries for the catalogue."] = None
    batch_size: Annotated[
        BatchSize | None,
        _ROWS_OR_AUTO,
        "Rows per batch. With auto, a batch has at most 512 Mbp.",
        str(DEFAULT_BATCH_SIZE),
    ] = None
    sequences: Annotated[
        int | None,
        _ROWS,
        "Declared number of rows. Batches are known before the input is registered; another number is refused.",
    ] = None
    sample: Annotated[
        int | None,
        _ROWS,
        "Draw N rows over the whole input. The sample is a separate data set, NAME@sample-N.",
    ] = None
    metadata: Annotated[
        str | None,
        Form(_path, metavar="FILE|auto"),
        "Table (TSV, CSV, Parquet) with seq_id, and group and/or genetic_code. With auto, it is made from NCBI's answers "
        "and the records' headers, as opengenome metadata does.",
    ] = None
    taxdump: Annotated[
        str | None,
        _FILE,
        "NCBI's new_taxdump (folder or .tar.gz), for the genetic codes and lineages of a metadata table that is made.",
    ] = None
    group: Annotated[
        str | None,
        Form(_group, metavar="file|COLUMN[,COLUMN …]"),
        "Groups to make: file for one per input file, or columns of the metadata table, such as organelle,phylum.",
        "the metadata table's column group",
    ] = None
    ignore_version: Annotated[
        bool | None,
        SWITCH,
        "Compare the ids of the metadata table and of the records without their version (NC_000001 with NC_000001.1).",
        "no",
    ] = None
    on_invalid: Annotated[
        OnInvalid | None,
        one_of("fail", "skip", "mask"),
        "If a record has a byte that is no nucleotide letter: fail, skip the record into rejected/, or mask each such byte "
        "as N.",
        "fail",
    ] = None
    column: Annotated[
        str | None,
        Form(str.strip, metavar="COLUMN"),
        "Of Parquet and JSON lines: the column with the sequences.",
        "sequence, or the only one with a usual name (seq, text, dna …)",
    ] = None
    soft_mask: Annotated[
        SoftMask | None,
        one_of("count", "skip"),
        "Count lower-case letters, or skip them as ambiguous.",
        "count",
    ] = None
    by_sequence: Annotated[
        bool,
        SWITCH,
        "Also make codon_usage_by_sequence: a row per sequence with its 64 counts and measures.",
        "no",
    ] = False
    keep_sequences: Annotated[
        bool,
        SWITCH,
        "Keep the sequences of counted batches, or only their lengths and hashes, which need little disk.",
        "yes",
    ] = True
    spark_master: Annotated[
        str,
        _TEXT,
        "Spark's master URL: the cores of this machine, or a cluster whose machines have the project installed and "
        "reach the warehouse.",
    ] = DEFAULT_SPARK_MASTER
    spark_jobs: Annotated[
        int | None,
        _JOBS,
        f"Spark jobs at a time, 1 to {MOST_SPARK_JOBS}. With auto, as many as have tasks for all cores.",
        "auto",
    ] = None
    # Parameters of the table that a variable or an option sets, by name.
    table: Mapping[str, Any] = field(default_factory=dict)
    # Key of the Spark resource in Dagster. Only a component sets another one.
    spark_resource: str = DEFAULT_SPARK_RESOURCE


@dataclass(frozen=True)
class SparkSettings:
    """What only a process that starts a Spark session reads."""

    spark_conf: Annotated[
        dict[str, str] | None,
        Form(_spark_conf),
        "Settings of Spark, over the project's: spark.name=value with ; or line breaks between them, or the path of a "
        "properties file.",
    ] = None
    spark_secret: Annotated[
        str | None,
        # Blanks around it are part of it: the cluster's processes get it unchanged.
        Form(str),
        "On a cluster: shared secret for Spark's authentication. Setting it also turns on encryption.",
    ] = None
    spark_driver_host: Annotated[
        str | None, _TEXT, "On a cluster: name by which executors reach the driver.", "Spark's choice"
    ] = None
    spark_page: Annotated[
        str | None,
        _TEXT,
        "On a cluster whose master has spark.ui.reverseProxy: address at which people reach the master's page. A run "
        "then names its own page below it.",
        "the driver's",
    ] = None
    spark_event_log: Annotated[
        str | None, _TEXT, "On a cluster: folder or URI for Spark's event logs.", "none"
    ] = None


def read_settings(
    environment: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
) -> Settings:
    """Read ``Settings``, with the arguments and errors of ``given``."""
    settings = read(Settings, environment, options)
    return replace(settings, table=given(TableParameters, environment, options))


def settings_of(values: Mapping[str, object], place: str) -> Settings:
    """``Settings`` from values by name, those of the table's parameters included.

    Args:
        values: text, or a value, by name of the setting.
        place: where they were given, for errors.

    Raises:
        SettingError: a value is not allowed; the message names the place and the setting.
    """

    def name_of(setting: Setting) -> str:
        return f"{place}: {setting.name}"

    return Settings(**converted(Settings, values, name_of), table=converted(TableParameters, values, name_of))
