"""Counts by class equal those of slicing strings, for small classes and large ones beside each other."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.codons import kernels
from opengenome_assets.codons.alphabet import CODON_OF_WINDOW, MASKED_CODE_OF_BYTE
from opengenome_assets.codons.kernels import PLACES, count_by_class
from opengenome_assets_tests.scenario import naive_counts

LETTERS = "ACGTUNRYacgtnk"
Records = list[tuple[str, int]]


def counted(records: Records, *codes: np.ndarray) -> dict[int, dict[tuple[str, int, str], int]]:
    letters = np.frombuffer(b"..." + "".join(text for text, _ in records).encode() + b"!", np.uint8)
    offsets = 3 + np.cumsum([0, *(len(text) for text, _ in records)], dtype=np.int64)
    classes = np.array([number for _, number in records], dtype=np.int64)
    keys, counts = count_by_class(letters, offsets, classes, *codes)
    assert len(set(keys.tolist())) == keys.size
    found: dict[int, dict[tuple[str, int, str], int]] = defaultdict(dict)
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        number, place = divmod(key, PLACES)
        found[number]["+-"[place // 12288], place // 4096 % 3, CODON_OF_WINDOW[place % 4096]] = count
    return found


def sliced(records: Records) -> dict[int, dict[tuple[str, int, str], int]]:
    by_class: dict[int, list[str]] = defaultdict(list)
    for text, number in records:
        by_class[number].append(text)
    expected = {number: naive_counts(texts) for number, texts in by_class.items()}
    return {number: counts for number, counts in expected.items() if counts}


RECORDS = st.lists(
    st.tuples(st.text(LETTERS, max_size=40), st.integers(0, 6).map(lambda n: n * 1000)), max_size=12
)


@pytest.mark.parametrize(
    ("small", "together", "bases"), [(10**6, 4096, 10**6), (0, 4096, 10**6), (25, 4096, 10**6), (30, 2, 50)]
)
def test_counts_by_class_equal_slicing(
    monkeypatch: pytest.MonkeyPatch, small: int, together: int, bases: int
) -> None:
    monkeypatch.setattr(kernels, "SMALL_CLASS_BASES", small)
    monkeypatch.setattr(kernels, "_CLASSES_TOGETHER", together)
    monkeypatch.setattr(kernels, "_BASES_TOGETHER", bases)

    @given(RECORDS)
    def check(records: Records) -> None:
        assert counted(records) == sliced(records)

    check()


def test_lower_case_is_ambiguous_where_masked() -> None:
    records = [("ACGacgTTT", 0), ("ttACGT", 2)]
    masked = [("".join("N" if letter.islower() else letter for letter in text), n) for text, n in records]
    assert counted(records, MASKED_CODE_OF_BYTE) == sliced(masked)


@pytest.mark.parametrize("small", [0, 10**6])
def test_a_byte_that_is_no_letter_is_seen(monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(kernels, "SMALL_CLASS_BASES", small)
    codons = Counter(codon for _, _, codon in counted([("AC!", 0)])[0])
    assert codons == {"AC?": 1, "?GT": 1}


def test_many_classes_need_few_counters() -> None:
    records = [("ACGT" * 5, number) for number in range(10_000)]
    found = counted(records)
    assert len(found) == 10_000
    assert all(counts == found[0] for counts in found.values())
    assert found[0] == naive_counts(["ACGT" * 5])
