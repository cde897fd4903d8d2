"""Names of assets and groups: the data set's name leads, so that data sets never share partitions."""

import re

import dagster as dg

from opengenome_assets.errors import SettingError

RAW_SEQUENCES = "raw_sequences"
SEQUENCES = "sequences"
CODON_COUNTS = "codon_counts"
CODON_FREQUENCIES = "codon_frequencies"
CODON_USAGE_BY_SEQUENCE = "codon_usage_by_sequence"
CODON_USAGE_REPORT = "codon_usage_report"
# Batches of one range run are one step: the pool keeps a second JVM from starting beside it.
SPARK_POOL = "spark"


def identifier(dataset: str) -> str:
    """The data set's name as Dagster allows it for ops and groups: letters, digits and ``_``."""
    return re.sub(r"[^A-Za-z0-9_]", "_", dataset.replace("@", "_at_"))


def asset_key(dataset: str, name: str) -> dg.AssetKey:
    """Key of an asset as users see it: ``{dataset}/{name}``."""
    return dg.AssetKey([dataset, name])


def op_key(dataset: str, name: str) -> dg.AssetKey:
    """Key under which an asset is first built; Dagster makes the op's name of it, and takes no ``@`` there."""
    return dg.AssetKey([identifier(dataset), name])


def check_distinct(datasets: list[str]) -> None:
    """Refuse data sets whose ops would have the same names.

    Raises:
        SettingError: two names differ only in characters that an op's name cannot hold.
    """
    seen: dict[str, str] = {}
    for dataset in datasets:
        other = seen.setdefault(identifier(dataset), dataset)
        if other != dataset:
            msg = (
                f"OPENGENOME_DATASET: '{other}' and '{dataset}' cannot stand side by side, since Dagster takes "
                "both for the same name. Load one at a time, or rename one."
            )
            raise SettingError(msg)
