"""All six frames side by side: whether a frame means anything shows in its stops."""

import numpy as np
import pyarrow as pa

from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS, FRAMES, STRANDS
from opengenome_assets.codons.genetic_codes import STOP, GeneticCode
from opengenome_assets.schemas import SIX_FRAMES
from opengenome_assets.tables.groups import GroupTally, tally_groups


def six_frames(counts: pa.Table, default_code: GeneticCode) -> pa.Table:
    """Count each frame's codons and stops; a frame in which genes are read has fewer stops than expected.

    The stops are those of each record's own code, so groups of several codes have a number too. What is
    expected follows from the bases of that frame's codons, drawn one by one.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        default_code: for records whose own code is not known.

    Returns:
        Schema ``SIX_FRAMES``: ``all`` first, then the groups by name; strand ``+`` before ``-``, frames
        ascending. Frequencies are null where a frame has no codon.
    """
    rows = [
        _row(tally, strand, frame)
        for strand in STRANDS
        for frame in FRAMES
        for tally in tally_groups(counts, strand, frame, default_code)
    ]
    places: dict[object, int] = {}
    for row in rows:
        places.setdefault(row["group"], len(places))
    rows.sort(key=lambda row: places[row["group"]])
    return pa.Table.from_pylist(rows, schema=SIX_FRAMES)


def _row(tally: GroupTally, strand: str, frame: int) -> dict[str, object]:
    codons = int(tally.counts.sum())
    stops, dual, expected = 0, 0, 0.0
    for code, counts in tally.by_code.items():
        is_stop = code.letters == STOP
        stops += int(counts[is_stop].sum())
        dual += int(counts[np.isin(CODONS, code.dual)].sum())
        if counts.any():
            expected += float(measures.expected_frequency(counts[None])[0, is_stop].sum() * counts.sum())
    return {
        "group": tally.group,
        "strand": strand,
        "frame": frame,
        "codons": codons,
        "ambiguous_codons": tally.ambiguous_total,
        "stops": stops,
        "stop_frequency": stops / codons if codons else None,
        "expected_stop_frequency": expected / codons if codons else None,
        "dual": dual,
    }
