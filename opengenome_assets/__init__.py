"""Codon frequencies of whole genome collections, as a Dagster asset graph on Spark."""

__version__ = "0.1.0"
