"""Counting: from row groups of a batch of sequences to the counts of a batch. Knows nothing of Spark."""
