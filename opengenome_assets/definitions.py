"""The module that Dagster loads: the graph of the data sets that the environment names."""

import click
import dagster as dg

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.graph.build import build_definitions


def _load() -> dg.Definitions:
    try:
        return build_definitions()
    except OpengenomeError as error:
        # Dagster's command line prints a click error as one line, any other as a traceback.
        raise click.ClickException(str(error)) from error


defs = _load()
