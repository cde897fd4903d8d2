"""The command line's commands, and how its errors end.

Exit codes: 0 done; 1 a run failed, also by its input, or a check; 2 a setting or an option is not allowed; 130
interrupted (the next run completes what is missing). ``compare`` has its own: 0 agree, 1 disagree, 3 no verdict.
"""

import os
import sys
from collections.abc import Sequence

import click

from opengenome_assets import __version__
from opengenome_assets.cli.analyze import analyze
from opengenome_assets.cli.compare import compare_command
from opengenome_assets.cli.export import export
from opengenome_assets.cli.inspect import batches, ingest
from opengenome_assets.errors import OpengenomeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="opengenome")
def cli() -> None:
    """Codon frequencies of whole genome collections, in batches, on Spark."""


cli.add_command(analyze)
cli.add_command(ingest)
cli.add_command(batches)
cli.add_command(compare_command)
cli.add_command(export)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; one line for every error that the user can mend.

    Args:
        arguments: instead of the process's own.

    Raises:
        SystemExit: always, with the exit code.
    """
    try:
        code = cli.main(arguments, prog_name="opengenome", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OpengenomeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: finished batches are kept; the same command goes on from there.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output has enough of it; what Python still holds back has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
