"""The demo data set: generated records with known codon counts.

A list with a given number of each codon is shuffled and divided into records. Some records get one or two more bases at
the end. The known counts do not come from counting letters, so a table can be compared with them.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.schemas import RECORDS

RECORD_COUNT = 12_345
ORGANELLE_RECORDS = 12
ORGANELLE_CODONS = 40_000
# Some ambiguous codons, to show that they are not counted.
AMBIGUOUS = {"NNN": 4_000, "RAY": 321, "ACN": 1_234}
SEED = 20_240_915
NAME = "demo.parquet"
_RECORDS_A_CHUNK = 1_000


def write_demo(folder: DatasetFolder, log: Callable[[str], None]) -> str:
    """Write the demo's records into the data set's folder, unless they exist. Returns the location of the file."""
    path = f"input/{NAME}"
    if not folder.exists(path):
        log(f"generating  {RECORD_COUNT:,} records with known codon counts")
        with folder.replace(path) as file, pq.ParquetWriter(file, RECORDS) as writer:
            for records in make_records():
                writer.write_batch(records)
    return folder.location(path)


def planted_counts() -> dict[str, int]:
    """Known counts of the codons in frame 0 of the forward strand: codon → count.

    Codon i in A, C, G, T order occurs 60,000 + 2,000·i times, so that all counts differ and none is zero.
    """
    return {codon: 60_000 + 2_000 * index for index, codon in enumerate(CODONS)} | AMBIGUOUS


def make_records() -> Iterator[pa.RecordBatch]:
    """The demo's records, in chunks of a thousand. They are the same on every machine.

    NumPy guarantees the random numbers of RandomState (NEP 19), unlike those of Generator.
    """
    random = np.random.RandomState(SEED)
    planted = planted_counts()
    letters = np.frombuffer("".join(planted).encode(), dtype=np.uint8).reshape(-1, 3)
    deck = np.repeat(np.arange(len(planted), dtype=np.uint8), list(planted.values()))
    random.shuffle(deck)
    tails = random.randint(0, 3, RECORD_COUNT)
    lower = random.randint(0, 10, RECORD_COUNT) == 0
    cuts = _cut(random, deck.size)
    for first in range(0, RECORD_COUNT, _RECORDS_A_CHUNK):
        end = min(first + _RECORDS_A_CHUNK, RECORD_COUNT)
        rows = range(first, end)
        bases = [
            _letters(letters[deck[cuts[row] : cuts[row + 1]]], int(tails[row]), lower=bool(lower[row]))
            for row in rows
        ]
        yield pa.record_batch(
            [
                pa.array([f"DEMO_{row:05d}" for row in rows]),
                pa.array([f"made-up record {row}" for row in rows]),
                pa.array(bases, type=pa.large_string()),
                pa.array(["opengenome-assets demo"] * len(rows)),
            ],
            schema=RECORDS,
        )


def _cut(random: np.random.RandomState, codons: int) -> NDArray[np.int64]:
    """Begin of each record in the list of codons: a few records of organelle size, the others of about 2 kb."""
    lengths = np.zeros(RECORD_COUNT, dtype=np.int64)
    large = np.linspace(0, RECORD_COUNT - 1, ORGANELLE_RECORDS).astype(np.int64)
    lengths[large] = ORGANELLE_CODONS
    small = np.flatnonzero(lengths == 0)
    spare = codons - ORGANELLE_CODONS * ORGANELLE_RECORDS
    marks = np.sort(random.randint(0, spare + 1, small.size - 1))
    # Half of each length is constant, half is random: lengths vary, and no record is empty by chance.
    even = np.linspace(0, spare, small.size + 1).astype(np.int64)
    mixed = (even + np.concatenate([[0], marks, [spare]])) // 2
    lengths[small] = np.diff(mixed)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _letters(codons: NDArray[np.uint8], tail: int, *, lower: bool) -> str:
    text = codons.tobytes().decode() + "AC"[:tail]
    return text.lower() if lower else text
