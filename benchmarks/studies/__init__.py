"""The studies: what is run, and the section of the page that comes of it."""
