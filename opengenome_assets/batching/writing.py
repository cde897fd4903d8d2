"""Writing batch files of sequences: all batches of a run in one pass over the input.

Memory: the pass holds a chunk or two of the reader's and at most ``QUEUED_ROW_GROUPS`` + 2 row groups, each of
at most ``ROW_GROUP_BASES`` bases or one longer record.
"""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.batching.manifest import Manifest, read_file_list
from opengenome_assets.batching.registering import read_checked
from opengenome_assets.errors import InputChangedError, OpengenomeError
from opengenome_assets.reading.letters import lengths
from opengenome_assets.reading.locate import InputFile, find_files, hash_file
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.storage.stamps import stamped
from opengenome_assets.storage.warehouse import DatasetFolder, sequences_path

ROW_GROUP_BASES = 16_000_000
ROW_GROUP_ROWS = 65_536
QUEUED_ROW_GROUPS = 3


@dataclass(frozen=True)
class WrittenBatch:
    """One finished batch file, or what kept it from being written."""

    batch: str
    rows: int = 0
    bases: int = 0
    bytes: int = 0
    seconds: float = 0.0
    error: str | None = None


def write_batches(folder: DatasetFolder, manifest: Manifest, batches: list[str]) -> Iterator[WrittenBatch]:
    """Write the batch files of some batches, in order, yielding each as it is finished.

    A batch whose file cannot be written (a full disk, a folder without permission) is yielded with its error,
    and the pass goes on.

    Args:
        folder: where they go.
        manifest: of the registered input.
        batches: keys, in order of their numbers.

    Raises:
        InputChangedError: the input is not the registered one.
        OpengenomeError: the input cannot be read any further; batches yielded before stay.
    """
    files = registered_files(folder, manifest)
    ranges = [manifest.plan.range_of(batch) for batch in batches]
    slices = _slices(files, ranges)
    pending = next(slices, None)
    for batch, (_, end) in zip(batches, ranges, strict=True):
        began = time.monotonic()

        def of_batch(end: int = end) -> Iterator[pa.RecordBatch]:
            nonlocal pending
            while pending is not None and pending[0] < end:
                yield pending[1]
                pending = next(slices, None)

        try:
            yield _write_batch(folder, manifest, batch, of_batch(), began)
        except OSError as error:
            yield WrittenBatch(batch, error=f"{folder.location(sequences_path(batch))}: {error}")
            # What the failed file did not take must not reach the next one.
            for _ in of_batch():
                pass


def registered_files(folder: DatasetFolder, manifest: Manifest) -> list[tuple[InputFile, int, int]]:
    """The registered input files with the range of rows that each holds, verified to be unchanged.

    A file of the registered size and change marker is taken for the registered one; where the marker differs,
    its hash decides.

    Raises:
        InputChangedError: a file is gone or has other contents.
    """
    files = []
    row = 0
    for registered in read_file_list(folder, manifest):
        mend = (
            f"Bring the registered input back, or register this one under another name (OPENGENOME_DATASET=…), or "
            f"remove the old results with rm -r '{folder.root}'."
        )
        try:
            file = find_files(registered["uri"])[0]
        except OpengenomeError as error:
            msg = f"{registered['uri']}: was registered for {manifest.dataset} and is not there now. {mend}"
            raise InputChangedError(msg) from error
        same = file.size == registered["size"] and (
            file.tag == registered["tag"] or hash_file(file) == registered["sha256"]
        )
        if not same:
            msg = (
                f"{file.uri}: changed since it was registered for {manifest.dataset} "
                f"({registered['size']:,} bytes then, {file.size:,} now). {mend}"
            )
            raise InputChangedError(msg)
        files.append((file, row, row + registered["rows"]))
        row += registered["rows"]
    return files


