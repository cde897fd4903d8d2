"""Pictures of what surrounds the table: GC, frames, groups, batches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opengenome_assets.report.drawing import (
    ACCENT,
    BAR,
    BASE_COLOURS,
    INK,
    QUIET,
    Picture,
    picture,
    plain_grid,
    short,
)
from opengenome_assets.report.figure_data import frame_bars, gc_bars
from opengenome_assets.units import format_bases, number_of, unit_of_bases

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STRANDS = {"+": BAR, "-": BASE_COLOURS["A"]}
_LABELLED_GROUPS = 12
_NAMED_BATCHES = 24
# In effective codons, as the axis beside the names counts.
_LABEL_HEIGHT = 2.4


def gc_by_position(measures: Sequence[dict[str, Any]]) -> Picture:
    """Bars of the GC content of all, with a dot for each group."""
    positions = gc_bars(measures)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        bars = axes.bar(range(len(positions)), [each.percent for each in positions], color=BAR, width=0.62)
        labels = [f"{each.percent:.1f}" for each in positions]
        axes.bar_label(bars, labels, label_type="center", color="white", weight="bold")
        for at, each in enumerate(positions):
            dots = each.groups
            spread = at + np.linspace(-0.22, 0.22, len(dots)) if len(dots) > 1 else [at] * len(dots)
            axes.scatter(spread, dots, s=22, color=ACCENT, edgecolors="white", linewidths=0.7, zorder=3)
        axes.set_xticks(range(len(positions)), [each.position for each in positions])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("G and C, %")
        axes.set_xlabel("codon position")
        plain_grid(axes, "y")

    values = ", ".join(f"{each.position} {each.percent:.1f}" for each in positions).replace("\n", " ")
    dots = " A dot stands for each group." if len(measures) > 1 else ""
    return picture(
        "gc",
        "GC by codon position",
        f"Percent of G and C by codon position: {values}.{dots}",
        (6.4, 3.4),
        draw,
    )


def six_frames(frames: Sequence[dict[str, Any]]) -> Picture:
    """Bars of the stops in each frame, with a mark at what the bases alone would give."""
    known = frame_bars(frames)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        colours = [_STRANDS[each.colour] for each in known]
        bars = axes.bar(range(len(known)), [each.stops for each in known], color=colours, width=0.66)
        labels = [f"{each.stops:.1f}" for each in known]
        axes.bar_label(bars, labels, label_type="center", color="white", weight="bold")
        expected = [each.expected for each in known]
        axes.scatter(range(len(known)), expected, marker="_", s=1500, color=INK, linewidths=1.4)
        axes.set_xticks(range(len(known)), [each.frame for each in known])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("stops per thousand codons")
        axes.set_xlabel("strand and frame")
        axes.margins(y=0.12)
        plain_grid(axes, "y")

    values = "; ".join(f"frame {each.frame} {each.stops:.1f}, expected {each.expected:.1f}" for each in known)
    return picture(
        "six_frames", "Stops in all six frames", f"Stops per thousand codons: {values}.", (6.4, 3.4), draw
    )


def drawn_groups(measures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups that have an effective number of codons: of one genetic code, and with enough codons."""
    return [row for row in measures[1:] if row["enc_wright"] is not None and row["gc3s"] is not None]


def groups_by_enc(measures: Sequence[dict[str, Any]]) -> Picture:
    """Effective number of codons over GC3s, with Wright's curve of even use at that GC3s."""
    points = drawn_groups(measures)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        s = np.linspace(0.005, 0.995, 199)
        axes.plot(s, 2 + s + 29 / (s**2 + (1 - s) ** 2), color=QUIET, linewidth=1.2)
        axes.scatter(
            [row["gc3s"] for row in points],
            [row["enc_wright"] for row in points],
            s=36,
            color=ACCENT,
            zorder=3,
        )
        if len(points) <= _LABELLED_GROUPS:
            _label_at_the_right(
                axes, [(row["gc3s"], row["enc_wright"], short(row["group"])) for row in points]
            )
        axes.set(xlim=(0, 1), ylim=(20, 63), xlabel="GC3s", ylabel="effective number of codons")
        plain_grid(axes, "both")

    values = ", ".join(
        f"{short(row['group'])} {row['enc_wright']:.1f} at {row['gc3s']:.2f}"
        for row in points[:_LABELLED_GROUPS]
    )
    return picture(
        "groups",
        "Groups by effective number of codons and GC3s",
        f"A point for each group; below Wright's curve, codons are chosen beyond GC3s. {values}.",
        (6.4, 4.2),
        draw,
    )


def _label_at_the_right(axes: "Axes", points: list[tuple[float, float, str]]) -> None:
    """Names beside the axes, from top to bottom as the points are, each with a line to its point."""
    lowest = 62.0
    for x, y, name in sorted(points, key=lambda point: -point[1]):
        lowest = min(lowest - _LABEL_HEIGHT, y)
        axes.annotate(
            name,
            (x, y),
            xytext=(1.02, lowest),
            va="center",
            arrowprops={"arrowstyle": "-", "color": QUIET, "linewidth": 0.5, "shrinkB": 3},
        )


def batches(table: pa.Table) -> Picture:
    """Bases of each batch, and how fast a core counted them where that is known."""
    keys = table["key"].to_pylist()
    bases = np.array(table["bases"].to_pylist(), dtype=np.float64)
    seconds = np.array(table["seconds"].to_pylist(), dtype=np.float64)
    timed = np.isfinite(seconds) & (seconds > 0)
    unit, size = unit_of_bases(bases.max(initial=0))
    rates = np.divide(bases, seconds, out=np.full(len(keys), np.nan), where=timed)

    fastest = np.nanmax(rates, initial=0)
    rate_unit, rate_size = unit_of_bases(fastest)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(2 if timed.any() else 1, 1, sharex=True, squeeze=False)[:, 0]
        places = np.arange(len(keys))
        many = len(keys) > _NAMED_BATCHES
        panels[0].bar(places, bases / size, color=BAR, width=1.0 if many else 0.7)
        panels[0].set_ylabel(unit)
        if timed.any():
            panels[1].plot(
                places, rates / rate_size, "." if many else "o", color=ACCENT, markersize=4 if many else 7
            )
            panels[1].set_ylabel(f"{rate_unit} per second per core")
            panels[1].set_ylim(0, 1.1 * fastest / rate_size)
        for axes in panels:
            plain_grid(axes, "y")
        if many:
            panels[-1].set_xlabel("batch")
        else:
            panels[-1].set_xticks(places, [short(key) for key in keys], rotation=35, ha="right")

    total = f"{number_of(len(keys), 'batch')} of {format_bases(bases.sum())} together"
    speed = (
        f", {format_bases(np.nanmin(rates))} to {format_bases(fastest)} per second per core"
        if timed.any()
        else ""
    )
    return picture("batches", "Batches", f"{total}{speed}.", (9, 4.2 if timed.any() else 2.6), draw)
