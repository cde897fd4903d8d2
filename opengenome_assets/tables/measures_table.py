"""One row per group: effective number of codons, GC, and how much there was to measure."""

import numpy as np
import pyarrow as pa

from opengenome_assets.codons import measures
from opengenome_assets.schemas import CODON_MEASURES
from opengenome_assets.tables.groups import GroupTally, tally_groups
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets.tables.readings import read_codons


def codon_measures(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Measure each group's codons in the chosen strand and frame.

    Ambiguous codons never take part; with ``skip_stops`` the stops do not either. ``min_count`` has no say.
    GC3s is exact over several codes: each record's codons have a synonym or not under its own code. The
    effective numbers of codons compare families of one code; where a group's codes differ, they are null.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code, and whether stops count.

    Returns:
        Schema ``CODON_MEASURES``, ``all`` first, then the groups by name.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    rows = [_row(each, parameters) for each in tallies]
    return pa.Table.from_pylist(rows, schema=CODON_MEASURES)


def _row(tally: GroupTally, parameters: TableParameters) -> dict[str, object]:
    counts = read_codons(tally, skip_stops=parameters.skip_stops).codon_counts[None]
    synonymous = [code.synonymous * each for code, each in tally.by_code.items()]
    # Codes such as 1 and 11 differ in nothing but their starts.
    code = tally.codes[0] if len({each.amino_acids for each in tally.codes}) == 1 else None
    dual = sorted({codon for each in tally.codes for codon in each.dual})
    gc1, gc2, gc3 = measures.gc_by_position(counts)[0]
    return {
        "group": tally.group,
        "genetic_codes": " ".join(str(each.id) for each in tally.codes),
        "dual_codons": " ".join(dual) or None,
        "codons": int(counts.sum()),
        "ambiguous_codons": tally.ambiguous_total,
        "enc_wright": None if code is None else _known(measures.enc_wright(counts, code)[0]),
        "enc_sun": None if code is None else _known(measures.enc_sun(counts, code)[0]),
        "gc": _known(measures.gc(counts)[0]),
        "gc1": _known(gc1),
        "gc2": _known(gc2),
        "gc3": _known(gc3),
        "gc3s": _known(measures.gc_by_position(np.sum(synonymous, axis=0)[None])[0, 2]),
    }


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
