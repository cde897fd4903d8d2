"""Reads the planned rows of the registered input, in pieces of one batch each, and divides batches into passes."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest, read_file_list
from opengenome_assets.batches.plan import draw_rows
from opengenome_assets.errors import InputChangedError, OpengenomeError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import InputFile, find_files, hash_file
from opengenome_assets.inputs.records import read_records, starting_rows
from opengenome_assets.units import number_of

# Small batches share a pass, because each pass opens its file again.
PASS_BASES = 128_000_000
# A run starts within seconds, and writes and counts this many in about 20 s on two cores.
RUN_BASES = 4_000_000_000
# Limit of skipped rows before the first row of the next pass, as a fraction of the rows of the pass before.
IN_VAIN = 0.1


@dataclass(frozen=True)
class RegisteredFile:
    """An input file, and its range of rows in the input."""

    file: InputFile
    first_row: int
    end_row: int


@dataclass(frozen=True)
class Piece:
    """Some rows of one batch.

    Attributes:
        position: position of the first row in the plan; without a sample, its row number.
        rows: int64, row numbers in the input.
        records: schema ``RECORDS``, as long as ``rows``.
        file: the file that contains them.
    """

    position: int
    rows: NDArray[np.int64]
    records: pa.RecordBatch
    file: InputFile


def planned_rows(manifest: Manifest) -> NDArray[np.int64] | None:
    """Row numbers of a sample, in the order of the plan; None if the plan contains every row."""
    if manifest.settings.sample is None:
        return None
    return draw_rows(manifest.input_rows, manifest.settings.sample)


def rows_of_batch(manifest: Manifest, batch: str) -> NDArray[np.int64]:
    """Row numbers of one batch in the input.

    Args:
        manifest: manifest of the registered input.
        batch: key of the batch.
    """
    first, end = manifest.plan.range_of(batch)
    drawn = planned_rows(manifest)
    return np.arange(first, end, dtype=np.int64) if drawn is None else drawn[first:end]


def registered_files(folder: DatasetFolder, manifest: Manifest) -> list[RegisteredFile]:
    """The registered input files, verified to be unchanged.

    A file with the registered size and change marker counts as unchanged. If the marker differs, the hash decides.

    Raises:
        InputChangedError: a file is missing or its contents have changed.
    """
    files = []
    row = 0
    remedy = (
        "Restore the registered input, or register this one under another name (OPENGENOME_DATASET=…), or "
        f"remove the old results with rm -r '{folder.root}'."
    )
    if "repository" in manifest.source:
        remedy = f"Materialize {manifest.dataset}/raw_sequences, which fetches it again. {remedy}"
    for registered in read_file_list(folder, manifest):
        try:
            file = find_files(registered["uri"])[0]
        except OpengenomeError as error:
            msg = f"{registered['uri']}: was registered for {manifest.dataset} but is missing now. {remedy}"
            raise InputChangedError(msg) from error
        same = file.size == registered["size"] and (
            file.tag == registered["tag"] or hash_file(file) == registered["sha256"]
        )
        if not same:
            msg = (
                f"{file.uri}: changed since it was registered for {manifest.dataset} "
                f"({registered['size']:,} bytes then, {file.size:,} now). {remedy}"
            )
            raise InputChangedError(msg)
        files.append(RegisteredFile(file, row, row + registered["rows"]))
        row += registered["rows"]
    return files


def read_pieces(
    files: list[RegisteredFile], ranges: list[tuple[int, int]], drawn: NDArray[np.int64] | None
) -> Iterator[Piece]:
    """Read the rows of some ranges of the plan, in order, from the files that contain them.

    Args:
        files: files in the order of the input.
        ranges: ranges of positions in the plan, increasing and disjoint.
        drawn: row numbers by position; None if a position is a row number.

    Raises:
        InputChangedError: the number of records in a file differs from the registered one.
    """
    at = 0
    for each in files:
        at = _skip(ranges, at, _position(each.first_row, drawn))
        if not _reaches(ranges, at, _position(each.end_row, drawn)):
            continue
        row = reading_start(each, row_at(ranges[at][0], drawn))
        for chunk in read_records(each.file, row - each.first_row):
            here, there = _position(row, drawn), _position(row + chunk.num_rows, drawn)
            at = _skip(ranges, at, here)
            number = at
            while _reaches(ranges, number, there):
                first, end = max(here, ranges[number][0]), min(there, ranges[number][1])
                yield _take(chunk, row, first, end, drawn, each.file)
                number += 1
            row += chunk.num_rows
            if not _reaches(ranges, _skip(ranges, at, there), _position(each.end_row, drawn)):
                break
        else:
            if row != each.end_row:
                held, registered = row - each.first_row, each.end_row - each.first_row
                msg = (
                    f"{each.file.uri}: has {number_of(held, 'record')}, but was registered with {registered:,}. "
                    "Restore the registered file."
                )
                raise InputChangedError(msg)


def reading_start(file: RegisteredFile, row: int) -> int:
    """The last row of the input, not after the given row of the file, where reading can begin."""
    if row <= file.first_row:
        return file.first_row
    starts = starting_rows(file.file)
    return file.first_row + starts[bisect_right(starts, row - file.first_row) - 1]


def row_at(position: int, drawn: NDArray[np.int64] | None) -> int:
    """Row number in the input for a position in the plan."""
    return position if drawn is None else int(drawn[position])


def cut_passes(
    files: Sequence[RegisteredFile], manifest: Manifest, batches: list[str], drawn: NDArray[np.int64] | None
) -> list[list[str]]:
    """Divide batches into passes over the input. A new pass begins where reading can start with few skipped rows.

    Args:
        files: the registered input.
        manifest: manifest of the input.
        batches: keys, ordered by number.
        drawn: row numbers of a sample.
    """
    passes: list[list[str]] = []
    bases = rows = 0
    for batch in batches:
        first, end = manifest.plan.range_of(batch)
        if passes and (bases < PASS_BASES or _in_vain(files, row_at(first, drawn)) > IN_VAIN * rows):
            passes[-1].append(batch)
        else:
            passes.append([batch])
            bases = rows = 0
        bases += manifest.bases_of(batch)
        rows += end - first
    return passes


def cut_runs(files: BatchFiles, batches: list[str]) -> list[list[str]]:
    """Divide batches into runs whose sequences are on disk at the same time, if they are removed after each run.

    A run ends after ``RUN_BASES``, where reading can start again at little cost: between files, or anywhere in Parquet.

    Args:
        files: files of the data set.
        batches: keys, ordered by number.

    Raises:
        InputChangedError: a file is missing or its contents have changed.
    """
    manifest = files.manifest
    inputs = registered_files(files.folder, manifest)
    runs: list[list[str]] = []
    bases = 0
    for batches_of_pass in cut_passes(inputs, manifest, batches, planned_rows(manifest)):
        if not runs or bases >= RUN_BASES:
            runs.append([])
            bases = 0
        runs[-1] += batches_of_pass
        bases += sum(map(manifest.bases_of, batches_of_pass))
    return runs


def _in_vain(files: Sequence[RegisteredFile], row: int) -> int:
    """Number of rows that must be skipped to read a row."""
    file = next(each for each in files if each.first_row <= row < each.end_row)
    return row - reading_start(file, row)


def _position(row: int, drawn: NDArray[np.int64] | None) -> int:
    """Position in the plan of the first planned row at or after ``row``."""
    return row if drawn is None else int(np.searchsorted(drawn, row))


def _skip(ranges: list[tuple[int, int]], at: int, position: int) -> int:
    """Index of the first range that ends after a position."""
    while at < len(ranges) and ranges[at][1] <= position:
        at += 1
    return at


def _reaches(ranges: list[tuple[int, int]], at: int, end: int) -> bool:
    """Whether a range begins before a position."""
    return at < len(ranges) and ranges[at][0] < end


def _take(
    chunk: pa.RecordBatch,
    row: int,
    first: int,
    end: int,
    drawn: NDArray[np.int64] | None,
    file: InputFile,
) -> Piece:
    if drawn is None:
        # A slice shares the chunk's memory. Drawn rows must be copied.
        records = chunk.slice(first - row, end - first)
        return Piece(first, np.arange(first, end, dtype=np.int64), records, file)
    rows = drawn[first:end]
    return Piece(first, rows, chunk.take(pa.array(rows - row)), file)
