"""Writes batch files of sequences in one or several concurrent passes over the input.

Memory per pass: one or two chunks of the reader, and at most ``QUEUED_ROW_GROUPS`` + 2 row groups of
``ROW_GROUP_BASES`` bases or one longer record.
"""

import queue
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.census import classes_of
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.batches.planned_rows import (
    Piece,
    PlannedRows,
    RegisteredFile,
    cut_passes,
    planned_rows,
    read_pieces,
    registered_files,
)
from opengenome_assets.batches.rejected import as_rejected, invalid_letter, write_rejected
from opengenome_assets.batches.workers import Threads, Workers
from opengenome_assets.errors import InputChangedError, WarehouseError
from opengenome_assets.inputs.find import place_of
from opengenome_assets.inputs.letters import find_invalid, lengths, masked
from opengenome_assets.metadata.record_classes import RecordClasses
from opengenome_assets.schemas import REJECTED, SEQUENCES
from opengenome_assets.units import number_of

ROW_GROUP_BASES = 16_000_000
ROW_GROUP_ROWS = 65_536
QUEUED_ROW_GROUPS = 3


@dataclass(frozen=True)
class WrittenBatch:
    """One finished batch file, or the error that prevented it.

    Attributes:
        rows: number of rows in the file, without rejected ones.
        bases: number of bases in these rows.
        masked: number of bytes that are not nucleotide letters, which became N.
        seconds: time since the pass finished the batch before, including the time to read.
    """

    batch: str
    rows: int = 0
    bases: int = 0
    rejected: int = 0
    masked: int = 0
    bytes: int = 0
    seconds: float = 0.0
    error: str | None = None
    is_worth_retrying: bool = False


@dataclass(frozen=True)
class Pass:
    """Batches that one worker writes, and what it reads: the files, and where to begin in them."""

    batches: tuple[str, ...]
    inputs: tuple[RegisteredFile, ...]
    planned: PlannedRows


def write_batches(
    files: BatchFiles, batches: list[str], workers: Workers | None = None
) -> Iterator[WrittenBatch]:
    """Write the files of some batches. Yields each batch when it is finished, in any order.

    A batch whose file cannot be written (full disk, missing permission) is yielded with its error, and the pass
    continues.

    Args:
        files: files of the data set.
        batches: keys, ordered by number.
        workers: who reads and writes; threads of this process by default.

    Raises:
        InputChangedError: the input differs from the registered one.
        OpengenomeError: the rest of the input cannot be read. Batches yielded before are kept.
    """
    files.folder.remove_leftovers()
    manifest = files.manifest
    inputs, planned = registered_files(files.folder, manifest), planned_rows(manifest)
    passes = [
        _pass(manifest, inputs, some, planned) for some in cut_passes(inputs, manifest, batches, planned)
    ]
    yield from (workers or Threads()).run("writing", partial(_write_pass, files), passes)


def _pass(
    manifest: Manifest, inputs: Sequence[RegisteredFile], batches: list[str], planned: PlannedRows
) -> Pass:
    """What a worker needs for some batches, and no more."""
    first, end = manifest.plan.range_of(batches[0])[0], manifest.plan.range_of(batches[-1])[1]
    first_row, last_row = planned.row(first), planned.row(end - 1)
    # Files are in the order of their rows, and an input may have many.
    here = inputs[
        bisect_right(inputs, first_row, key=lambda each: each.end_row) : bisect_right(
            inputs, last_row, key=lambda each: each.first_row
        )
    ]
    return Pass(tuple(batches), tuple(each.only_from(first_row) for each in here), planned.only(first, end))


def _write_pass(files: BatchFiles, each: Pass, stopping: threading.Event) -> Iterator[WrittenBatch]:
    ranges = [files.manifest.plan.range_of(batch) for batch in each.batches]
    pieces = _until(stopping, read_pieces(each.inputs, ranges, each.planned))
    classes = classes_of(files.folder, files.manifest.settings).load()
    return _write_in_one_pass(files, each.batches, classes, pieces)


class _StoppedError(Exception):
    """Another pass failed, or the run was interrupted: the unfinished file is discarded."""


