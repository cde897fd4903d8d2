"""Adds tables of counts up, holding little more than the sum."""

import pyarrow as pa

from opengenome_assets.schemas import CODON_COUNTS

ORDER = [(name, "ascending") for name in ("group", "genetic_code", "strand", "frame", "codon")]
_KEYS = [name for name, _ in ORDER]
# Rows that are held before they are added up, however small the sum: about 10 MB.
_FEWEST_ROWS = 131_072


class CountsSum:
    """The sum of tables of counts. Memory: at most about three times that of the sum, or of the largest table."""

    def __init__(self) -> None:
        self._held = [CODON_COUNTS.empty_table()]
        self._rows = 0
        self._allowed = _FEWEST_ROWS

    def add(self, counts: pa.Table) -> None:
        """Add a table of schema ``CODON_COUNTS``."""
        self._held.append(counts)
        self._rows += counts.num_rows
        if self._rows > self._allowed:
            total = self.counts()
            self._held, self._rows = [total], total.num_rows
            self._allowed = max(2 * total.num_rows, _FEWEST_ROWS)

    def counts(self) -> pa.Table:
        """Schema ``CODON_COUNTS``, sorted; one row per group, genetic code, strand, frame and codon."""
        summed = pa.concat_tables(self._held).group_by(_KEYS, use_threads=False).aggregate([("count", "sum")])
        counts = summed.rename_columns([*_KEYS, "count"]).select(CODON_COUNTS.names)
        return counts.sort_by(ORDER).cast(CODON_COUNTS)
