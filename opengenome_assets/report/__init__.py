"""The report: one HTML page and its pictures, as bytes. Opens no files but its own template."""
