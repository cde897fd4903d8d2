"""``opengenome prune``: frees the disk space of counted sequences."""

import click

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.planned_rows import registered_files
from opengenome_assets.batches.prune import prune_batch
from opengenome_assets.cli.options import (
    SettingsCommand,
    dataset_of,
    dataset_option,
    sample_option,
    warehouse_option,
)
from opengenome_assets.errors import BatchFileError, InputChangedError, SettingError
from opengenome_assets.units import format_bytes, number_of

# Number of batches that are not removed whose reason is shown.
_SHOWN = 10


@click.command(cls=SettingsCommand)
@dataset_option
@warehouse_option
@sample_option
@click.option("--force", is_flag=True, help="Remove sequences that cannot be written again from the input.")
@click.pass_context
def prune(context: click.Context, *, force: bool) -> None:
    """Remove the copies of counted sequences, and keep their lengths and hashes.

    Batches that are not counted, or whose counts do not have the codons that the lengths allow, keep their sequences.
    """
    from opengenome_assets.checks.batch import check_counts

    files = BatchFiles.of(dataset_of(context).folder)
    if not force:
        _refuse_without_input(files)
    freed = removed = before = 0
    kept: dict[str, str] = {}
    for batch in files.batches:
        sequences = files.sequences(batch)
        if sequences.is_pruned:
            before += 1
            continue
        counted = check_counts(files, batch)
        if not counted.passed:
            kept[batch] = counted.description
            continue
        try:
            freed += prune_batch(files, batch)
        except BatchFileError as error:
            kept[batch] = str(error)
        except OSError as error:
            msg = f"{sequences.location}: cannot be replaced ({error}). Fix this, and run the command again."
            raise SettingError(msg) from error
        else:
            removed += 1
    earlier = f" ({before:,} before)" if before else ""
    click.echo(
        f"{files.manifest.dataset}: removed the sequences of {number_of(removed, 'batch')}{earlier}, "
        f"{format_bytes(freed)} freed"
    )
    for batch, reason in list(kept.items())[:_SHOWN]:
        click.echo(f"kept {batch}: {reason}", err=True)
    if len(kept) > _SHOWN:
        click.echo(f"kept {number_of(len(kept) - _SHOWN, 'batch')} more", err=True)


def _refuse_without_input(files: BatchFiles) -> None:
    try:
        registered_files(files.folder, files.manifest)
    except InputChangedError as error:
        msg = f"the sequences could not be written again. {error} Or add --force to remove them all the same."
        raise SettingError(msg) from error
