"""Names of assets and groups. Each begins with the data set's name, so that data sets never share partitions."""

import os
import re
import shlex
from pathlib import Path

import click
import dagster as dg

from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.batches.plan import BatchPlan
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import SettingError
from opengenome_assets.files.formats import (
    BATCH_FILE,
    COUNTING,
    FREQUENCY_TABLE,
    INPUT_FILE_LIST,
    MANIFEST_FILE,
    REPORT,
)
from opengenome_assets.settings import PARAMETERS

RAW_SEQUENCES = "raw_sequences"
SEQUENCES = "sequences"
CODON_COUNTS = "codon_counts"
CODON_FREQUENCIES = "codon_frequencies"
CODON_USAGE_BY_SEQUENCE = "codon_usage_by_sequence"
CODON_USAGE_REPORT = "codon_usage_report"
# All batches of a range run are one step. The pool prevents a second JVM at the same time.
SPARK_POOL = "spark"
# End of the names of steps that check an asset.
CHECKS_STEP = "_checks"
# Tag of a run that the command line started.
BY_COMMAND_LINE = "opengenome/command_line"


def code_version(name: str) -> str:
    """Version of what an asset writes. It changes when its numbers or formats may, and not with every release."""
    formats = {
        RAW_SEQUENCES: f"manifest-{MANIFEST_FILE.written}.files-{INPUT_FILE_LIST.written}",
        SEQUENCES: f"batch-{BATCH_FILE.written}",
        CODON_COUNTS: f"batch-{BATCH_FILE.written}.counting-{COUNTING}",
        CODON_USAGE_BY_SEQUENCE: f"batch-{BATCH_FILE.written}.counting-{COUNTING}",
        CODON_FREQUENCIES: f"table-{FREQUENCY_TABLE.written}.counting-{COUNTING}",
        CODON_USAGE_REPORT: f"report-{REPORT}.counting-{COUNTING}",
    }
    return formats[name]


def identifier(dataset: str) -> str:
    """The data set's name as Dagster allows it for ops and groups: letters, digits and ``_``."""
    return re.sub(r"[^A-Za-z0-9_]", "_", dataset.replace("@", "_at_"))


def asset_key(dataset: str, name: str) -> dg.AssetKey:
    """Key of an asset as users see it: ``{dataset}/{name}``."""
    return dg.AssetKey([dataset, name])


def op_key(dataset: str, name: str) -> dg.AssetKey:
    """Key under which an asset is first built. Dagster derives the op's name from it, and allows no ``@`` there."""
    return dg.AssetKey([identifier(dataset), name])


def check_distinct(datasets: list[str]) -> None:
    """Reject data sets whose ops would have the same names.

    Raises:
        SettingError: two names differ only in characters that an op's name cannot hold.
    """
    seen: dict[str, str] = {}
    for dataset in datasets:
        other = seen.setdefault(identifier(dataset), dataset)
        if other != dataset:
            msg = (
                f"OPENGENOME_DATASET: '{other}' and '{dataset}' cannot be loaded together, because Dagster gives both "
                "the same internal name. Load one at a time, or rename one."
            )
            raise SettingError(msg)


def range_command(dataset: Dataset, manifest: Manifest) -> str:
    """Dagster's command for all batches and the table of a registered data set. It works in any folder and shell."""
    is_local, warehouse = dataset.folder.is_local, dataset.asked.warehouse
    differing = dataset.table_parameters(manifest.table).differing(manifest.table)
    batches = manifest.plan.keys
    variables = {
        "OPENGENOME_DATASET": dataset.name,
        "OPENGENOME_SAMPLE": dataset.asked.sample,
        "OPENGENOME_WAREHOUSE": Path(warehouse).absolute() if is_local else warehouse,
        "DAGSTER_HOME": os.environ.get("DAGSTER_HOME"),
        **{PARAMETERS[name].variable: value for name, value in differing.items()},
    }
    settings = [f"{name}={shlex.quote(str(value))}" for name, value in variables.items() if value]
    options = ("--select", f'key:"{dataset.key}/*"', "--partition-range", f"{batches[0]}...{batches[-1]}")
    command = ("dagster", "asset", "materialize", "-m", "opengenome_assets.definitions", *options)
    return f"{' '.join(settings)} {shlex.join(command)}"


class BatchPartitions(dg.StaticPartitionsDefinition):
    """Static partitions whose error for an unknown key names the data set and its batches."""

    def __init__(self, dataset: str, plan: BatchPlan) -> None:
        super().__init__(plan.keys)
        self._dataset = dataset

    def validate_partition_key(self, partition_key: str, context: object) -> None:
        """Check that the key is a batch.

        Raises:
            click.ClickException: the key is not a batch. Dagster's command line prints this exception as one line,
                and any other as a traceback.
        """
        del context
        if self.has_partition_key(partition_key):
            return
        keys = self.get_partition_keys()
        known = f"It has {keys[0]} to {keys[-1]}" if keys else "No batches are registered yet"
        msg = (
            f"{partition_key!r} is not a batch of {self._dataset}. {known}; "
            f"'opengenome batches --dataset {self._dataset}' lists them."
        )
        raise click.ClickException(msg)
