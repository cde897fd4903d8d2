"""The command line's commands, and how its errors end.

Exit codes: 0 done; 1 a run or a check failed; 2 a setting, an option or the input is not allowed; 130
interrupted (the next run completes what is missing).
"""

import sys

import click

from opengenome_assets import __version__
from opengenome_assets.cli.analyze import analyze
from opengenome_assets.cli.inspect import batches, ingest
from opengenome_assets.errors import OpengenomeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="opengenome")
def cli() -> None:
    """Codon frequencies of whole genome collections, in batches, on Spark."""


cli.add_command(analyze)
cli.add_command(ingest)
cli.add_command(batches)


def main() -> None:
    """Run the command line; one line for every error that the user can mend."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OpengenomeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: finished batches are kept; the same command goes on from there.", err=True)
        sys.exit(130)
