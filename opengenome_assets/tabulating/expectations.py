"""Observed codon frequencies beside those that a group's bases alone would give."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.schemas import CODON_EXPECTATIONS
from opengenome_assets.tabulating.meaning import counts_to_use, nullable
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.tally import GroupTally, tally_groups


def codon_expectations(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Compare each codon's frequency with its bases drawn one by one.

    The bases are those of all positions together, and in further columns those of each position by itself.
    Ambiguous codons never take part. With ``skip_stops`` the bases are those of the codons that remain, and
    the expected frequencies are scaled to sum to 1 over these.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code, and whether stops count; ``min_count`` has no say.

    Returns:
        Schema ``CODON_EXPECTATIONS``, in the order of the frequency table.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, skip_stops=parameters.skip_stops) for each in tallies])


def _group_table(tally: GroupTally, *, skip_stops: bool) -> pa.Table:
    counts, kept = counts_to_use(tally, skip_stops=skip_stops)
    frequency = measures.frequency(counts[None])[0, kept]
    expected = _scaled(measures.expected_frequency(counts[None])[0, kept])
    by_position = _scaled(measures.expected_frequency(counts[None], by_position=True)[0, kept])
    return pa.table(
        {
            "group": [tally.group] * frequency.size,
            "codon": list(np.array(CODONS)[kept]),
            "frequency": nullable(frequency),
            "expected": nullable(expected),
            "observed_over_expected": nullable(measures.ratio(frequency, expected)),
            "expected_by_position": nullable(by_position),
            "observed_over_expected_by_position": nullable(measures.ratio(frequency, by_position)),
        },
        schema=CODON_EXPECTATIONS,
    )


def _scaled(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    return measures.ratio(expected, expected.sum())
