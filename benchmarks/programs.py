"""The contenders that are a few lines of Python, each a process of its own: ``python -m benchmarks.programs NAME FILE``.

Each prints one JSON object: ``seconds`` of the counting, without what comes before and after it, and the ``counts`` of
the unambiguous codons of frame 0. A program yields once when it is ready to count, and then its counts.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CODONS = ["".join(letters) for letters in product("ACGT", repeat=3)]
LIMIT_THREADS = 2
_DUCKDB_QUERY = """
    SELECT codon, count(*) FROM (
        SELECT unnest(regexp_extract_all(sequence, '...')) AS codon FROM read_parquet(?)
    ) GROUP BY codon
"""


def biopython(file: str) -> Iterator[Mapping[str, int]]:
    """The loop that most people write."""
    from Bio import SeqIO

    yield {}
    counts: dict[str, int] = {}
    for record in SeqIO.parse(file, "fasta"):
        letters = str(record.seq)
        for at in range(0, len(letters) - 2, 3):
            codon = letters[at : at + 3]
            counts[codon] = counts.get(codon, 0) + 1
    yield counts


def duckdb(file: str) -> Iterator[Mapping[str, int]]:
    """Sequences unnested into codons and grouped, in SQL."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {os.cpu_count() or 1}")
        yield {}
        yield dict(connection.execute(_DUCKDB_QUERY, [file]).fetchall())


def row_per_codon(file: str) -> Iterator[Mapping[str, int]]:
    """Spark as the predecessor used it: every codon a row, through pandas, and a group-by over the rows.

    A record at a time: a whole Arrow batch at once would need gigabytes a worker.
    """
    from pyspark.sql import SparkSession

    def explode(frames: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        for frame in frames:
            for letters in frame["sequence"]:
                yield pd.DataFrame({"codon": [letters[at : at + 3] for at in range(0, len(letters) - 2, 3)]})

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
        .getOrCreate()
    )
    # Workers and what they import are part of the start, which is not scaled.
    few = session.createDataFrame([("ACGACG",)] * 8, "sequence string")
    few.mapInPandas(explode, "codon string").groupBy("codon").count().collect()
    yield {}
    sequences = session.read.parquet(file).select("sequence")
    rows = sequences.mapInPandas(explode, "codon string").groupBy("codon").count().collect()
    yield {row["codon"]: row["count"] for row in rows}
    session.stop()


def limit(folder: str) -> Iterator[Mapping[str, int]]:
    """What the machine can do: threads, pyarrow on the batch files, and the project's kernel; nothing else."""
    import numpy as np
    import pyarrow.parquet as pq

    from opengenome_assets.codons.alphabet import CODON_OF_WINDOW
    from opengenome_assets.codons.six_frames import SixFrames
    from opengenome_assets.inputs.letters import letters_and_offsets

    def count(file: Path, group: int) -> "NDArray[np.int64]":
        read = pq.ParquetFile(file, pre_buffer=False)
        records = read.read_row_group(group, columns=["sequence"], use_threads=False).combine_chunks()
        counts = np.zeros((2, 3, len(CODON_OF_WINDOW)), np.int64)
        for batch in records.to_batches():
            letters, offsets = letters_and_offsets(batch)
            places, times = SixFrames().count(letters, offsets[:-1], offsets[1:])
            counts.ravel()[places] += times
        return counts

    # Compiled code is loaded on first use.
    SixFrames().count(np.frombuffer(b"ACG", np.uint8), np.zeros(1, np.int64), np.full(1, 3))
    yield {}
    files = sorted(Path(folder).glob("*.parquet"))
    groups = [(file, group) for file in files for group in range(pq.ParquetFile(file).num_row_groups)]
    with ThreadPoolExecutor(LIMIT_THREADS) as pool:
        total = np.sum(list(pool.map(count, *zip(*groups, strict=True))), axis=0)
    yield {CODON_OF_WINDOW[window]: int(total[0, 0, window]) for window in np.flatnonzero(total[0, 0])}


PROGRAMS: dict[str, Callable[[str], Iterator[Mapping[str, int]]]] = {
    "biopython": biopython,
    "duckdb": duckdb,
    "row_per_codon": row_per_codon,
    "limit": limit,
}


@click.command()
@click.argument("name", type=click.Choice(list(PROGRAMS)))
@click.argument("file")
def main(name: str, file: str) -> None:
    """Run one of the programs on a file, or on a folder of batch files."""
    program = PROGRAMS[name](file)
    next(program)
    began = time.perf_counter()
    counts = Counter(next(program))
    seconds = time.perf_counter() - began
    plain = {codon: counts[codon] for codon in CODONS}
    click.echo(json.dumps({"seconds": seconds, "counts": plain}))
    for _ in program:
        pass


if __name__ == "__main__":
    main()
