"""Pictures of the amino acids: how often each is coded for, and by which of its codons."""

from functools import partial
from typing import TYPE_CHECKING

from opengenome_assets.report.drawing import (
    ACCENT,
    BAR,
    BASE_COLOURS,
    INK,
    QUIET,
    Picture,
    picture,
    plain_grid,
)
from opengenome_assets.report.figure_data import (
    OF_AMBIGUOUS,
    OF_AMINO_ACID,
    OF_STOP,
    Piece,
    Readings,
    amino_acid_bars,
    amino_acid_names,
    pooled_codes,
    rscu_pieces,
)
from opengenome_assets.tables.layout import BASES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {OF_AMINO_ACID: BAR, OF_STOP: QUIET, OF_AMBIGUOUS: ACCENT}
# Lower pieces have no room for the codon.
_LOWEST_LABELLED = 0.16


def amino_acid_usage(readings: Readings) -> Picture:
    """Bars of codons per thousand for each amino acid, the stops and ambiguous codons."""
    usage = amino_acid_bars(readings)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        places = range(len(usage))
        colours = [_COLOURS[bar.colour] for bar in usage]
        bars = axes.bar(places, [bar.per_thousand for bar in usage], color=colours, width=0.8)
        axes.bar_label(bars, [f"{bar.per_thousand:.0f}" for bar in usage], padding=2, fontsize=8)
        axes.set_xticks(places, [f"{bar.name}\n{bar.letter}" for bar in usage])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("codons per thousand")
        axes.margins(x=0.02)
        plain_grid(axes, "y")

    shown = ", ".join(f"{bar.name} {bar.per_thousand:.1f}" for bar in usage)
    description = f"Codons per thousand: {shown}. {pooled_codes(readings)}"
    return picture("amino_acids", "Amino acids", description, (9, 3.2), draw)


def rscu_by_amino_acid(
    readings: Readings, *, name: str = "rscu", title: str = "RSCU by amino acid"
) -> Picture:
    """One column for each amino acid, its codons stacked by their RSCU and named in place."""
    names = amino_acid_names()
    columns: dict[str, list[Piece]] = {}
    for piece in rscu_pieces(readings):
        columns.setdefault(piece.column, []).append(piece)

    def draw(figure: "Figure") -> None:
        from matplotlib.patches import Patch

        axes = figure.add_subplot()
        write = partial(
            axes.text, ha="center", va="center", fontsize=7.5, family="monospace", in_layout=False
        )
        for at, pieces in enumerate(columns.values()):
            floor = 0.0
            for piece in pieces:
                axes.bar(
                    at,
                    piece.value,
                    bottom=floor,
                    color=BASE_COLOURS[piece.colour],
                    width=0.92,
                    edgecolor="white",
                    lw=0.7,
                )
                if piece.value >= _LOWEST_LABELLED:
                    ink = "white" if piece.colour == "C" else "black"
                    write(at, floor + piece.value / 2, piece.label, color=ink)
                floor += piece.value
        axes.set_xticks(range(len(columns)), [f"{names[letter]}\n{letter}" for letter in columns])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("RSCU, stacked")
        axes.set_xlim(-0.6, max(len(columns) - 0.4, 1))
        handles = [Patch(color=BASE_COLOURS[base], label=f"third base {base}") for base in BASES]
        axes.legend(handles=handles, loc="upper left", ncols=4, labelcolor=INK)
        plain_grid(axes, "y")

    favourites = ", ".join(
        f"{names[letter]} {max(pieces, key=lambda piece: piece.value).label}"
        for letter, pieces in columns.items()
        if len(pieces) > 1
    )
    description = (
        "Columns of an amino acid's codons, each as high as its RSCU; 1 is even use. "
        f"Preferred codons: {favourites or 'none'}. {pooled_codes(readings)}"
    )
    return picture(name, title, description, (9, 4.6), draw)
