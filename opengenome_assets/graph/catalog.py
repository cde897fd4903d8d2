"""What Dagster's catalog shows of each asset besides its description: tags, its code, and the origin of columns."""

from collections.abc import Sequence
from typing import cast

import dagster as dg

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.graph.keys import (
    CODON_COUNTS,
    CODON_FREQUENCIES,
    CODON_USAGE_BY_SEQUENCE,
    CODON_USAGE_REPORT,
    RAW_SEQUENCES,
    SEQUENCES,
    asset_key,
)

# Of a tag's value. Names of data sets may have 100 characters.
_LONGEST_TAG = 63
_STAGES = {
    RAW_SEQUENCES: "registering",
    SEQUENCES: "writing",
    CODON_COUNTS: "counting",
    CODON_USAGE_BY_SEQUENCE: "measuring",
    CODON_FREQUENCIES: "table",
    CODON_USAGE_REPORT: "report",
}
# Columns of the counts from which each column of the table is computed; strand and frame choose the rows.
_COUNTED = ("count", "strand", "frame")
_ORIGINS = {
    "group": ("group",),
    "codon": ("codon",),
    "amino_acid": ("codon", "genetic_code"),
    "count": _COUNTED,
    "frequency": _COUNTED,
    "per_thousand": _COUNTED,
    "fraction": (*_COUNTED, "genetic_code"),
    "rscu": (*_COUNTED, "genetic_code"),
}


def catalogued(dataset: Dataset, assets: Sequence[dg.AssetsDefinition]) -> Sequence[dg.AssetsDefinition]:
    """The assets of a data set with tags, and references to the code that makes them."""
    tagged = [
        asset.map_asset_specs(lambda spec: spec.merge_attributes(tags=_tags(dataset, spec.key.path[-1])))
        for asset in assets
    ]
    # It returns assets as it got them; its signature allows other kinds.
    return cast("Sequence[dg.AssetsDefinition]", dg.with_source_code_references(tagged))


def table_lineage(dataset: Dataset) -> dg.TableColumnLineage:
    """The columns of the counts from which each column of the frequency table is computed."""
    counts = asset_key(dataset.key, CODON_COUNTS)
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(counts, origin) for origin in origins]
            for column, origins in _ORIGINS.items()
        }
    )


def _tags(dataset: Dataset, name: str) -> dict[str, str]:
    sample = {} if dataset.asked.sample is None else {"opengenome/sample": str(dataset.asked.sample)}
    return {
        "opengenome/dataset": dataset.name[:_LONGEST_TAG],
        **sample,
        "opengenome/stage": _STAGES[name],
    }
