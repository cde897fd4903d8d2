"""Formats amounts: numbers with a suitable unit, and nouns in singular or plural."""

_BASES = (("Gbp", 1e9), ("Mbp", 1e6), ("kb", 1e3), ("bp", 1.0))


def number_of(number: int, noun: str) -> str:
    """A number with its noun: ``1 record``, ``2,000 records``, ``0 batches``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith(('ch', 's', 'x')) else 's'}"


def unit_of_bases(bases: float) -> tuple[str, float]:
    """The suitable unit for a number of bases: its name, and its size in bases."""
    # A number that rounds to 1,000 of a unit is 1 of the next.
    return next((unit for unit in _BASES if bases >= 0.9995 * unit[1]), _BASES[-1])


def format_bases(bases: float) -> str:
    """A number of bases with three digits: ``437 Mbp``, ``16.6 kb``, ``12 bp``."""
    unit, size = unit_of_bases(bases)
    value = bases / size
    digits = 0 if unit == "bp" else max(0, 2 - (value >= 9.995) - (value >= 99.95))
    return f"{value:,.{digits}f} {unit}"


def format_bytes(size: float) -> str:
    """A number of bytes with three digits: ``1.43 GB``, ``16.6 MB``, ``12 bytes``."""
    for unit, bytes_of_unit in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        value = abs(size) / bytes_of_unit
        if value >= 0.9995:
            return f"{size / bytes_of_unit:,.{max(0, 2 - (value >= 9.995) - (value >= 99.95))}f} {unit}"
    return number_of(round(size), "byte")


def format_seconds(seconds: float) -> str:
    """A duration: ``2.1 s``, ``40 ms``."""
    return f"{seconds:,.1f} s" if seconds >= 0.0995 else f"{seconds * 1e3:.0f} ms"
