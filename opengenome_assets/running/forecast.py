"""Says what a run will take: batches, disk, memory and time. Registers nothing, and writes only to a temporary folder.

A few megabytes of the input are read, registered, written, checked and counted by the functions of a real run.
"""

import math
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.batches.plan import AUTO_BATCH_BASES
from opengenome_assets.batches.planned_rows import RUN_BASES
from opengenome_assets.batches.register import find_input, register
from opengenome_assets.batches.workers import THREAD_BYTES, cores, threads_at_once
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks.batch import check_sequences
from opengenome_assets.counts.count_files import unfinished_batches, write_counts
from opengenome_assets.counts.count_row_groups import WorkItem, count_work_item
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.errors import EmptyPlanError, SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.sample import Sample, take_sample
from opengenome_assets.settings import DEFAULT_BATCH_SIZE, Settings

# Spark and Dagster, before the first batch and after the last.
START_SECONDS = 20.0
# Of docs/background/scale.md: Dagster's own time and records per batch, and memory limits of processes.
BATCH_SECONDS = 0.3
_BATCH_RECORD_BYTES = 167_000
_DRIVER_BYTES = 300_000_000
_JVM_BYTES = 700_000_000
_WORKER_BYTES = 260_000_000
# Of a record in lengths/: its hash and its id.
_KEPT_BYTES = 100


@dataclass(frozen=True)
class Forecast:
    """What a run will take. The amounts of an input are exact if it is registered, or was read whole.

    Attributes:
        dataset: key of the data set.
        is_registered: rows, bases and batches are those of the manifest.
        is_exact: rows and bases were counted, not estimated.
        files: number of input files.
        stored_bytes: their size as stored; None if a server does not report it.
        rows: records of the plan.
        bases: their bases.
        batches: number of batches.
        batches_to_write: batches whose sequences must still be written.
        batches_to_count: batches that must still be counted.
        disk_needed: bytes that the run adds to the warehouse, at most.
        disk_free: bytes free where the warehouse is; None for an object store.
        memory: bytes of all processes, about, for records of up to 16 Mbp.
        seconds: expected duration on this machine.
    """

    dataset: str
    is_registered: bool
    is_exact: bool
    files: int
    stored_bytes: int | None
    rows: int
    bases: int
    batches: int
    batches_to_write: int
    batches_to_count: int
    disk_needed: int
    disk_free: int | None
    memory: int
    seconds: float

    @property
    def is_too_large(self) -> bool:
        """Whether the disk is known to have too little space."""
        return self.disk_free is not None and self.disk_free < self.disk_needed


@dataclass(frozen=True)
class _Costs:
    """Of one base: seconds of each stage on one core or pass, and bytes on disk; and bytes of a file of counts."""

    register: float
    write: float
    # Cores that one pass of writing keeps busy.
    busy: float
    check: float
    count: float
    bytes_written: float
    bytes_of_counts: int


@dataclass(frozen=True)
class _Amounts:
    """Of a plan, and of what is left to do."""

    rows: int
    bases: int
    batches: int
    to_write: int
    bases_to_write: int
    to_count: int
    bases_to_count: int


def forecast(dataset: Dataset) -> Forecast:
    """Say what registering and counting a data set will take, or what is left of it.

    Raises:
        SettingError: the input is fetched or made only when the data set is registered.
        OpengenomeError: the input cannot be found or read.
    """
    manifest = find_manifest(dataset.folder)
    if manifest is None and not dataset.locations:
        msg = (
            f"{dataset.key}: its input is fetched or made when it is registered, so nothing is known of it yet. Run "
            f"opengenome ingest --dataset {dataset.name} first, or give OPENGENOME_INPUT."
        )
        raise SettingError(msg)
    # Of a registered data set, the registered files, whatever input the command names.
    source = replace(dataset, locations=(), entry=None) if manifest else dataset
    files = find_input(source, lambda _: None)
    with tempfile.TemporaryDirectory(prefix="opengenome-plan-") as place:
        sample = take_sample(files, Path(place))
        if sample.rows == 0:
            msg = f"{dataset.key}: the input has no records. Set another input with OPENGENOME_INPUT."
            raise EmptyPlanError(msg)
        costs = _measure(sample, Path(place))
    amounts = _left(BatchFiles(dataset.folder, manifest)) if manifest else _planned(dataset, sample)
    sizes = [file.size for file in files]
    return Forecast(
        dataset=dataset.key,
        is_registered=manifest is not None,
        is_exact=manifest is not None or sample.is_exact,
        files=len(files),
        stored_bytes=sum(sizes) if min(sizes) >= 0 else None,
        rows=amounts.rows,
        bases=amounts.bases,
        batches=amounts.batches,
        batches_to_write=amounts.to_write,
        batches_to_count=amounts.to_count,
        disk_needed=_disk(dataset, files, amounts, costs),
        disk_free=_free(dataset.folder),
        memory=_memory(),
        seconds=_seconds(files, amounts, costs, sample, is_registered=manifest is not None),
    )


