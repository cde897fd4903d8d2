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
from opengenome_assets.tabulating.meaning import counts_to_use, meaning_of, nullable
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.tally import GroupTally, tally_groups

AMBIGUOUS = "X"

T = TypeVar("T")


def codon_frequencies(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Make the table from the batches' counts.

    Rows of a group: the 64 codons in the order A, C, G, T, zeros too, then (unless ``skip_n``) the
    ambiguous codons that were seen, from A to Z, with amino acid X and neither fraction nor RSCU.

    Where a group's records have several genetic codes, counts and frequencies stand. The amino acid is null
    where the codes differ; fraction and RSCU are null where any synonym under any of the codes differs.
    ``skip_stops`` drops each code's stops from the records of that code.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code and what to leave out.

    Returns:
        Schema ``CODON_FREQUENCIES``. Frequencies are null where a group has no codons at all.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, parameters) for each in tallies])


def _group_table(tally: GroupTally, parameters: TableParameters) -> pa.Table:
    meaning = meaning_of(tally.codes)
    counts, kept = counts_to_use(tally, skip_stops=parameters.skip_stops)
    ambiguous = {} if parameters.skip_n else tally.ambiguous

    # Where the meaning is certain, any of the codes gives the same family.
    code = tally.codes[0]
    fraction = np.where(meaning.certain, measures.fraction(counts[None], code)[0], np.nan)
    rscu = np.where(meaning.certain, measures.rscu(counts[None], code)[0], np.nan)
    unknown = np.full(len(ambiguous), np.nan)
    all_counts = np.concatenate([counts[kept], np.array(list(ambiguous.values()), dtype=np.int64)])
    frequency = measures.frequency(all_counts[None])[0]
    table = pa.table(
        {
            "group": [tally.group] * all_counts.size,
            "codon": [*_keep(CODONS, kept), *ambiguous],
            "amino_acid": [*_keep(meaning.amino_acids, kept), *(AMBIGUOUS for _ in ambiguous)],
            "count": all_counts,
            "frequency": nullable(frequency),
            "per_thousand": nullable(frequency * 1000),
            "fraction": nullable(np.concatenate([fraction[kept], unknown])),
            "rscu": nullable(np.concatenate([rscu[kept], unknown])),
        },
        schema=CODON_FREQUENCIES,
    )
    return table.filter(pa.array(all_counts >= parameters.min_count))


def _keep(values: Sequence[T], kept: NDArray[np.bool_]) -> list[T]:
    return list(compress(values, kept))
