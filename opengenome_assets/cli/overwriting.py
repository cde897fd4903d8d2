"""Refuses to write over tables that were made otherwise; asked before anything is counted."""

from dataclasses import asdict
from pathlib import Path

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import (
    FREQUENCIES_JSON,
    FREQUENCIES_PARQUET,
    FREQUENCIES_TSV,
    DatasetFolder,
)
from opengenome_assets.report.write import INDEX, REPORT
from opengenome_assets.tables.by_sequence import parameters_by_batch
from opengenome_assets.tables.frequencies import Making, find_making
from opengenome_assets.tables.parameters import TableParameters


def refuse_overwriting(folder: DatasetFolder, asked: Making, output: Path | None) -> None:
    """Refuse if the data set's folder or the output folder has a table that was made otherwise.

    Raises:
        SettingError: with what the existing table was made with, and what is asked for.
    """
    location = folder.location(FREQUENCIES_PARQUET)
    made = find_making(location)
    # A table of an older plan, or a damaged one, is out of date and may be replaced.
    if made and made.fingerprint == asked.fingerprint and made.parameters != asked.parameters:
        difference = differing_parameters(made.parameters, asked.parameters)
        msg = f"{location} {difference} Add --force to overwrite it, or give another --dataset name."
        raise SettingError(msg)
    if output is not None and (refusal := _output_refusal(output, asked)):
        msg = f"--output {output}: {refusal} Add --force to overwrite it, or give another folder."
        raise SettingError(msg)


def _output_refusal(output: Path, asked: Making) -> str | None:
    made = find_making(str(output / FREQUENCIES_PARQUET))
    if made is None:
        names = (FREQUENCIES_PARQUET, FREQUENCIES_TSV, FREQUENCIES_JSON, f"{REPORT}/{INDEX}")
        there = [name for name in names if (output / name).exists()]
        return f"{there[0]} exists, and it is not known how it was made." if there else None
    if made.dataset != asked.dataset:
        return f"the table there was made from data set {made.dataset}; this is {asked.dataset}."
    if made.fingerprint != asked.fingerprint:
        return f"the table there was made from another input named {made.dataset}, or another plan of it."
    if made.parameters != asked.parameters:
        return f"the table there {differing_parameters(made.parameters, asked.parameters)}"
    return None


def refuse_overwriting_by_sequence(files: BatchFiles, asked: TableParameters) -> None:
    """Refuse if a batch's per-sequence table was made with other parameters.

    Raises:
        SettingError: with what the first such table was made with, and what is asked for.
    """
    for batch, made in parameters_by_batch(files).items():
        if made != asked:
            location = files.by_sequence(batch).location
            msg = f"{location} {differing_parameters(made, asked)} Add --force to overwrite it and others like it."
            raise SettingError(msg)


def differing_parameters(made: TableParameters, asked: TableParameters) -> str:
    """Both values of each parameter that differs."""
    before, now = asdict(made), asdict(asked)
    names = [name for name in now if before[name] != now[name]]
    was, wanted = (", ".join(f"{name}={values[name]}" for name in names) for values in (before, now))
    return f"was made with {was}, and {wanted} is asked for."