def _left(files: BatchFiles) -> _Amounts:
    """The plan of a registered data set, and what is left of it."""
    manifest = files.manifest
    to_count = list(unfinished_batches(files))
    to_write = [batch for batch in to_count if not files.sequences(batch).is_planned()]
    return _Amounts(
        rows=manifest.rows,
        bases=manifest.bases,
        batches=len(files.batches),
        to_write=len(to_write),
        bases_to_write=sum(map(manifest.bases_of, to_write)),
        to_count=len(to_count),
        bases_to_count=sum(map(manifest.bases_of, to_count)),
    )


def _planned(dataset: Dataset, sample: Sample) -> _Amounts:
    """What a plan of the input would be. All of it is left to do."""
    asked = dataset.asked
    rows = sample.rows if asked.sample is None else min(asked.sample, sample.rows)
    bases = round(sample.bases * rows / max(sample.rows, 1))
    size = asked.batch_size or DEFAULT_BATCH_SIZE
    batches = max(math.ceil(bases / AUTO_BATCH_BASES if size == "auto" else rows / size), 1)
    batches = min(batches, rows)
    return _Amounts(rows, bases, batches, batches, bases, batches, bases)


def _measure(sample: Sample, folder: Path) -> _Costs:
    """Register, write, check and count a sample in a temporary warehouse, after a tiny one that loads the code."""
    tiny = folder / "tiny.fa"
    tiny.write_text(">tiny\nACGTACGTNN\n")
    _measure_once(tiny, folder / "first")
    return _measure_once(sample.path, folder / "second", sample.column)


def _measure_once(sample: Path, warehouse: Path, column: str | None = None) -> _Costs:
    settings = Settings(
        input=(str(sample),),
        column=column,
        dataset=("sample",),
        warehouse=str(warehouse),
        batch_size="auto",
        # Otherwise the error would name the sample.
        on_invalid="skip",
    )
    (dataset,) = resolve_datasets(settings)
    moments = [time.monotonic()]
    manifest = register(dataset, lambda _: None).manifest
    moments.append(time.monotonic())
    files = BatchFiles(dataset.folder, manifest)
    processor = time.process_time()
    written = list(write_batches(files, files.batches))
    moments.append(time.monotonic())
    busy = (time.process_time() - processor) / max(moments[2] - moments[1], 1e-9)
    for batch in files.batches:
        check_sequences(files, batch)
    moments.append(time.monotonic())
    for batch in files.batches:
        sequences = files.sequences(batch)
        with sequences.open() as file:
            groups = file.metadata.num_row_groups
        write_counts(files, batch, count_work_item(WorkItem(sequences, "count", 0, groups)).counts.table())
    moments.append(time.monotonic())
    register_s, write_s, check_s, count_s = (
        (after - before) / max(manifest.bases, 1) for before, after in pairwise(moments)
    )
    size = sum(done.bytes for done in written) / max(manifest.bases, 1)
    of_counts = Path(files.counts(files.batches[-1]).location).stat().st_size
    return _Costs(register_s, write_s, max(busy, 1.0), check_s, count_s, size, of_counts)


def _disk(dataset: Dataset, files: Sequence[InputFile], amounts: _Amounts, costs: _Costs) -> int:
    """Bytes that the run adds, at most."""
    at_once = amounts.bases_to_write
    kept = 0
    asked = dataset.asked
    if not asked.keep_sequences and not asked.by_sequence:
        # A run cannot stop inside of a file other than Parquet.
        is_cut = files[0].format == "parquet"
        largest = 0 if is_cut else max(file.size for file in files) / max(sum(file.size for file in files), 1)
        at_once = min(at_once, max(RUN_BASES, round(amounts.bases * largest)))
        kept = amounts.rows * _KEPT_BYTES
    of_batches = amounts.to_count * (costs.bytes_of_counts + _BATCH_RECORD_BYTES)
    return round(at_once * costs.bytes_written) + of_batches + kept


def _free(folder: DatasetFolder) -> int | None:
    """Free bytes where a local warehouse is, or will be."""
    if not folder.is_local:
        return None
    place = Path(folder.root)
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _memory() -> int:
    return _DRIVER_BYTES + _JVM_BYTES + cores() * _WORKER_BYTES + threads_at_once() * THREAD_BYTES


def _seconds(
    files: Sequence[InputFile], amounts: _Amounts, costs: _Costs, sample: Sample, *, is_registered: bool
) -> float:
    # A pass can start at each file, and almost anywhere in Parquet.
    starts = amounts.to_write if files[0].format == "parquet" else len(files)
    passes = max(min(threads_at_once(), starts, cores() / costs.busy), 1)
    registering = 0 if is_registered else max(costs.register, sample.seconds_per_base) * sample.bases
    writing = max(costs.write, sample.seconds_per_base) / passes + costs.check / threads_at_once()
    counting = costs.count / cores()
    return (
        START_SECONDS
        + amounts.to_count * BATCH_SECONDS
        + registering
        + amounts.bases_to_write * writing
        + amounts.bases_to_count * counting
    )
