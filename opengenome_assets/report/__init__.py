"""The report: one HTML page and its pictures, made from the counts and the table and written beside them."""
