"""Loads the tables of a data set besides the frequency table: counts, per-sequence rows, the report's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.counts.count_files import read_counts
from opengenome_assets.datasets.catalogue import unknown_dataset
from opengenome_assets.errors import (
    BatchFileError,
    InputFormatError,
    InputNotFoundError,
    SettingError,
    first_line,
)
from opengenome_assets.files.warehouse import REPORT, DatasetFolder
from opengenome_assets.schemas import (
    CODON_COUNTS,
    CODON_EXPECTATIONS,
    CODON_MEASURES,
    CODON_READINGS,
    CODON_USAGE_BY_SEQUENCE,
    SEQUENCES,
    SIX_FRAMES,
)
from opengenome_assets.settings import OF_SEQUENCES
from opengenome_assets.tables.text import unescaped
from opengenome_assets.units import number_of

REPORT_TABLES: Mapping[str, pa.Schema] = {
    "measures": CODON_MEASURES,
    "readings": CODON_READINGS,
    "expectations": CODON_EXPECTATIONS,
    "six_frames": SIX_FRAMES,
}


def batch_keys(dataset: str, warehouse: str) -> list[str]:
    """Keys of the batches of a data set, in order; none before it is registered."""
    manifest = find_manifest(DatasetFolder(warehouse, dataset))
    return manifest.plan.keys if manifest else []


def load_sequences(dataset: str, batch: str, warehouse: str, columns: Sequence[str] | None) -> pa.Table:
    """Read the sequences of a batch.

    Returns:
        Columns of schema ``SEQUENCES``; all of them by default.

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such batch or column.
        BatchFileError: the batch is not written, or does not belong to the plan.
    """
    files = _files(dataset, warehouse)
    _check_columns(columns, SEQUENCES, "sequences")
    return files.sequences(_known(files, batch)).read_whole(columns)


def load_counts(dataset: str, warehouse: str, batch: str | None = None) -> pa.Table:
    """Add up the counts of all batches, or of one: all frames of both strands, by group and genetic code.

    Returns:
        Schema ``CODON_COUNTS``, ordered by its columns.

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such batch.
        BatchFileError: batches are not counted, or do not belong to the plan.
    """
    files = _files(dataset, warehouse)
    keys = [name for name in CODON_COUNTS.names if name != "count"]
    summed = CODON_COUNTS.empty_table()
    for counts in read_counts(files) if batch is None else files.counts(_known(files, batch)).read():
        both = pa.concat_tables([summed, counts.replace_schema_metadata(None)])
        added = both.group_by(keys, use_threads=False).aggregate([("count", "sum")])
        summed = added.rename_columns([*keys, "count"]).select(CODON_COUNTS.names).cast(CODON_COUNTS)
    return summed.sort_by([(name, "ascending") for name in keys])


def load_by_sequence(
    dataset: str, warehouse: str, columns: Sequence[str] | None, parameters: Mapping[str, Any]
) -> pa.Table:
    """Read the per-sequence tables of all batches, in the order of the input.

    Args:
        dataset: name of a data set.
        warehouse: where it is.
        columns: names of columns; all of them by default.
        parameters: those of ``OF_SEQUENCES`` that are not the data set's own.

    Returns:
        The columns of schema ``CODON_USAGE_BY_SEQUENCE``.

    Raises:
        InputNotFoundError: no data set of this name is registered.
        SettingError: there is no such column, or a parameter is not allowed.
        TypeError: there is no such parameter.
        BatchFileError: tables are missing or do not belong to the plan.
    """
    _check_columns(columns, CODON_USAGE_BY_SEQUENCE, "the per-sequence table")
    files = find_by_sequence(dataset, warehouse, parameters)
    return pa.concat_tables([files.by_sequence(batch).read_whole(columns) for batch in files.batches])


def find_by_sequence(dataset: str, warehouse: str, parameters: Mapping[str, Any]) -> BatchFiles:
    """The files of the per-sequence tables, which are all there; with arguments and errors of ``load_by_sequence``."""
    files = _files(dataset, warehouse)
    own = files.manifest.table
    other = [name for name in parameters if name not in OF_SEQUENCES]
    if other:
        msg = f"load_codon_usage_by_sequence() has no argument {other[0]!r}. Parameters: {', '.join(OF_SEQUENCES)}."
        raise TypeError(msg)
    files = files.of_table(replace(own, **parameters).of_sequences(own))
    missing = [batch for batch in files.batches if not files.by_sequence(batch).exists()]
    if missing:
        raise BatchFileError(
            f"{dataset}: {number_of(len(missing), 'batch')} without a per-sequence table with these parameters, first "
            f"{missing[0]}. Make them with by_sequence=True (opengenome analyze codon --by-sequence)."
        )
    return files


def load_report_table(dataset: str, warehouse: str, name: str) -> pa.Table:
    """Read one of the report's own tables.

    Args:
        dataset: name of a data set, or the path of a folder with a table and its report.
        warehouse: where the data set is.
        name: one of ``REPORT_TABLES``.

    Raises:
        SettingError: there is no table of this name.
        InputNotFoundError: there is no report.
        InputFormatError: the file was changed.
    """
    if name not in REPORT_TABLES:
        msg = f"name: the report has no table {name!r}. There are: {', '.join(REPORT_TABLES)}."
        raise SettingError(msg)
    schema = REPORT_TABLES[name]
    parent, _, last = dataset.rstrip("/").rpartition("/")
    folder = DatasetFolder(parent, last) if "/" in dataset else DatasetFolder(warehouse, dataset)
    path = f"{REPORT}/{name}.tsv"
    try:
        with folder.open(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        msg = f"{folder.location(path)}: there is no such file. Make it with opengenome analyze codon."
        raise InputNotFoundError(msg) from error
    try:
        table = pv.read_csv(
            pa.BufferReader(content),
            parse_options=pv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=pv.ConvertOptions(
                column_types=schema, include_columns=schema.names, null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, KeyError) as error:
        msg = f"{folder.location(path)}: cannot be read ({first_line(error)}). Make it again with opengenome analyze codon."
        raise InputFormatError(msg) from error
    columns = dict(zip(schema.names, table.columns, strict=True))
    # Other texts, such as codons, contain nothing that is escaped.
    columns["group"] = pa.array([unescaped(name) for name in table["group"].to_pylist()], pa.string())
    return pa.table(columns, schema=schema)


def _check_columns(columns: Sequence[str] | None, schema: pa.Schema, of_what: str) -> None:
    unknown = [name for name in columns or () if name not in schema.names]
    if unknown:
        msg = f"columns: {unknown[0]!r} is no column of {of_what}. There are: {', '.join(schema.names)}."
        raise SettingError(msg)


def _known(files: BatchFiles, batch: str) -> str:
    """The key of a batch, if the plan has it."""
    keys = files.batches
    if batch not in keys:
        msg = f"batch: {batch!r} is not a batch of {files.folder.dataset}. It has {keys[0]} to {keys[-1]}."
        raise SettingError(msg)
    return batch


def _files(dataset: str, warehouse: str) -> BatchFiles:
    folder = DatasetFolder(warehouse, dataset)
    # A data set's name has no slash.
    manifest = None if "/" in dataset else find_manifest(folder)
    if manifest is None:
        raise InputNotFoundError(unknown_dataset(dataset, warehouse))
    return BatchFiles(folder, manifest)
