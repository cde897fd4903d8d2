"""Codon tables: made from the counts, written, read, compared, and exported to other tools' formats."""
