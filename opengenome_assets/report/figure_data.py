"""What the figures draw, as plain rows: labels, values and colour classes. Nothing is drawn here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP, genetic_code
from opengenome_assets.tables.groups import AMBIGUOUS
from opengenome_assets.tables.text import BASES, cell_of

# Rows of one group of a ``CODON_READINGS`` table.
Readings = Sequence[Mapping[str, Any]]
# Codon → row, of one group of a ``CODON_FREQUENCIES`` table.
Rows = Mapping[str, Mapping[str, Any]]

# Column → its pieces from the bottom up: what each is, and its height.
Stacks = dict[str, dict[str, float]]

# Stops of most codes: shown even where they are something else.
_USUAL_STOPS = ("TAA", "TAG", "TGA")
_POSITIONS = {"gc": "all", "gc1": "first", "gc2": "second", "gc3": "third", "gc3s": "third,\nsynonymous"}
_ENDS = 10


class CodonBar(NamedTuple):
    """A codon's bar: its amino acid (``?`` if the genetic codes differ), and codons per thousand.

    ``expected`` is the rate that the bases alone would give, or None where that is not known.
    """

    codon: str
    letter: str
    per_thousand: float
    expected: float | None


class PositionGC(NamedTuple):
    """A codon position's bar: percent of G and C of all groups, and of each group if known."""

    position: str
    percent: float
    groups: list[float]


class FrameBar(NamedTuple):
    """A frame's bar: stops per thousand codons, and those that the bases alone would give."""

    frame: str
    stops: float
    expected: float


class SpreadBar(NamedTuple):
    """A bar of a histogram: the number of sequences with a value from ``low`` to ``high``."""

    low: float
    high: float
    sequences: int


class AminoAcid(NamedTuple):
    """An amino acid's bar, and a row of its table: how many codons are read so, and their rate per thousand.

    The letter is ``*`` for the stops and ``X`` for codons with ambiguous letters.
    """

    letter: str
    name: str
    codons: int
    per_thousand: float


def amino_acid_names() -> dict[str, str]:
    """Three letters for one, and the names of stops and ambiguous codons."""
    from Bio.Data.IUPACData import protein_letters_1to3

    return {**protein_letters_1to3, STOP: "stop", AMBIGUOUS: "ambiguous"}


def unambiguous(rows: Rows) -> dict[str, Mapping[str, Any]]:
    """The rows of the 64 codons that have a frequency."""
    return {c: rows[c] for c in CODONS if c in rows and rows[c]["frequency"] is not None}


def codon_bars(rows: Rows, expected: Mapping[str, float]) -> list[CodonBar]:
    """A bar for each codon that has a frequency, by amino acid and codon.

    Args:
        rows: of one group.
        expected: share of each codon that the bases alone would give, where it is known.
    """
    bars = [_codon_bar(codon, rows, expected) for codon in unambiguous(rows)]
    return sorted(bars, key=lambda bar: (bar.letter, bar.codon))


def codon_ends(rows: Rows) -> dict[str, list[CodonBar]]:
    """Heading → the ten ``most used`` codons, and the ten ``least used`` from the least."""
    known = unambiguous(rows)
    ranked = sorted(known, key=lambda codon: (-known[codon]["count"], codon))
    ends = {"most used": ranked[:_ENDS], "least used": ranked[::-1][:_ENDS]}
    return {heading: [_codon_bar(codon, known, {}) for codon in codons] for heading, codons in ends.items()}


def _codon_bar(codon: str, rows: Rows, expected: Mapping[str, float]) -> CodonBar:
    share = expected.get(codon)
    return CodonBar(
        codon,
        cell_of(codon, rows).letter,
        rows[codon]["per_thousand"],
        None if share is None else 1000 * share,
    )


def gc_bars(measures: Sequence[Mapping[str, Any]]) -> list[PositionGC]:
    """G and C by codon position; a position without a value has no bar.

    Args:
        measures: rows of a ``CODON_MEASURES`` table, ``all`` first.
    """
    whole, *groups = measures
    return [
        PositionGC(position, 100 * whole[key], [100 * row[key] for row in groups if row[key] is not None])
        for key, position in _POSITIONS.items()
        if whole[key] is not None
    ]


