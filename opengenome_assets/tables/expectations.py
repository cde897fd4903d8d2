"""Observed codon frequencies beside those that a group's bases alone would give."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.schemas import CODON_EXPECTATIONS
from opengenome_assets.tables.groups import GroupTally, tally_groups
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets.tables.readings import nullable, read_codons


def codon_expectations(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Compare each codon's frequency with its bases drawn one by one.

    The bases are those of all positions together, and in further columns those of each position by itself.
    Ambiguous codons never take part. With ``skip_stops`` the bases are those of the codons that remain, and
    the expected frequencies are scaled to sum to 1 over these: for each genetic code over its codons, so that
    a codon is expected only in records that do not read it as a stop.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code, and whether stops count; ``min_count`` has no say.

    Returns:
        Schema ``CODON_EXPECTATIONS``, in the order of the frequency table.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, skip_stops=parameters.skip_stops) for each in tallies])


def _group_table(tally: GroupTally, *, skip_stops: bool) -> pa.Table:
    readings = read_codons(tally, skip_stops=skip_stops)
    counts, kept = readings.codon_counts[None], readings.kept
    # Shape (codes, 64): whether each code keeps a codon, and (codes, 1): how many codons of its records are kept.
    kept_by_code = readings.codes.any(axis=0)
    of_code = np.where(kept_by_code, list(tally.by_code.values()), 0).sum(axis=1, keepdims=True)

    def expected_of_kept(*, by_position: bool) -> NDArray[np.float64]:
        drawn = np.where(kept_by_code, measures.expected_frequency(counts, by_position=by_position), 0)
        # A code without codons may have nothing that can be drawn.
        expected = (of_code * np.nan_to_num(measures.frequency(drawn))).sum(axis=0)
        return measures.ratio(expected, of_code.sum())[kept]

    frequency = measures.frequency(counts)[0, kept]
    expected, by_position = expected_of_kept(by_position=False), expected_of_kept(by_position=True)
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
