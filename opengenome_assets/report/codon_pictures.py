"""Pictures of the 64 codons: all of them, the printed table, most and least used, stops."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from opengenome_assets.report.drawing import (
    ACCENT,
    BAR,
    BASE_COLOURS,
    INK,
    PAPER,
    QUIET,
    Picture,
    colour_bar,
    picture,
    plain_grid,
)
from opengenome_assets.report.figure_data import (
    OF_STOP,
    CodonBar,
    Piece,
    Readings,
    Rows,
    codon_bars,
    codon_ends,
    pooled_codes,
    stop_pieces,
    unambiguous,
)
from opengenome_assets.tables.layout import ABSENT, BASES, UNKNOWN, printed_lines
from opengenome_assets.tables.picture import COLOUR_MAP, ink_on, rates_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATE = "codons per thousand"
_UNKNOWN_MEANING = "A question mark stands for codons that the genetic codes read differently."


def all_codons(rows: Rows, expected: Mapping[str, float]) -> Picture:
    """Bars of all codons by amino acid, with a mark at what the bases alone would give."""
    bars = codon_bars(rows, expected)
    half = next((i for i in range(len(bars) // 2, len(bars)) if _starts_family(bars, i)), len(bars))
    top = max((height for bar in bars for height in (bar.per_thousand, bar.expected or 0)), default=0) or 1

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(2, 1, sharey=True)
        for axes, part in zip(panels, (bars[:half], bars[half:]), strict=True):
            _bars_by_family(axes, part)
            axes.set_ylim(0, top * 1.08)

    return picture(
        "codons",
        "All codons",
        "Bars of codons per thousand, grouped by amino acid."
        + (" A short line marks what the bases alone would give." if expected else "")
        + (f" {_UNKNOWN_MEANING}" if any(bar.letter == UNKNOWN for bar in bars) else "")
        + f" {_extremes(rows)}",
        (9, 5.4),
        draw,
    )


def _bars_by_family(axes: "Axes", bars: list[CodonBar]) -> None:
    """Bars side by side, with a gap between amino acids and the letter of each below."""
    places: list[float] = []
    families: dict[str, list[float]] = {}
    at = 0.0
    for i, bar in enumerate(bars):
        at += 1.0 if i == 0 or not _starts_family(bars, i) else 1.7
        places.append(at)
        families.setdefault(bar.letter, []).append(at)
    colours = [BASE_COLOURS[bar.colour] for bar in bars]
    axes.bar(places, [bar.per_thousand for bar in bars], width=0.86, color=colours)
    marks = [np.nan if bar.expected is None else bar.expected for bar in bars]
    axes.scatter(places, marks, marker="_", s=70, color=INK, linewidths=1.2)
    axes.set_xticks(places, [bar.codon for bar in bars], rotation=90, family="monospace", fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(RATE)
    axes.set_xlim(places[0] - 1 if places else 0, at + 1)
    for letter, members in families.items():
        middle = sum(members) / len(members)
        axes.text(
            middle, -0.21, letter, ha="center", va="top", weight="bold", transform=axes.get_xaxis_transform()
        )
    plain_grid(axes, "y")


def heat_map(
    rows: Rows, *, name: str = "heat_map", title: str = "Heat map in the layout of the code"
) -> Picture:
    """The table as textbooks print it, each cell coloured by its rate."""
    lines = printed_lines(rows)
    rates = rates_of(lines)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        top = max(rates[np.isfinite(rates)], default=0) or 1
        image = axes.pcolormesh(
            np.ma.masked_invalid(rates), cmap=COLOUR_MAP, vmin=0, vmax=top, edgecolors=PAPER, linewidth=0.8
        )
        colours = image.to_rgba(np.nan_to_num(rates))
        for (down, across), rate in np.ndenumerate(rates):
            cell = lines[down][across]
            ink = ink_on(*colours[down, across, :3]) if np.isfinite(rate) else QUIET
            value = f"{rate:.1f}" if np.isfinite(rate) else ABSENT
            write = partial(axes.text, y=down + 0.5, color=ink, va="center", in_layout=False)
            write(across + 0.12, s=cell.codon, family="monospace", fontsize=10)
            write(across + 0.52, s=cell.letter, ha="center", weight="bold")
            write(across + 0.9, s=value, ha="right")
        axes.set_xticks(np.arange(4) + 0.5, list(BASES))
        axes.set_yticks(np.arange(16) + 0.5, list(BASES * 4))
        axes.tick_params(length=0, labelsize=10)
        axes.xaxis.tick_top()
        axes.yaxis.tick_right()
        axes.invert_yaxis()
        for block, base in enumerate(BASES):
            axes.text(-0.12, 4 * block + 2, base, ha="center", va="center", fontsize=13, weight="bold")
            axes.axhline(4 * block, color=INK, linewidth=0.8)
        axes.axhline(16, color=INK, linewidth=0.8)
        axes.spines[:].set_visible(False)
        colour_bar(figure, axes, image, RATE)

    return picture(
        name,
        title,
        "First base at the left, second at the top, third at the right; darker is more frequent. "
        + _extremes(rows),
        (7.2, 6.2),
        draw,
    )


def top_and_bottom(rows: Rows) -> Picture:
    """The ten most and the ten least used codons."""
    ends = codon_ends(rows)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, 2)
        for axes, colour, (heading, codons) in zip(panels, (BAR, ACCENT), ends.items(), strict=True):
            values = [bar.per_thousand for bar in codons]
            bars = axes.barh(range(len(codons)), values, color=colour, height=0.78)
            axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8)
            labels = [f"{bar.codon} {bar.letter}" for bar in codons]
            axes.set_yticks(range(len(codons)), labels, family="monospace")
            axes.tick_params(axis="y", length=0)
            axes.invert_yaxis()
            axes.set_title(heading, loc="left", weight="bold", fontsize=10)
            axes.set_xlabel(RATE)
            axes.margins(x=0.16)
            plain_grid(axes, "x")

    return picture(
        "top_and_bottom",
        "Most and least used codons",
        " ".join(
            f"{heading.capitalize()}: {', '.join(bar.codon for bar in codons)}."
            for heading, codons in ends.items()
        ),
        (9, 3.4),
        draw,
    )


def stop_codons(readings: Readings, expected: Mapping[str, float]) -> Picture:
    """The codons that are a stop under any of the codes, each bar split by what the codon is read as."""
    columns: dict[str, list[Piece]] = {}
    for piece in stop_pieces(readings):
        columns.setdefault(piece.column, []).append(piece)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for at, pieces in enumerate(columns.values()):
            floor = 0.0
            for piece in pieces:
                colour = BAR if piece.colour == OF_STOP else QUIET
                axes.bar(at, piece.value, bottom=floor, color=colour, width=0.6)
                floor += piece.value
        marks = [1000 * expected.get(codon, np.nan) for codon in columns]
        axes.scatter(range(len(columns)), marks, marker="_", s=900, color=INK, linewidths=1.4)
        labels = [
            "\n".join([codon, *(f"{piece.label} {piece.value:.2f}" for piece in pieces)])
            for codon, pieces in columns.items()
        ]
        axes.set_xticks(range(len(columns)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel(RATE)
        axes.margins(x=0.12, y=0.14)
        plain_grid(axes, "y")

    shown = "; ".join(
        f"{codon} {', '.join(f'{piece.label} {piece.value:.2f}' for piece in pieces)}"
        for codon, pieces in columns.items()
    )
    stops = sum(piece.value for pieces in columns.values() for piece in pieces if piece.colour == OF_STOP)
    return picture(
        "stop_codons",
        "Stop codons",
        f"Codons per thousand by what they are read as: {shown}. All stops: {stops:.2f}. {pooled_codes(readings)}",
        (max(4.0, 1.3 * len(columns) + 0.8), 3.2),
        draw,
    )


def _starts_family(bars: list[CodonBar], at: int) -> bool:
    return at == 0 or bars[at].letter != bars[at - 1].letter


def _extremes(rows: Rows) -> str:
    known = unambiguous(rows)
    if not known:
        return "There are no codons."
    most = max(known, key=lambda codon: known[codon]["count"])
    least = min(known, key=lambda codon: known[codon]["count"])
    return (
        f"Most used is {most} with {known[most]['per_thousand']:.2f} per thousand, "
        f"least used {least} with {known[least]['per_thousand']:.2f}."
    )
