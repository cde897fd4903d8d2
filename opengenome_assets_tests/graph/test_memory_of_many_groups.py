"""Whatever reads many groups holds a part of the table, and a row group of counts, at a time."""

import shutil
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pytest

from opengenome_assets.batches import batch_files
from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks import Outcome, table
from opengenome_assets.checks.batch import check_counts
from opengenome_assets.checks.recount import check_batch_recount
from opengenome_assets.checks.table import check_complete, check_sums, check_total
from opengenome_assets.codons.alphabet import CODONS, FRAMES, STRANDS
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.report import write
from opengenome_assets.report.write import make_report
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.tables import frequencies, groups
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.graph.tampering import BATCH, PLAIN, Finished

READERS: dict[str, Callable[[BatchFiles], object]] = {
    "total": check_total,
    "sums": check_sums,
    "complete": check_complete,
    "counts": lambda files: check_counts(files, BATCH),
    "batch_recount": lambda files: check_batch_recount(files, PLAIN, seed=1),
    "report": lambda files: make_report(files, [], {}),
    "table": lambda files: make_table(files, PLAIN),
}


FEW, MANY = 30, 150
# For footers of five times as many row groups, and the 64 counts of a group; all rows would be megabytes.
MORE_BYTES = 100_000 + (MANY - FEW) * 64 * 8 * 2


@pytest.fixture(scope="module", autouse=True)
def small_limits() -> Iterator[None]:
    """So that a few hundred groups are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_files, "_ROWS_OF_A_GROUP", 1000)
        patch.setattr(frequencies, "_ROWS_HELD", 1000)
        patch.setattr(table, "_ROWS_HELD", 1000)
        patch.setattr(groups, "_TOGETHER", 10)
        patch.setattr(write, "GROUPS_SHOWN", 10)
        # Drawing has another limit.
        patch.setattr(write, "build_report", lambda _: {})
        yield


@pytest.fixture(scope="module")
def finished(
    small_limits: None, untouched: Finished, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, BatchFiles]:
    """Number of groups → a data set of that many, whose counts are made up."""
    del small_limits
    made = {}
    for number in (FEW, MANY):
        warehouse = tmp_path_factory.mktemp("groups")
        shutil.copytree(untouched.folder.root, warehouse / untouched.folder.dataset)
        files = made[number] = BatchFiles.of(DatasetFolder(str(warehouse), untouched.folder.dataset))
        counts = of_groups(number)
        for batch in files.batches:
            write_counts(files, batch, counts)
        make_table(files, PLAIN)
    return made


# Arrow's buffers do not keep their pool, and freeing one after its pool can crash the process.
POOLS: list[pa.MemoryPool] = []


def of_groups(count: int) -> pa.Table:
    """Counts of groups that have every codon of every frame once."""
    frames = [(strand, frame, codon) for strand in STRANDS for frame in FRAMES for codon in CODONS]
    strands, numbers, codons = (np.tile(np.array(values), count) for values in zip(*frames, strict=True))
    columns = {
        "group": np.repeat([f"species number {number:06}" for number in range(count)], len(frames)),
        "genetic_code": pa.nulls(count * len(frames), pa.int32()),
        "strand": strands,
        "frame": numbers,
        "codon": codons,
        "count": np.ones(count * len(frames), dtype=np.int64),
    }
    return pa.table(columns, schema=CODON_COUNTS)


def peak_of(reader: Callable[[BatchFiles], object], files: BatchFiles) -> int:
    """Bytes that Arrow and Python hold at most."""
    before = pa.default_memory_pool()
    measured = pa.proxy_memory_pool(before)
    POOLS.append(measured)
    pa.set_memory_pool(measured)
    tracemalloc.start()
    try:
        reader(files)
        return int(measured.max_memory()) + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


@pytest.mark.parametrize("name", READERS)
def test_memory_does_not_grow_with_groups(finished: dict[int, BatchFiles], name: str) -> None:
    reader = READERS[name]
    # What the first run imports stays.
    reader(finished[FEW])
    few, many = (peak_of(reader, finished[number]) for number in (FEW, MANY))
    assert many < few + MORE_BYTES


@pytest.mark.parametrize("check", [check_total, check_sums, check_complete])
def test_checks_of_many_groups_pass(
    finished: dict[int, BatchFiles], check: Callable[[BatchFiles], Outcome]
) -> None:
    assert check(finished[MANY]).passed
