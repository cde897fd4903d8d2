"""The Dagster side: assets, checks and the Spark resource, each a thin wrapper around a function."""
