"""Numbers for people: in the unit that suits their size."""

import pytest

from opengenome_assets.units import format_bases, format_seconds


@pytest.mark.parametrize(
    ("bases", "text"),
    [
        (0, "0 bp"),
        (12, "12 bp"),
        (999, "999 bp"),
        (999.7, "1.00 kb"),
        (16_569, "16.6 kb"),
        (99_949, "99.9 kb"),
        (99_951, "100 kb"),
        (999_499, "999 kb"),
        (999_500, "1.00 Mbp"),
        (437_000_000, "437 Mbp"),
        (2_817_000_000, "2.82 Gbp"),
    ],
)
def test_bases_have_three_digits_and_a_unit(bases: float, text: str) -> None:
    assert format_bases(bases) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0004, "0 ms"), (0.04, "40 ms"), (0.0996, "0.1 s"), (2.12, "2.1 s")]
)
def test_seconds_below_a_tenth_are_milliseconds(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
