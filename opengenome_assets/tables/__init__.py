"""The table in the formats that other tools read. Opens no files."""
