"""What the figures draw, as plain rows: labels, values and colour classes. Nothing is drawn here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP, genetic_code
from opengenome_assets.tables.layout import BASES, cell_of
from opengenome_assets.tables.readings import AMBIGUOUS

# Rows of one group of a ``CODON_READINGS`` table.
Readings = Sequence[Mapping[str, Any]]
# Codon → row, of one group of a ``CODON_FREQUENCIES`` table.
Rows = Mapping[str, Mapping[str, Any]]

OF_AMINO_ACID = "amino acid"
OF_STOP = "stop"
OF_AMBIGUOUS = "ambiguous"
# Stops of most codes: shown even where they are something else.
_USUAL_STOPS = ("TAA", "TAG", "TGA")


_POSITIONS = {"gc": "all", "gc1": "first", "gc2": "second", "gc3": "third", "gc3s": "third,\nsynonymous"}
_ENDS = 10


class CodonBar(NamedTuple):
    """A codon's bar in the figures of all codons and of the most and least used.

    Attributes:
        codon: its three letters.
        letter: its amino acid, ``?`` where the genetic codes read it differently.
        per_thousand: codons per thousand.
        expected: the same, if the bases alone had a say; None where that is not known.
        colour: class of its colour: the third base.
    """

    codon: str
    letter: str
    per_thousand: float
    expected: float | None
    colour: str


class PositionGC(NamedTuple):
    """A bar of the figure of GC.

    Attributes:
        position: in the codon.
        percent: of G and C, of all groups.
        groups: the same of each group where it is known.
    """

    position: str
    percent: float
    groups: list[float]


class FrameBar(NamedTuple):
    """A bar of the figure of six frames.

    Attributes:
        frame: the strand's sign and the frame's number.
        stops: per thousand codons.
        expected: the same, if the bases alone had a say.
        colour: class of its colour: the strand.
    """

    frame: str
    stops: float
    expected: float
    colour: str


class AminoAcid(NamedTuple):
    """A bar of the figure of amino acids, and a row of its table.

    Attributes:
        letter: one letter, ``*`` for the stops, ``X`` for codons with ambiguous letters.
        name: three letters, ``stop`` or ``ambiguous``.
        codons: how many are read so.
        per_thousand: the same per thousand codons of the group.
        colour: class of its colour: ``amino acid``, ``stop`` or ``ambiguous``.
    """

    letter: str
    name: str
    codons: int
    per_thousand: float
    colour: str


class Piece(NamedTuple):
    """One piece of a stacked bar, from the bottom up.

    Attributes:
        column: the bar that it is part of.
        label: what it is.
        value: its height.
        colour: class of its colour: the third base, ``stop`` or ``amino acid``.
    """

    column: str
    label: str
    value: float
    colour: str


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
        codon[2],
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
            frame["strand"],
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
    colours = {STOP: OF_STOP, AMBIGUOUS: OF_AMBIGUOUS}
    return [
        AminoAcid(letter, names[letter], count, 1000 * count / total, colours.get(letter, OF_AMINO_ACID))
        for letter, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def rscu_pieces(readings: Readings) -> list[Piece]:
    """RSCU of each codon in the column of its amino acid, fewest codons first.

    A codon that the genetic codes read differently is in several columns. Codons of an amino acid that is
    absent, and ambiguous codons, have no RSCU and no piece.
    """
    columns: dict[str, list[Piece]] = {}
    for row in readings:
        if row["rscu"] is not None:
            letter, codon = row["amino_acid"], row["codon"]
            columns.setdefault(letter, []).append(Piece(letter, codon, row["rscu"], codon[2]))
    ordered = sorted(columns.items(), key=lambda item: (len(item[1]), item[0]))
    return [
        piece
        for _, pieces in ordered
        for piece in sorted(pieces, key=lambda piece: (piece.label[:2], BASES.index(piece.colour)))
    ]


def stop_pieces(readings: Readings) -> list[Piece]:
    """Per thousand of each codon that is a stop under any code (and TAA, TAG, TGA), split by what it is read as."""
    names = amino_acid_names()
    stops = {row["codon"] for row in readings if row["amino_acid"] == STOP} | set(_USUAL_STOPS)
    pieces = [
        Piece(
            row["codon"],
            names[row["amino_acid"]],
            row["per_thousand"],
            OF_STOP if row["amino_acid"] == STOP else OF_AMINO_ACID,
        )
        for row in readings
        if row["codon"] in stops and row["per_thousand"] is not None
    ]
    return sorted(pieces, key=lambda piece: (CODONS.index(piece.column), piece.label != names[STOP]))


def read_differently(readings: Readings) -> list[Mapping[str, Any]]:
    """The rows of codons that the group's genetic codes read differently, by codon."""
    readings_of: dict[str, list[Mapping[str, Any]]] = {codon: [] for codon in CODONS}
    for row in readings:
        if row["codon"] in readings_of:
            readings_of[row["codon"]].append(row)
    return [row for rows in readings_of.values() if len(rows) > 1 for row in rows]


def pooled_codes(readings: Readings) -> str:
    """By which genetic codes the codons are read, in a sentence."""
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
