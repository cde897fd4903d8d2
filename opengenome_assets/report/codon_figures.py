"""Pictures of a table's 64 codons: bars, the printed table as a heat map, the wheel, most and least used."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.report.drawing import (
    ACCENT,
    BAR,
    BASE_COLOURS,
    COLOUR_MAP,
    INK,
    PAPER,
    QUIET,
    RATE,
    Picture,
    colour_bar,
    ink_on,
    name_columns,
    picture,
    plain_grid,
)
from opengenome_assets.report.figure_data import (
    CodonBar,
    Rows,
    amino_acid_names,
    codon_bars,
    codon_ends,
    unambiguous,
)
from opengenome_assets.tables.text import ABSENT, BASES, UNKNOWN, Cell, cell_of, printed_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNKNOWN_MEANING = "A question mark stands for codons that the genetic codes read differently."
_WHEEL = [first + second + third for first in BASES for second in BASES for third in BASES]
# Outer radius of the rings: three bases, then the amino acid.
_RINGS = (0.30, 0.52, 0.78, 1.0)
_STEP = 360 / len(_WHEEL)


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
    colours = [BASE_COLOURS[bar.codon[2]] for bar in bars]
    axes.bar(places, [bar.per_thousand for bar in bars], width=0.86, color=colours)
    marks = [np.nan if bar.expected is None else bar.expected for bar in bars]
    axes.scatter(places, marks, marker="_", s=70, color=INK, linewidths=1.2)
    codons = [bar.codon for bar in bars]
    name_columns(axes, codons, RATE, places, rotation=90, family="monospace", fontsize=8)
    axes.set_xlim(places[0] - 1 if places else 0, at + 1)
    for letter, members in families.items():
        middle = sum(members) / len(members)
        axes.text(
            middle, -0.21, letter, ha="center", va="top", weight="bold", transform=axes.get_xaxis_transform()
        )


def heat_map(
    rows: Rows, *, name: str = "heat_map", title: str = "Heat map in the layout of the code"
) -> Picture:
    """The table as textbooks print it, each cell coloured by its rate."""
    lines = printed_lines(rows)
    rates = _rates(lines)

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


def _rates(lines: Sequence[Sequence[Cell]]) -> NDArray[np.float64]:
    """Codons per thousand of each cell; NaN for cells without codons."""
    return np.array(
        [[np.nan if cell.per_thousand is None else cell.per_thousand for cell in line] for line in lines]
    )


class _Sector(NamedTuple):
    """A piece of a ring: its first codon's place, how many codons wide it is, and the ring from 0."""

    at: int
    width: int
    ring: int

    @property
    def inner(self) -> float:
        return _RINGS[self.ring - 1] if self.ring else 0.0

    @property
    def start(self) -> float:
        """Degrees against the clock from the right, where the wheel itself runs clockwise from the top."""
        return 90 - (self.at + self.width) * _STEP

    @property
    def end(self) -> float:
        return 90 - self.at * _STEP


def codon_wheel(rows: Rows) -> Picture:
    """A codon is read from the centre. Frequent codons are darker in the third ring."""
    cells = [cell_of(codon, rows) for codon in _WHEEL]

    def draw(figure: "Figure") -> None:
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        axes = figure.add_subplot()
        top = max((cell.per_thousand or 0 for cell in cells), default=0) or 1
        shades = ScalarMappable(Normalize(0, top), colormaps[COLOUR_MAP])
        for ring, (size, alpha) in enumerate([(15, 0.55), (11, 0.3)]):
            width = 4 ** (2 - ring)
            for at in range(0, len(_WHEEL), width):
                base = _WHEEL[at][ring]
                _paint(axes, _Sector(at, width, ring), BASE_COLOURS[base], alpha)
                _write(axes, _Sector(at, width, ring), base, size=size)
        colours = shades.to_rgba(np.nan_to_num(_rates([cells])[0]))
        for at, (cell, (red, green, blue, opacity)) in enumerate(zip(cells, colours, strict=True)):
            if cell.per_thousand is None:
                _paint(axes, _Sector(at, 1, 2), QUIET, 0.25)
                _write(axes, _Sector(at, 1, 2), cell.codon[2])
            else:
                _paint(axes, _Sector(at, 1, 2), (red, green, blue), opacity)
                _write(axes, _Sector(at, 1, 2), cell.codon[2], colour=ink_on(red, green, blue))
        names = amino_acid_names()
        for (letter, _), run in groupby(cells, key=lambda cell: (cell.letter, cell.codon[0])):
            members = list(run)
            sector = _Sector(cells.index(members[0]), len(members), 3)
            _paint(axes, sector, QUIET, 0.45 if letter == STOP else 0.14)
            _write(axes, sector, names.get(letter, letter), turn=True)
        axes.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02), aspect="equal")
        axes.set_axis_off()
        colour_bar(figure, axes, shades, RATE)

    return picture(
        "wheel",
        "Codon wheel",
        "Rings of the first, second and third base from the centre outwards, each in the order T, C, A, G "
        "clockwise from the top, and the amino acid outside. The third ring is darker for frequent codons.",
        (7.2, 6.4),
        draw,
    )


def _paint(axes: "Axes", sector: _Sector, colour: Any, alpha: float) -> None:
    from matplotlib.patches import Wedge

    radius = _RINGS[sector.ring]
    ring = {"width": radius - sector.inner}
    axes.add_patch(
        Wedge((0, 0), radius, sector.start, sector.end, facecolor=colour, alpha=alpha, lw=0, **ring)
    )
    # The gap is the page's own colour, so it cannot be an edge of the wedge with its opacity.
    axes.add_patch(
        Wedge((0, 0), radius, sector.start, sector.end, facecolor="none", edgecolor=PAPER, lw=0.8, **ring)
    )


def _write(
    axes: "Axes", sector: _Sector, text: str, *, colour: str = INK, size: float = 8.5, turn: bool = False
) -> None:
    middle = (sector.inner + _RINGS[sector.ring]) / 2 if sector.ring else 0.6 * _RINGS[0]
    angle = (sector.start + sector.end) / 2
    # Turned along the radius, and never upside down.
    rotation = (angle + 90) % 180 - 90 if turn else 0
    place = (middle * math.cos(math.radians(angle)), middle * math.sin(math.radians(angle)))
    axes.text(
        *place,
        text,
        color=colour,
        fontsize=size,
        rotation=rotation,
        ha="center",
        va="center",
        in_layout=False,
    )
