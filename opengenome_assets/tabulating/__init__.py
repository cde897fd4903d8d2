"""From the counts of all batches to tables, and from tables to text and pictures. Opens no files."""
