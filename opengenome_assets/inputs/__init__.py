"""The input: its files, and their records as Arrow chunks of bounded size.

Knows FASTA, flat files, JSON lines, Parquet, compression and remote storage, and the user's own tables.
Knows no batches, Spark or Dagster.
"""
