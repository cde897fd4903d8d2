"""The counting kernels against counting by slicing strings."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opengenome_assets.codons.alphabet import (
    CODE_OF_BYTE,
    CODON_OF_WINDOW,
    CODONS,
    FRAMES,
    INVALID_CODE,
    MASKED_CODE_OF_BYTE,
    NUCLEOTIDE_LETTERS,
    REVERSE_COMPLEMENT,
    STRANDS,
)
from opengenome_assets.codons.kernels import count_by_record
from opengenome_assets.codons.six_frames import SixFrames
from opengenome_assets_tests.scenario import RECORDS, naive_counts

# As for a user without a home and without rights in the package's folder.
SCRIPT = """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []
import numpy as np
from opengenome_assets.codons.six_frames import SixFrames
places, counts = SixFrames().count(np.frombuffer(b"ACGT" * 3, np.uint8), np.array([0]), np.array([12]))
print(np.bincount(places // 4096, counts).reshape(2, 3).astype(int).tolist())
"""
LETTERS = NUCLEOTIDE_LETTERS + NUCLEOTIDE_LETTERS.lower()


def count(records: list[str], codes: np.ndarray = CODE_OF_BYTE) -> dict[tuple[str, int, str], int]:
    letters = np.frombuffer("".join(records).encode(), dtype=np.uint8)
    ends = np.cumsum([len(record) for record in records], dtype=np.int64)
    starts = ends - np.array([len(record) for record in records], dtype=np.int64)
    places, counts = SixFrames(codes).count(letters, starts, ends)
    return {
        (STRANDS[place // 12288], place // 4096 % 3, CODON_OF_WINDOW[place % 4096]): count
        for place, count in zip(places.tolist(), counts.tolist(), strict=True)
    }


@pytest.mark.parametrize("name", RECORDS)
def test_each_awkward_record_is_counted_as_by_slicing(name: str) -> None:
    assert count([RECORDS[name]]) == naive_counts([RECORDS[name]])


@given(st.lists(st.text(alphabet=LETTERS, max_size=40), max_size=12))
@example(["", "A", "AC", "ACG", "ACGT", "ACGTA"])
@settings(max_examples=200)
def test_any_records_are_counted_as_by_slicing(records: list[str]) -> None:
    assert count(records) == naive_counts(records)


def test_no_window_reaches_over_the_end_of_a_record() -> None:
    assert count(["AC", "GT", "AC"]) == {}


def test_a_record_of_400_kb_is_counted_as_by_slicing() -> None:
    record = "".join(np.random.RandomState(1).choice(list("ACGTN"), 400_001))
    assert count([record]) == naive_counts([record])


def test_counts_reach_beyond_32_bits() -> None:
    letters = np.frombuffer(b"AAA" * 1000, dtype=np.uint8)
    many = np.zeros(1_000, dtype=np.int64)
    places, counts = SixFrames().count(letters, many, many + letters.size)
    assert counts.dtype == np.int64
    assert counts[places < 4096].sum() == 1_000_000


def test_soft_masked_letters_can_count_as_ambiguous() -> None:
    assert count(["ACGacgACG"], MASKED_CODE_OF_BYTE) == naive_counts(["ACGNNNACG"])


def test_bytes_that_are_no_letter_have_the_invalid_code() -> None:
    foreign = [byte for byte in range(256) if chr(byte) not in LETTERS]
    assert all(CODE_OF_BYTE[byte] == MASKED_CODE_OF_BYTE[byte] == INVALID_CODE for byte in foreign)
    assert len(foreign) == 256 - 32


def test_reverse_complement_is_its_own_inverse() -> None:
    assert (REVERSE_COMPLEMENT[REVERSE_COMPLEMENT] == np.arange(4096)).all()


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_holds_as_many_codons_as_the_length_allows(frame: int) -> None:
    for length in range(12):
        found = sum(n for (strand, f, _), n in count(["A" * length]).items() if (strand, f) == ("-", frame))
        assert found == max(0, (length - frame) // 3)


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


def test_kernels_need_no_folder_for_their_cache() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    # Whole codons of 12 bases, from bases 0, 1 and 2 on.
    assert done.stdout == "[[4, 3, 3], [4, 3, 3]]\n"
