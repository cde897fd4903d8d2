"""Files, local or behind a URI: opened, decompressed, replaced as a whole; and the data sets' folders."""