def frame_bars(frames: Sequence[Mapping[str, Any]]) -> list[FrameBar]:
    """Stops in each frame that has codons.

    Args:
        frames: rows of one group of a ``SIX_FRAMES`` table.
    """
    return [
        FrameBar(
            frame_name(frame),
            1000 * frame["stop_frequency"],
            1000 * frame["expected_stop_frequency"],
        )
        for frame in frames
        if frame["stop_frequency"] is not None
    ]


def frame_name(frame: Mapping[str, Any]) -> str:
    """The strand's sign and the frame's number, such as −1."""
    return f"{'+' if frame['strand'] == '+' else '−'}{frame['frame']}"


def amino_acid_bars(readings: Readings) -> list[AminoAcid]:
    """Codons of each amino acid, of the stops and of ambiguous codons, most frequent first.

    Each codon is counted once, as what its record's genetic code reads. Empty if there are no codons.
    """
    names = amino_acid_names()
    counts: dict[str, int] = {}
    for row in readings:
        counts[row["amino_acid"]] = counts.get(row["amino_acid"], 0) + row["count"]
    total = sum(counts.values())
    if not total:
        return []
    return [
        AminoAcid(letter, names[letter], count, 1000 * count / total)
        for letter, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def rscu_stacks(readings: Readings) -> Stacks:
    """Amino acid → codon → RSCU: amino acids with the fewest codons first, codons by their third base.

    A codon that the genetic codes read differently is in several columns. Codons of an amino acid that is
    absent, and ambiguous codons, have no RSCU and no piece.
    """
    columns: Stacks = {}
    for row in readings:
        if row["rscu"] is not None:
            columns.setdefault(row["amino_acid"], {})[row["codon"]] = row["rscu"]
    return {
        letter: {codon: columns[letter][codon] for codon in sorted(columns[letter], key=_by_third_base)}
        for letter in sorted(columns, key=lambda letter: (len(columns[letter]), letter))
    }


def _by_third_base(codon: str) -> tuple[str, int]:
    return codon[:2], BASES.index(codon[2])


def stop_stacks(readings: Readings) -> Stacks:
    """Codon → what it is read as, the stop first → codons per thousand.

    The codons are those that are a stop under any of the codes, and TAA, TAG and TGA.
    """
    names = amino_acid_names()
    stops = {row["codon"] for row in readings if row["amino_acid"] == STOP} | set(_USUAL_STOPS)
    rows = [row for row in readings if row["codon"] in stops and row["per_thousand"] is not None]
    rows.sort(key=lambda row: (CODONS.index(row["codon"]), row["amino_acid"] != STOP))
    columns: Stacks = {}
    for row in rows:
        columns.setdefault(row["codon"], {})[names[row["amino_acid"]]] = row["per_thousand"]
    return columns


def read_differently(readings: Readings) -> list[Mapping[str, Any]]:
    """The rows of codons that the group's genetic codes read differently, by codon."""
    readings_of: dict[str, list[Mapping[str, Any]]] = {codon: [] for codon in CODONS}
    for row in readings:
        if row["codon"] in readings_of:
            readings_of[row["codon"]].append(row)
    return [row for rows in readings_of.values() if len(rows) > 1 for row in rows]


def pooled_codes(readings: Readings) -> str:
    """A sentence with the genetic codes of the codons."""
    numbers = sorted({int(number) for row in readings for number in row["genetic_codes"].split()})
    if not numbers:
        return "There are no codons."
    named = _listed(f"{number} ({genetic_code(number).name})" for number in numbers)
    if len(numbers) == 1:
        return f"Read by genetic code {named}."
    return f"Pooled over the genetic codes {named}: each record is read by its own code."


def _listed(texts: Iterable[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last


def spread_bars(spread: Sequence[Mapping[str, Any]]) -> dict[str, list[SpreadBar]]:
    """The bars of each measure's histogram, from left to right.

    Args:
        spread: rows of a ``SEQUENCE_SPREAD`` table.
    """
    bars: dict[str, list[SpreadBar]] = {}
    for row in spread:
        if row["low"] is not None:
            bars.setdefault(row["measure"], []).append(SpreadBar(row["low"], row["high"], row["sequences"]))
    return bars


def without_value(spread: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Measure → the number of sequences in which it is not defined."""
    return {row["measure"]: row["sequences"] for row in spread if row["low"] is None}
