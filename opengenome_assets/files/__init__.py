"""Local and remote files: opening, decompressing, atomic replacement. Also the folders of data sets."""
