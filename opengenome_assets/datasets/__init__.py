"""Where data sets come from (catalogue, hub, demo, own input), and the groups and codes of their records."""
