"""The demo data set: made-up records whose codon counts are known before a letter is written.

A deck of codons with a planted number of each is shuffled, cut into records, and given tails of one or two
bases. The planted numbers never come from counting letters, so a table can be compared with them.
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
# Ambiguous codons are planted too, to show that they are not counted.
AMBIGUOUS = {"NNN": 4_000, "RAY": 321, "ACN": 1_234}
SEED = 20_240_915
NAME = "demo.parquet"
_RECORDS_A_CHUNK = 1_000


def write_demo(folder: DatasetFolder, log: Callable[[str], None]) -> str:
    """Write the demo's records into its data set's folder, unless they are there; the location of the file."""
    path = f"input/{NAME}"
    if not folder.exists(path):
        log(f"making {RECORD_COUNT:,} records with known codon counts")
        with folder.replace(path) as file, pq.ParquetWriter(file, RECORDS) as writer:
            for records in make_records():
                writer.write_batch(records)
    return folder.location(path)


def planted_counts() -> dict[str, int]:
    """Codons of frame 0 on the forward strand, by construction: codon → number of times it is planted.

    Codon i of A, C, G, T order appears 60,000 + 2,000·i times, so that no two are alike and none is missing.
    """
    return {codon: 60_000 + 2_000 * index for index, codon in enumerate(CODONS)} | AMBIGUOUS


def make_records() -> Iterator[pa.RecordBatch]:
    """The demo's records, in chunks of a thousand, the same ones on every machine.

    NumPy freezes the streams of RandomState (NEP 19), unlike those of Generator.
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
    """Where each record begins in the deck: a few of organelle size, the rest of about 2 kb."""
    lengths = np.zeros(RECORD_COUNT, dtype=np.int64)
    large = np.linspace(0, RECORD_COUNT - 1, ORGANELLE_RECORDS).astype(np.int64)
    lengths[large] = ORGANELLE_CODONS
    small = np.flatnonzero(lengths == 0)
    spare = codons - ORGANELLE_CODONS * ORGANELLE_RECORDS
    marks = np.sort(random.randint(0, spare + 1, small.size - 1))
    # Half of the length is even, half is chance: lengths vary, and no record is empty by accident alone.
    even = np.linspace(0, spare, small.size + 1).astype(np.int64)
    mixed = (even + np.concatenate([[0], marks, [spare]])) // 2
    lengths[small] = np.diff(mixed)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _letters(codons: NDArray[np.uint8], tail: int, *, lower: bool) -> str:
    text = codons.tobytes().decode() + "AC"[:tail]
    return text.lower() if lower else text
