"""Runs the graph from this process, on the same Dagster instance that the UI shows."""
