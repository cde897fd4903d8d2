"""The codon wheel: bases from the centre outwards, then the amino acid."""

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.report.drawing import BASE_COLOURS, INK, PAPER, QUIET, Picture, colour_bar, picture
from opengenome_assets.report.figure_data import Rows, amino_acid_names
from opengenome_assets.tables.layout import BASES, cell_of
from opengenome_assets.tables.picture import COLOUR_MAP, ink_on, rates_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WHEEL = [first + second + third for first in BASES for second in BASES for third in BASES]
# Outer radius of the rings: three bases, then the amino acid.
_RINGS = (0.30, 0.52, 0.78, 1.0)
_STEP = 360 / len(_WHEEL)


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
    """Read a codon from the centre; the third ring is darker where the codon is more frequent."""
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
        colours = shades.to_rgba(np.nan_to_num(rates_of([cells])[0]))
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
        colour_bar(figure, axes, shades, "codons per thousand")

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
