"""How measures spread over single sequences: the number of sequences in each bin of a measure."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.schemas import SEQUENCE_SPREAD

# Measure → ends of its bins. Quotients, so that a share such as 0.58 is exactly the end of a bin.
BINS = {"gc3": np.arange(51) / 50, "enc_wright": np.arange(20, 62).astype(np.float64)}


def spread_of_sequences(files: BatchFiles) -> pa.Table | None:
    """Count sequences in bins, from the per-sequence tables of all batches. Holds a row group at a time.

    Args:
        files: of the data set and of the per-sequence tables.

    Returns:
        Schema ``SEQUENCE_SPREAD``; None unless every batch has its table.

    Raises:
        BatchFileError: a table is damaged.
    """
    if not all(files.by_sequence(batch).is_planned() for batch in files.batches):
        return None
    return count_in_bins(
        part for batch in files.batches for part in files.by_sequence(batch).read(list(BINS))
    )


def count_in_bins(tables: Iterable[pa.Table]) -> pa.Table:
    """Count rows in bins of each measure in ``BINS``. The lower end belongs to a bin, and to the last one both.

    Args:
        tables: with a column for each measure.

    Returns:
        Schema ``SEQUENCE_SPREAD``: rows without a value are in the row without a bin.
    """
    counts = {name: np.zeros(ends.size - 1, np.int64) for name, ends in BINS.items()}
    without = dict.fromkeys(BINS, 0)
    for table in tables:
        for name, ends in BINS.items():
            values = table[name].drop_null().to_numpy()
            without[name] += table.num_rows - values.size
            # Beyond the outer ends are rounding errors.
            counts[name] += np.histogram(np.clip(values, ends[0], ends[-1]), ends)[0]
    return pa.concat_tables([_rows(name, counts[name], without[name]) for name in BINS])


def _rows(name: str, counts: NDArray[np.int64], without: int) -> pa.Table:
    ends = BINS[name].tolist()
    columns = {
        "measure": [name] * (counts.size + 1),
        "low": [*ends[:-1], None],
        "high": [*ends[1:], None],
        "sequences": [*counts.tolist(), without],
    }
    return pa.table(columns, schema=SEQUENCE_SPREAD)
