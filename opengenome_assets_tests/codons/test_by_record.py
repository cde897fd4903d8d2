"""Codons of each record apart, against counting by slicing strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opengenome_assets.codons.alphabet import CODONS, NUCLEOTIDE_LETTERS
from opengenome_assets.codons.by_record import count_by_record
from opengenome_assets_tests.scenario import naive_counts

LETTERS = NUCLEOTIDE_LETTERS + NUCLEOTIDE_LETTERS.lower()


@pytest.mark.parametrize("strand", "+-")
@pytest.mark.parametrize("frame", [0, 1, 2])
@given(records=st.lists(st.text(alphabet=LETTERS, max_size=30), max_size=8))
@settings(max_examples=50)
def test_each_record_is_counted_as_by_slicing(records: list[str], frame: int, strand: str) -> None:
    offsets = np.cumsum([0, *map(len, records)], dtype=np.int64)
    letters = np.frombuffer("".join(records).encode(), dtype=np.uint8)
    counts = count_by_record(letters, offsets, frame, strand)
    for record, row in zip(records, counts, strict=True):
        naive = {c: n for (s, f, c), n in naive_counts([record]).items() if (s, f) == (strand, frame)}
        assert dict(zip(CODONS, row[:64].tolist(), strict=True)) == {c: naive.get(c, 0) for c in CODONS}
        assert row[64] == sum(naive.values()) - row[:64].sum()