def _slices(
    files: list[tuple[InputFile, int, int]], ranges: list[tuple[int, int]]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Pieces of the input's chunks, each with its first row's number, none reaching over a batch's boundary."""
    wanted = iter(ranges)
    current = next(wanted, None)
    for file, file_first, file_end in files:
        row = file_first
        if current is None or file_end <= current[0]:
            continue
        for chunk in read_checked(file, file_first):
            chunk_end = row + chunk.num_rows
            while current is not None and current[0] < chunk_end:
                first, end = max(current[0], row), min(current[1], chunk_end)
                if end > first:
                    yield first, chunk.slice(first - row, end - first)
                if current[1] > chunk_end:
                    break
                current = next(wanted, None)
            row = chunk_end
            if current is None:
                return
        if row != file_end:
            msg = (
                f"{file.uri}: holds {row - file_first:,} records; {file_end - file_first:,} were registered."
            )
            raise InputChangedError(msg)


def _write_batch(
    folder: DatasetFolder,
    manifest: Manifest,
    batch: str,
    pieces: Iterator[pa.RecordBatch],
    began: float,
) -> WrittenBatch:
    first, end = manifest.plan.range_of(batch)
    expected = (end - first, manifest.bases_of(batch))
    schema = stamped(SEQUENCES, manifest.stamp(batch), manifest.provenance())
    rows = bases = 0
    with folder.replace(sequences_path(batch)) as file:
        with _Encoder(file, schema) as encoder:
            for group in _row_groups(pieces, first):
                encoder.add(group)
                rows += group.num_rows
                bases += int(np.sum(group.column("length")))
        if (rows, bases) != expected:
            msg = (
                f"{batch} of {manifest.dataset}: the input gave {rows:,} rows with {bases:,} bases; "
                f"{expected[0]:,} rows with {expected[1]:,} were registered. Bring the registered input back."
            )
            raise InputChangedError(msg)
        size = file.tell()
    return WrittenBatch(batch, rows, bases, size, time.monotonic() - began)


def _row_groups(pieces: Iterator[pa.RecordBatch], first_row: int) -> Iterator[pa.Table]:
    """Cut a batch's rows into row groups that depend on the rows alone, not on how they were read."""
    row = first_row
    held: list[pa.RecordBatch] = []
    held_rows = held_bases = 0
    for whole in pieces:
        piece = whole
        while piece.num_rows:
            ends = np.cumsum(lengths(piece))
            fits = int(np.searchsorted(ends, ROW_GROUP_BASES - held_bases, side="right"))
            fits = min(fits, ROW_GROUP_ROWS - held_rows)
            if fits == 0 and not held:
                fits = 1
            if fits:
                held.append(piece.slice(0, fits))
                held_rows += fits
                held_bases += int(ends[fits - 1])
                piece = piece.slice(fits)
            if piece.num_rows:
                yield _as_sequences(held, row)
                row += held_rows
                held, held_rows, held_bases = [], 0, 0
    if held:
        yield _as_sequences(held, row)


def _as_sequences(pieces: list[pa.RecordBatch], first_row: int) -> pa.Table:
    records = pa.Table.from_batches(pieces)
    count = records.num_rows
    bases = np.concatenate([lengths(piece) for piece in pieces])
    return pa.table(
        {
            "row": pa.array(np.arange(first_row, first_row + count, dtype=np.int64)),
            "seq_id": records["seq_id"],
            "description": records["description"],
            "length": pa.array(bases),
            "sequence": records["sequence"],
            "source": records["source"],
            "group": pa.array(["all"] * count),
            "genetic_code": pa.nulls(count, pa.int32()),
        },
        schema=SEQUENCES,
    )


class _Encoder:
    """Encodes row groups in a thread of its own, so that reading goes on meanwhile (Arrow frees the GIL)."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["source", "group"],
            # The smallest and largest of whole genomes would fill the footer.
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
            # Closed all the same: left to the garbage collector it would write to a closed file.
            self._writer.close()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (group := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
                except (OSError, pa.ArrowException) as error:
                    # Raised again in the pass; what is queued still has to be taken.
                    self._error = error
