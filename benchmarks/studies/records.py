"""Whether registering stays flat in memory however many records there are."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import measure
from benchmarks.page import Section, Table, Target
from benchmarks.studies.bench import Bench
from benchmarks.warm import DATASET

RECORDS = {True: (1_000_000, 100_000_000), False: (100_000, 1_000_000)}
BASES_A_RECORD = 30
ROWS_A_GROUP = 1_000_000


def study(bench: Bench) -> Section:
    """Register few and many short records in a new process, with rows per batch and with batch size auto."""
    folder = bench.scratch / "records"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows, peaks = [], {}
    for records in RECORDS[bench.is_full]:
        path = folder / f"{records}.parquet"
        bench.log(f"making {records:,} records")
        write_short(path, records)
        for batch_size in ("5000", "auto") if records <= 10_000_000 else ("auto",):
            warehouse = folder / f"warehouse-{records}-{batch_size}"
            bench.log(f"registering {records:,} records, batch size {batch_size}")
            found = measure(_ingest(path, warehouse, batch_size), {"DAGSTER_HOME": ""})
            peaks[records] = found.peak_bytes
            megabytes, wall, cpu = found.peak_bytes / 1e6, found.wall_seconds, found.cpu_seconds
            rows.append([f"{records:,}", batch_size, f"{megabytes:,.0f}", f"{wall:,.1f}", f"{cpu:,.1f}"])
        path.unlink()
    few, many = RECORDS[bench.is_full]
    what = f"peak memory for {many:,} records to that for {few:,}"
    return Section(
        "Many records",
        f"`opengenome ingest` of Parquet with records of {BASES_A_RECORD} bases. Beyond 100,000 batches only auto is "
        "possible.",
        [Table(["records", "batch size", "peak MB", "wall s", "CPU s"], rows)],
        targets=[Target(what, 1.2, peaks[many] / peaks[few], at_least=False)],
    )


def _ingest(path: Path, warehouse: Path, batch_size: str) -> list[str]:
    program = str(Path(sys.executable).with_name("opengenome"))
    places = ["--input", str(path), "--dataset", DATASET, "--warehouse", str(warehouse)]
    return [program, "ingest", *places, "--batch-size", batch_size]


def write_short(path: Path, records: int) -> None:
    """Write so many records of ``BASES_A_RECORD`` random bases. The same for the same number."""
    random = np.random.default_rng(1)
    offsets = pa.py_buffer(np.arange(0, BASES_A_RECORD * (ROWS_A_GROUP + 1), BASES_A_RECORD, dtype=np.int64))
    letters = np.frombuffer(b"ACGT", np.uint8)
    with pq.ParquetWriter(path, pa.schema([("sequence", pa.large_string())]), use_dictionary=False) as writer:
        for first in range(0, records, ROWS_A_GROUP):
            rows = min(ROWS_A_GROUP, records - first)
            drawn = pa.py_buffer(letters[random.integers(0, 4, rows * BASES_A_RECORD, dtype=np.uint8)])
            writer.write_table(pa.table({"sequence": pa.LargeStringArray.from_buffers(rows, offsets, drawn)}))
