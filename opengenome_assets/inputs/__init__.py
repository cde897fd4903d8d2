"""Reading: where the input's files are, and their records as Arrow chunks of bounded size.

Knows FASTA, Parquet, compression and remote storage. Knows nothing of batches, Spark or Dagster.
"""
