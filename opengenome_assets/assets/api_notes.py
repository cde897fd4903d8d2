"""Silences what Dagster says of the state of its own API, where this project causes it: by message."""

import warnings

import dagster as dg

# The behaviour behind each is pinned by test_upstream_characterization.
_NOTES = (
    ("Parameter `backfill_policy` of function", dg.BetaWarning),
    ("Parameter `pool` of", dg.BetaWarning),
    ("Parameter `execution_type` of function `AssetsDefinition", dg.BetaWarning),
    ("Parameter `include_sources` of function `AssetSelection", dg.BetaWarning),
    ("Specifying a partitions_def on an AssetCheckSpec", dg.PreviewWarning),
)


def silence_api_notes() -> None:
    """Keep the notes off the logs of a process that loads the graph."""
    for message, category in _NOTES:
        warnings.filterwarnings("ignore", message, category)
