"""``opengenome``: the graph for those who do not want to know what Dagster is."""

from opengenome_assets.cli.main import main

__all__ = ["main"]
