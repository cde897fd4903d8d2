"""Counting: from row groups of a batch of sequences to the counts of a batch. Does not depend on Spark."""