def _until(stopping: threading.Event, pieces: Iterator[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        if stopping.is_set():
            raise _StoppedError
        yield piece


def _write_in_one_pass(
    files: BatchFiles,
    batches: Sequence[str],
    classes: RecordClasses,
    pieces: Iterator[Piece],
) -> Iterator[WrittenBatch]:
    began = time.monotonic()
    pending = next(pieces, None)
    for batch in batches:
        end = files.manifest.plan.range_of(batch)[1]

        def of_batch(end: int = end) -> Iterator[Piece]:
            nonlocal pending
            while pending is not None and pending.position < end:
                yield pending
                pending = next(pieces, None)

        writer = _BatchWriter(files, batch, classes)
        try:
            yield writer.write(of_batch(), began)
        except OSError as error:
            message = f"{files.sequences(batch).location}: {error}"
            # An object store may work again soon; a full disk stays full.
            yield WrittenBatch(batch, error=message, is_worth_retrying=isinstance(error, WarehouseError))
            # Skip the remaining rows of the failed batch.
            for _ in of_batch():
                pass
        began = time.monotonic()


@dataclass(frozen=True)
class _BatchWriter:
    files: BatchFiles
    batch: str
    classes: RecordClasses

    def write(self, pieces: Iterator[Piece], began: float) -> WrittenBatch:
        manifest = self.files.manifest
        first, end = manifest.plan.range_of(self.batch)
        sequences = self.files.sequences(self.batch)
        rejected: list[pa.Table] = []
        masks: list[int] = []
        rows = bases = 0
        with sequences.replace() as file:
            with _Encoder(file, sequences.stamped_schema(manifest.provenance())) as encoder:
                for group in row_groups(self._good(pieces, rejected, masks)):
                    encoder.add(group)
                    rows += group.num_rows
                    bases += int(np.sum(group.column("length")))
            set_aside = pa.concat_tables([REJECTED.empty_table(), *rejected])
            found = (rows + set_aside.num_rows, bases + int(np.sum(set_aside["length"])))
            planned = (end - first, manifest.bases_of(self.batch))
            if found != planned:
                msg = (
                    f"{self.batch} of {manifest.dataset}: the input has {number_of(found[0], 'row')} with "
                    f"{number_of(found[1], 'base')}; registered: {number_of(planned[0], 'row')} with {planned[1]:,}. "
                    "Restore the registered input."
                )
                raise InputChangedError(msg)
            size = file.tell()
            # Before the batch file appears, because a batch without its rejected rows would look complete.
            write_rejected(self.files, self.batch, set_aside)
        seconds = time.monotonic() - began
        return WrittenBatch(self.batch, rows, bases, set_aside.num_rows, sum(masks), size, seconds)

    def _good(
        self, pieces: Iterator[Piece], rejected: list[pa.Table], masks: list[int]
    ) -> Iterator[pa.Table]:
        for piece in pieces:
            invalid = find_invalid(piece.records)
            if not invalid:
                yield self._as_sequences(piece.records, piece.rows)
                continue
            if self.files.manifest.settings.on_invalid == "mask":
                records, count = masked(piece.records)
                masks.append(count)
                yield self._as_sequences(records, piece.rows)
                continue
            if self.files.manifest.settings.on_invalid == "fail":
                first = invalid[0].row
                seq_id = piece.records.column("seq_id")[first].as_py()
                raise invalid_letter(
                    place_of(piece.file, piece.records, first), seq_id, int(piece.rows[first]), invalid[0]
                )
            rejected.append(as_rejected(piece.records, piece.rows, invalid))
            good = np.setdiff1d(np.arange(piece.rows.size), [each.row for each in invalid])
            yield self._as_sequences(piece.records.take(pa.array(good)), piece.rows[good])

    def _as_sequences(self, records: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.Table:
        groups, codes = self.classes.of(records)
        columns = [
            pa.array(rows),
            records.column("seq_id"),
            records.column("description"),
            pa.array(lengths(records)),
            records.column("sequence"),
            records.column("source"),
            groups,
            codes,
        ]
        return pa.Table.from_arrays(columns, schema=SEQUENCES)


def row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Divide the rows of a batch into row groups. They depend only on the rows, not on how these were read.

    Args:
        tables: tables of schema ``SEQUENCES``, in order.

    Yields:
        Tables of at most ``ROW_GROUP_BASES`` bases or one longer record, and at most ``ROW_GROUP_ROWS`` rows.
    """
    held: list[pa.Table] = []
    held_rows = held_bases = 0
    for whole in tables:
        table = whole
        while table.num_rows:
            ends = np.cumsum(table["length"].to_numpy())
            fits = int(np.searchsorted(ends, ROW_GROUP_BASES - held_bases, side="right"))
            fits = min(fits, ROW_GROUP_ROWS - held_rows)
            if fits == 0 and not held:
                fits = 1
            if fits:
                held.append(table.slice(0, fits))
                held_rows += fits
                held_bases += int(ends[fits - 1])
                table = table.slice(fits)
            if table.num_rows:
                yield pa.concat_tables(held).combine_chunks()
                held, held_rows, held_bases = [], 0, 0
    if held:
        yield pa.concat_tables(held).combine_chunks()


class _Encoder:
    """Encodes row groups in a separate thread while reading continues (Arrow releases the GIL)."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(
            file,
            schema,
            # Half the processor time of zstd to write, and two thirds to read, for twice the disk (docs/background/speed.md).
            compression="lz4",
            use_dictionary=["source", "group"],
            # Minimum and maximum of whole genomes would fill the footer.
            write_statistics=["row", "length"],
            write_page_checksum=True,
            store_schema=True,
        )
        self._queue: queue.Queue[pa.Table | None] = queue.Queue(QUEUED_ROW_GROUPS)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)

    def __enter__(self) -> "_Encoder":
        self._thread.start()
        return self

    def add(self, group: pa.Table) -> None:
        """Queue a row group; waits while the queue is full."""
        if self._error is not None:
            raise self._error
        self._queue.put(group)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if kind is None and self._error is None:
            self._writer.close()
            return
        with suppress(OSError, pa.ArrowException):
            # Close it here too: the garbage collector would close it later, when the file is closed.
            self._writer.close()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (group := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
                except (OSError, pa.ArrowException) as error:
                    # The pass raises it again. The queue must still be emptied.
                    self._error = error
