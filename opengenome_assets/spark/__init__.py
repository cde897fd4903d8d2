"""Spark: a session that is quiet and quick to start, and the counting of batches on it. Knows no Dagster."""
