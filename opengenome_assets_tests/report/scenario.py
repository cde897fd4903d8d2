"""Reports for the tests: everything there can be, or as little as possible."""

from dataclasses import replace

import pyarrow as pa

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.report.page import Check, ReportInputs
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.report_tables import report_tables
from opengenome_assets.tables.spread import count_in_bins
from opengenome_assets_tests.tables.tables import counts_table

EVIL = "<script>document.title='taken'</script> $x^ & \"植物\" \x07"
BATCHES = pa.table(
    {
        "key": ["batch_0000", "batch_0001", "batch_0002"],
        "rows": [5000, 5000, 2345],
        "bases": [10_000_000, 11_000_000, 4_000_000],
        "seconds": [0.5, 1.0, None],
    }
)
# Sequences by GC3: bin → number. The others have none.
OF_GC3 = {0.02: 3, 0.5: 7, 0.98: 1}
OF_ENC = {20.0: 2, 41.0: 5}
SPREAD = count_in_bins(
    [
        pa.table(
            {
                "gc3": [value + 0.01 for value, times in OF_GC3.items() for _ in range(times)] + [None] * 2,
                "enc_wright": [value + 0.5 for value, times in OF_ENC.items() for _ in range(times)]
                + [None] * 6,
            }
        )
    ]
)


def distinct(stride, step, least, *, more):
    """64 counts, no two of them alike, in another order than the codons'; G and C have more, by position."""
    return {
        codon: least
        + step * (stride * place % 64)
        + sum(extra for base, extra in zip(codon, more, strict=True) if base in "GC")
        for place, codon in enumerate(CODONS)
    }


DISTINCT = distinct(37, 37, 601, more=(900, 100, 2100))
OTHER = distinct(11, 13, 263, more=(53, 401, 709))
# Each frame has another share of stops. TGA is none under code 2, and AGA is one.
OTHER_FRAMES = {
    ("+", 1): {"TAA": 11, "CAG": 89, "TGA": 40},
    ("+", 2): {"TAG": 23, "ACG": 57},
    ("-", 0): {"AGA": 31, "TTT": 99},
    ("-", 1): {"TAA": 7, "GGC": 13},
    ("-", 2): {"AGG": 19, "TAA": 2, "CCA": 379},
}


def grouped_counts():
    """Two groups of codes that differ, one of them named to do harm, and six frames."""
    return pa.concat_tables(
        [
            counts_table(DISTINCT, group=EVIL, genetic_code=2),
            *(
                counts_table(codons, group=EVIL, genetic_code=2, strand=strand, frame=frame)
                for (strand, frame), codons in OTHER_FRAMES.items()
            ),
            counts_table(OTHER | {"NNN": 50, "RAY": 3}, group="plastids", genetic_code=11),
        ]
    )


def full_inputs(counts=None, **parameters):
    counts = grouped_counts() if counts is None else counts
    chosen = TableParameters(**parameters)
    frequencies = codon_frequencies(counts, chosen)
    return ReportInputs(
        title=f"a data set {EVIL}",
        frequencies=frequencies,
        **report_tables([counts], chosen),
        spread=SPREAD,
        batches=BATCHES,
        group_count=len(frequencies["group"].unique()) - 1,
        checks=[
            Check("every codon counted", passed=True, detail="12 = 12"),
            Check("ids", passed=False, detail=EVIL),
        ],
        codons_without_code=0,
        records_without_code=0,
        parameters={"frame": "0", EVIL: EVIL},
        provenance={"input": f"https://example.org/{EVIL}"},
    )


def bare_inputs(codons, **parameters):
    """One group without a name, no checks, and no per-sequence tables."""
    return replace(full_inputs(counts_table(codons), **parameters), checks=[], spread=None)
