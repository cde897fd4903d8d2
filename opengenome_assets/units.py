"""Numbers with a unit that suits their size, for people."""

_BASES = (("Gbp", 1e9), ("Mbp", 1e6), ("kb", 1e3), ("bp", 1.0))


def format_bases(bases: float) -> str:
    """Bases in three digits: ``437 Mbp``, ``16.6 kb``, ``12 bp``."""
    for unit, size in _BASES:
        # What rounds to 1,000 of a unit is 1 of the next.
        if bases >= 0.9995 * size:
            value = bases / size
            digits = 0 if unit == "bp" else max(0, 2 - (value >= 9.995) - (value >= 99.95))
            return f"{value:.{digits}f} {unit}"
    return "0 bp"


def format_seconds(seconds: float) -> str:
    """A duration: ``2.1 s``, ``40 ms``."""
    return f"{seconds:,.1f} s" if seconds >= 0.0995 else f"{seconds * 1e3:.0f} ms"
