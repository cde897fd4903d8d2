"""The report: one HTML page and its figures, made from the counts and the table."""
