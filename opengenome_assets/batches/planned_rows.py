"""Reads the planned rows of the registered input, in pieces of one batch each, and divides batches into passes."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest, read_file_list, removal_command
from opengenome_assets.batches.plan import draw_rows
from opengenome_assets.errors import InputChangedError, OpengenomeError
from opengenome_assets.files.split_files import whole_of
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import InputFile, find_files, hash_file
from opengenome_assets.inputs.records import PART_BYTES, read_records, starting_rows
from opengenome_assets.units import number_of

# Small batches share a pass, because each pass opens its file again.
PASS_BASES = 128_000_000
# A run starts within seconds, and writes and counts this many in about 20 s on two cores.
RUN_BASES = 4_000_000_000
# Limit of skipped rows before the first row of the next pass, as a fraction of the rows of the pass before.
IN_VAIN = 0.1


@dataclass(frozen=True)
class RegisteredFile:
    """An input file, and its range of rows in the input.

    Attributes:
        file: the file.
        first_row: number of its first row in the input.
        end_row: number after its last row.
        starts: (row in the input, place in the file) where reading can begin, increasing.
    """

    file: InputFile
    first_row: int
    end_row: int
    starts: tuple[tuple[int, int], ...]

    def start(self, row: int) -> tuple[int, int]:
        """The last start that is not after a row of the file."""
        return self.starts[bisect_right(self.starts, row, key=lambda start: start[0]) - 1]

    def only_from(self, row: int) -> "RegisteredFile":
        """The file with the one start for a row, for a task."""
        return replace(self, starts=(self.start(max(row, self.first_row)),))


@dataclass(frozen=True)
class PlannedRows:
    """Row numbers by position in the plan, for some positions.

    Attributes:
        first: position of the first one.
        drawn: row numbers of a sample, from that position on; None if the plan contains every row.
    """

    first: int = 0
    drawn: NDArray[np.int64] | None = None

    def row(self, position: int) -> int:
        """Row number in the input for a position."""
        return position if self.drawn is None else int(self.drawn[position - self.first])

    def rows(self, first: int, end: int) -> NDArray[np.int64]:
        """Row numbers of a range of positions."""
        if self.drawn is None:
            return np.arange(first, end, dtype=np.int64)
        return self.drawn[first - self.first : end - self.first]

    def position(self, row: int) -> int:
        """Position of the first planned row at or after a row."""
        return row if self.drawn is None else self.first + int(np.searchsorted(self.drawn, row))

    def only(self, first: int, end: int) -> "PlannedRows":
        """The row numbers of a range of positions, for a task."""
        return PlannedRows(first, None if self.drawn is None else self.rows(first, end))


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


def planned_rows(manifest: Manifest) -> PlannedRows:
    """Row numbers of a plan."""
    sample = manifest.settings.sample
    return PlannedRows(drawn=None if sample is None else draw_rows(manifest.input_rows, sample))


def rows_of_batch(manifest: Manifest, batch: str) -> NDArray[np.int64]:
    """Row numbers of one batch in the input.

    Args:
        manifest: manifest of the registered input.
        batch: key of the batch.
    """
    return planned_rows(manifest).rows(*manifest.plan.range_of(batch))


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
        f"remove the old results ({removal_command(folder)})."
    )
    if "repository" in manifest.source:
        remedy = f"Materialize {manifest.dataset}/raw_sequences, which fetches it again. {remedy}"
    for registered in read_file_list(folder, manifest):
        try:
            file = replace(find_files(registered["uri"])[0], column=manifest.settings.column)
        except OpengenomeError as error:
            # Of a split file, which part.
            part = (
                f" ({str(error).split('. ')[0]})" if whole_of(registered["uri"]) != registered["uri"] else ""
            )
            msg = f"{registered['uri']}: was registered for {manifest.dataset} but is missing now{part}. {remedy}"
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
        files.append(RegisteredFile(file, row, row + registered["rows"], _starts(file, row, registered)))
        row += registered["rows"]
    return files


def _starts(file: InputFile, first_row: int, registered: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    # In Parquet a place is a row. A large file has more row groups than parts.
    if file.format == "parquet" and file.size > PART_BYTES:
        starts = [{"row": row, "place": row} for row in starting_rows(file)[:-1]]
    else:
        # Lists of older versions have none.
        starts = registered.get("starts") or [{"row": 0, "place": 0}]
    return tuple((first_row + start["row"], start["place"]) for start in starts)


def read_pieces(
    files: Sequence[RegisteredFile], ranges: list[tuple[int, int]], planned: PlannedRows
) -> Iterator[Piece]:
    """Read the rows of some ranges of the plan, in order, from the files that contain them.

    Args:
        files: files in the order of the input.
        ranges: ranges of positions in the plan, increasing and disjoint.
        planned: row numbers of these positions.

    Raises:
        InputChangedError: the number of records in a file differs from the registered one.
    """
    at = 0
    for each in files:
        end_of_file = planned.position(each.end_row)
        at = _skip(ranges, at, planned.position(each.first_row))
        if not _reaches(ranges, at, end_of_file):
            continue
        row, place = each.start(max(planned.row(ranges[at][0]), each.first_row))
        for chunk in read_records(each.file, place):
            here, there = planned.position(row), planned.position(row + chunk.num_rows)
            at = _skip(ranges, at, here)
            number = at
            while _reaches(ranges, number, there):
                first, end = max(here, ranges[number][0]), min(there, ranges[number][1])
                yield _take(chunk, row, first, end, planned, each.file)
                number += 1
            row += chunk.num_rows
            if not _reaches(ranges, _skip(ranges, at, there), end_of_file):
                break
        else:
            if row != each.end_row:
                held, registered = row - each.first_row, each.end_row - each.first_row
                msg = (
                    f"{each.file.uri}: has {number_of(held, 'record')}, but was registered with {registered:,}. "
                    "Restore the registered file."
                )
                raise InputChangedError(msg)


def cut_passes(
    files: Sequence[RegisteredFile], manifest: Manifest, batches: list[str], planned: PlannedRows
) -> list[list[str]]:
    """Divide batches into passes over the input. A new pass begins where reading can start with few skipped rows.

    Args:
        files: the registered input.
        manifest: manifest of the input.
        batches: keys, ordered by number.
        planned: row numbers of the plan.
    """
    passes: list[list[str]] = []
    bases = rows = 0
    for batch in batches:
        first, end = manifest.plan.range_of(batch)
        if passes and (bases < PASS_BASES or _in_vain(files, planned.row(first)) > IN_VAIN * rows):
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
    # Files without rows end where the next one begins.
    file = files[bisect_right(files, row, key=lambda each: each.end_row)]
    return row - file.start(row)[0]


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
    planned: PlannedRows,
    file: InputFile,
) -> Piece:
    rows = planned.rows(first, end)
    if planned.drawn is None:
        # A slice shares the chunk's memory. Drawn rows must be copied.
        records = chunk.slice(first - row, end - first)
        return Piece(first, rows, records, file)
    return Piece(first, rows, chunk.take(pa.array(rows - row)), file)
