"""The command line's commands, and how its errors end.

Exit codes: 0 done; 1 a run failed, also because of its input or a check; 2 the command cannot start: an option, a
setting or Dagster's home is not usable; 130 interrupted. ``compare``: 0 agree, 1 disagree, 2 error, 3 no verdict.
"""

import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from opengenome_assets import __version__
from opengenome_assets.cli.analyze import analyze
from opengenome_assets.cli.compare import compare_command
from opengenome_assets.cli.datasets import batches, datasets, ingest
from opengenome_assets.cli.export import export
from opengenome_assets.cli.metadata import metadata
from opengenome_assets.cli.plan import plan
from opengenome_assets.cli.prune import prune
from opengenome_assets.cli.show import show_error, wants_json
from opengenome_assets.errors import OpengenomeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="opengenome")
def cli() -> None:
    """Codon frequencies of whole genome collections, in batches, on Spark."""


cli.add_command(analyze)
cli.add_command(ingest)
cli.add_command(batches)
cli.add_command(datasets)
cli.add_command(metadata)
cli.add_command(compare_command)
cli.add_command(export)
cli.add_command(plan)
cli.add_command(prune)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; one line for every error that the user can fix, one JSON object where that is asked for.

    Args:
        arguments: instead of the process's own.

    Raises:
        SystemExit: always, with the exit code.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Logs a traceback if Ctrl-C comes while a connection is closed. The interruption itself is reported below.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    try:
        code = cli.main(words, prog_name="opengenome", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        if wants_json(words):
            show_error(error.format_message(), words)
        else:
            # With the command's usage above it.
            error.show()
        sys.exit(error.exit_code)
    except OpengenomeError as error:
        show_error(str(error), words)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        text = "Interrupted: finished batches are kept; the same command goes on from there."
        show_error(text, words) if wants_json(words) else click.echo(text, err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader has closed the pipe. Discard what Python still buffers.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        # A defect of this project: its traceback is what a report of it needs.
        if not wants_json(words):
            raise
        show_error(f"{type(error).__name__}: {error}", words, traceback=traceback.format_exc())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
