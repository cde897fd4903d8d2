"""The codon frequency table: counts of all batches in, the contract's table out."""

from collections.abc import Sequence
from itertools import compress
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.groups import GroupTally, tally_groups
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets.tables.readings import AMBIGUOUS, nullable, read_codons

T = TypeVar("T")


def codon_frequencies(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Make the table from the batches' counts.

    Rows of a group: the 64 codons in the order A, C, G, T, zeros too, then (unless ``skip_n``) the
    ambiguous codons that were seen, from A to Z, with amino acid X and neither fraction nor RSCU.

    Each record is read by its own genetic code, and groups of several codes are added up exactly. ``fraction`` is
    the codon's share among all codons read as its amino acid. ``rscu`` is its count over the count that even
    use would give: for each code, the amino acid's codons divided by the size that its family has under that
    code. Under one code this is fraction × family size.

    A codon that the group's codes read differently has no amino acid, and so neither fraction nor RSCU: all
    three are null. Its count and frequency are given. ``codon_readings`` splits it. ``skip_stops`` drops each
    code's stops from the records of that code; such a reading then no longer differs from another.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code and what to leave out.

    Returns:
        Schema ``CODON_FREQUENCIES``. Frequencies are null where a group has no codons at all.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, parameters) for each in tallies])


def _group_table(tally: GroupTally, parameters: TableParameters) -> pa.Table:
    readings = read_codons(tally, skip_stops=parameters.skip_stops)
    kept = readings.kept
    ambiguous = {} if parameters.skip_n else tally.ambiguous
    unknown = np.full(len(ambiguous), np.nan)
    all_counts = np.concatenate(
        [readings.codon_counts[kept], np.array(list(ambiguous.values()), dtype=np.int64)]
    )
    frequency = measures.frequency(all_counts[None])[0]
    table = pa.table(
        {
            "group": [tally.group] * all_counts.size,
            "codon": [*_keep(CODONS, kept), *ambiguous],
            "amino_acid": [*_keep(readings.amino_acids, kept), *(AMBIGUOUS for _ in ambiguous)],
            "count": all_counts,
            "frequency": nullable(frequency),
            "per_thousand": nullable(frequency * 1000),
            "fraction": nullable(np.concatenate([readings.of_codons(readings.fraction)[kept], unknown])),
            "rscu": nullable(np.concatenate([readings.of_codons(readings.rscu)[kept], unknown])),
        },
        schema=CODON_FREQUENCIES,
    )
    return table.filter(pa.array(all_counts >= parameters.min_count))


def _keep(values: Sequence[T], kept: NDArray[np.bool_]) -> list[T]:
    return list(compress(values, kept))
