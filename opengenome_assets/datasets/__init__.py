"""Where data sets come from: the catalogue, the generated demo, the user's own input."""
