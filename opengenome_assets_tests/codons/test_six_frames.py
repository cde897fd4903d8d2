"""The kernel that packs letters equals slicing, wherever records begin and end and ambiguous letters are."""

import random

import numpy as np
import pytest

from opengenome_assets.codons import six_frames
from opengenome_assets.codons.alphabet import CODON_OF_WINDOW, CODONS, MASKED_CODE_OF_BYTE
from opengenome_assets.codons.kernels import count_by_record
from opengenome_assets.codons.six_frames import SixFrames
from opengenome_assets_tests.scenario import naive_counts

PACKED = six_frames._PACKED


def letters_of(size: int, seed: int, alphabet: str = "ACGT") -> str:
    return "".join(random.Random(seed).choices(alphabet, k=size))


def counted(records: list[str], before: int = 0, *codes: np.ndarray) -> dict[tuple[str, int, str], int]:
    """Counts of records that begin after some other letters."""
    letters = np.frombuffer(("A" * before + "".join(records) + "C").encode(), np.uint8)
    ends = before + np.cumsum([len(record) for record in records], dtype=np.int64)
    starts = ends - [len(record) for record in records]
    return decoded(*SixFrames(*codes).count(letters, starts, ends))


def decoded(places: np.ndarray, counts: np.ndarray) -> dict[tuple[str, int, str], int]:
    assert len(set(places.tolist())) == places.size
    return {
        ("+-"[place // 12288], place // 4096 % 3, CODON_OF_WINDOW[place % 4096]): count
        for place, count in zip(places.tolist(), counts.tolist(), strict=True)
    }


@pytest.mark.parametrize("before", range(9))
def test_every_length_and_alignment(before: int) -> None:
    for size in range(45):
        record = letters_of(size, size)
        assert counted([record], before) == naive_counts([record]), size


@pytest.mark.parametrize("letter", ["N", "R", "U", "a", "n"])
def test_one_other_letter_at_every_place(letter: str) -> None:
    for size in (14, 26, 27, 28, 40):
        for place in range(size):
            record = letters_of(size, place)
            record = record[:place] + letter + record[place + 1 :]
            assert counted([record], place % 5) == naive_counts([record]), (size, place)


@pytest.mark.parametrize("more", range(-15, 16))
def test_records_around_the_packed_size(more: int) -> None:
    records = [letters_of(PACKED + more, 1), letters_of(2 * PACKED - 10 + more, 2), letters_of(5, 3)]
    assert counted(records, 3) == naive_counts(records)


def test_letters_of_an_earlier_record_are_not_seen() -> None:
    # The second record is packed over the first, which is longer and ambiguous.
    records = ["N" * 200, letters_of(30, 5), "R" * 99, letters_of(17, 6)]
    assert counted(records) == naive_counts(records)


def test_mixed_records_of_every_kind_of_letter() -> None:
    chance = random.Random(9)
    records = [
        letters_of(chance.randrange(400), seed, "ACGTacgtuU" * 30 + "NRYSWKMBDHVnryk") for seed in range(60)
    ]
    assert counted(records, 7) == naive_counts(records)


def test_masked_letters_are_counted_as_n() -> None:
    records = [letters_of(500, 2, "ACGTACGTACGTacgtN"), "acgt" * 9, "ACGT" * 9]
    masked = ["".join("N" if letter.islower() else letter for letter in record) for record in records]
    assert counted(records, 1, MASKED_CODE_OF_BYTE) == naive_counts(masked)


@pytest.mark.parametrize("byte", sorted(set(range(33, 127)) - set(b"ACGTUacgtuNRYSWKMBDHVnryswkmbdhv")))
def test_every_other_byte_makes_an_invalid_codon(byte: int) -> None:
    record = "ACGTACG" + chr(byte) + "TTGCAACGTACGATC"
    found = counted([record])
    assert sum(count for (_, _, codon), count in found.items() if "?" in codon) == 6


def test_a_long_record_equals_the_other_kernel() -> None:
    record = letters_of(300_001, 4, "ACGT" * 500 + "NR")
    letters = np.frombuffer(record.encode(), np.uint8)
    counts = decoded(*SixFrames().count(letters, np.array([0]), np.array([letters.size])))
    for strand in "+-":
        for frame in range(3):
            other = count_by_record(letters, np.array([0, letters.size]), frame, strand)[0]
            assert [counts[strand, frame, codon] for codon in CODONS] == other[:64].tolist()
            assert sum(n for (s, f, _), n in counts.items() if (s, f) == (strand, frame)) == other.sum()


def test_counters_are_empty_again_after_each_count() -> None:
    letters = np.frombuffer((letters_of(5000, 1) + "NRA" * 20).encode(), np.uint8)
    kernel = SixFrames()
    for first, end in ((0, 5060), (100, 900), (4990, 5060), (0, 5060)):
        found = decoded(*kernel.count(letters, np.array([first]), np.array([end])))
        assert found == naive_counts([letters.tobytes().decode()[first:end]])
