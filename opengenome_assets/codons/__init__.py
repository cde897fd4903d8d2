"""Codon arithmetic: letters, windows, genetic codes, measures. Knows nothing of files."""
