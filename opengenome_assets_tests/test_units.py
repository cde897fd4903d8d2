"""Numbers for people: in the unit that suits their size."""

import pytest

from opengenome_assets.units import format_bases, format_bytes, format_seconds, number_of, unit_of_bases


@pytest.mark.parametrize(
    ("bases", "text"),
    [
        (0, "0 bp"),
        (12, "12 bp"),
        (999, "999 bp"),
        (999.7, "1.00 kb"),
        # From 9.995 and 99.95 on, rounding makes one more digit before the point.
        (9_994, "9.99 kb"),
        (9_995, "10.0 kb"),
        (10_500, "10.5 kb"),
        (16_569, "16.6 kb"),
        (99_949, "99.9 kb"),
        (99_950, "100 kb"),
        (99_951, "100 kb"),
        (999_499, "999 kb"),
        (999_500, "1.00 Mbp"),
        (437_000_000, "437 Mbp"),
        (2_817_000_000, "2.82 Gbp"),
        (8_840_000_000_000, "8,840 Gbp"),
    ],
)
def test_bases_have_three_digits_and_a_unit(bases: float, text: str) -> None:
    assert format_bases(bases) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        # Exactly where rounding makes one more digit, or 1 of the next unit.
        (999.5, "1.00 kB"),
        (1_000, "1.00 kB"),
        (-1_500, "-1.50 kB"),
        (9_994, "9.99 kB"),
        (9_995, "10.0 kB"),
        (10_500, "10.5 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (100_400, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (16_600_000, "16.6 MB"),
        (123_456_789, "123 MB"),
        (1_430_000_000, "1.43 GB"),
        (3e11, "300 GB"),
    ],
)
def test_bytes_have_three_digits_and_a_unit(size: float, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.04, "40 ms"),
        (0.0994, "99 ms"),
        (0.0995, "0.1 s"),
        (0.0996, "0.1 s"),
        (2.12, "2.1 s"),
        (2_345.61, "2,345.6 s"),
    ],
)
def test_seconds_below_a_tenth_are_milliseconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_unit_has_its_size_in_bases() -> None:
    assert unit_of_bases(16_569) == ("kb", 1e3)
    assert unit_of_bases(0) == ("bp", 1)


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "record", "0 records"),
        (1, "record", "1 record"),
        (2, "batch", "2 batches"),
        (2, "class", "2 classes"),
        (2, "index", "2 indexes"),
        (1, "batch file", "1 batch file"),
        (32_240, "batch file", "32,240 batch files"),
    ],
)
def test_a_noun_agrees_with_its_number(number: int, noun: str, text: str) -> None:
    assert number_of(number, noun) == text
