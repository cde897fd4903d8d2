"""Which compression the batch files should have: size, writing and reading, over the row groups as they are."""

import io
import time
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Spread
from benchmarks.page import Section, Table, spread_text
from benchmarks.studies.bench import Bench
from opengenome_assets.batches.write import row_groups
from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import read_records
from opengenome_assets.schemas import SEQUENCES

CODECS: dict[str, tuple[str, int | None]] = {
    "zstd 1": ("zstd", 1),
    "zstd 3": ("zstd", 3),
    "lz4": ("lz4", None),
    "snappy": ("snappy", None),
    "none": ("none", None),
}
# Enough for steady figures, and few enough to stay in memory.
ROW_GROUPS = 12


def study(bench: Bench) -> Section:
    """Write and read the same row groups in each codec, in turn."""
    sources = {"made-up organelles": str(bench.genomes(bench.size, "parquet")["parquet"])}
    if bench.own is not None:
        sources["own genomes"] = bench.own
    tables = [_table(bench, name, location) for name, location in sources.items()]
    return Section(
        "Compression of batch files",
        "One thread; MB are of bases. Reading is of the column of letters alone, into Arrow, checksums verified.",
        tables,
    )


def _table(bench: Bench, name: str, location: str) -> Table:
    groups = list(islice(row_groups(_sequences(location)), ROW_GROUPS))
    bases = sum(int(np.sum(group["length"])) for group in groups)
    sizes: dict[str, int] = {}
    writing: dict[str, list[float]] = {codec: [] for codec in CODECS}
    reading: dict[str, list[float]] = {codec: [] for codec in CODECS}
    for number in range(1, bench.rounds + 1):
        for codec in CODECS:
            file = io.BytesIO()
            writing[codec].append(_seconds(lambda c=codec, f=file: _write(groups, c, f)))
            sizes[codec] = file.tell()
            reading[codec].append(_seconds(lambda f=file: _read(f)))
        bench.log(f"round {number}/{bench.rounds} · compression of {name}")
    rows = [
        [
            codec,
            f"{sizes[codec] / bases:.3f}",
            spread_text(Spread.of(bases / 1e6 / each for each in writing[codec]), 0),
            spread_text(Spread.of(bases / 1e6 / each for each in reading[codec]), 0),
        ]
        for codec in CODECS
    ]
    return Table([f"{name}, {bases / 1e6:,.0f} MB", "size to bases", "write MB/s", "read MB/s"], rows)


def _sequences(location: str) -> Iterator[pa.Table]:
    for file in find_files(location):
        for chunk in read_records(file):
            size = chunk.num_rows
            columns = {
                "row": pa.array(np.arange(size)),
                "length": pa.array(lengths(chunk)),
                "group": pa.repeat(pa.scalar("all"), size),
                "genetic_code": pa.nulls(size, pa.int32()),
            }
            columns |= {column: chunk[column] for column in chunk.schema.names}
            yield pa.table(columns).select(SEQUENCES.names).cast(SEQUENCES)


def _write(groups: list[pa.Table], codec: str, file: io.BytesIO) -> None:
    name, level = CODECS[codec]
    with pq.ParquetWriter(
        file,
        SEQUENCES,
        compression=name,
        compression_level=level,
        use_dictionary=["source", "group"],
        write_statistics=["row", "length"],
        write_page_checksum=True,
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=group.num_rows)


def _read(file: io.BytesIO) -> None:
    source = pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)
    for number in range(source.num_row_groups):
        source.read_row_group(number, columns=["sequence"], use_threads=False)


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
