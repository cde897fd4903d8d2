"""Pictures of sums over the codons: amino acids, RSCU, stops, GC, frames, groups, batches."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.report.drawing import (
    ACCENT,
    BAR,
    BASE_COLOURS,
    INK,
    QUIET,
    RATE,
    Picture,
    name_columns,
    picture,
    plain_grid,
    short,
)
from opengenome_assets.report.figure_data import (
    Readings,
    Stacks,
    amino_acid_bars,
    amino_acid_names,
    frame_bars,
    gc_bars,
    pooled_codes,
    rscu_stacks,
    spread_bars,
    stop_stacks,
    without_value,
)
from opengenome_assets.tables.groups import AMBIGUOUS
from opengenome_assets.tables.text import BASES
from opengenome_assets.units import format_bases, number_of, unit_of_bases

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NO_AMINO_ACID = {STOP: QUIET, AMBIGUOUS: ACCENT}
# Lower pieces have no room for the codon.
_LOWEST_LABELLED = 0.16
_STRANDS = {"+": BAR, "−": BASE_COLOURS["A"]}
_LABELLED_GROUPS = 12
_SPREAD_LABELS = {"gc3": "GC3", "enc_wright": "effective number of codons"}
_NAMED_BATCHES = 24
# In effective codons, as on the axis next to the names.
_LABEL_HEIGHT = 2.4


def amino_acid_usage(readings: Readings) -> Picture:
    """Bars of codons per thousand for each amino acid, the stops and ambiguous codons."""
    usage = amino_acid_bars(readings)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        colours = [_NO_AMINO_ACID.get(bar.letter, BAR) for bar in usage]
        bars = axes.bar(range(len(usage)), [bar.per_thousand for bar in usage], color=colours, width=0.8)
        axes.bar_label(bars, [f"{bar.per_thousand:.0f}" for bar in usage], padding=2, fontsize=8)
        name_columns(axes, [f"{bar.name}\n{bar.letter}" for bar in usage], RATE)
        axes.margins(x=0.02)

    shown = ", ".join(f"{bar.name} {bar.per_thousand:.1f}" for bar in usage)
    description = f"Codons per thousand: {shown}. {pooled_codes(readings)}"
    return picture("amino_acids", "Amino acids", description, (9, 3.2), draw)


def rscu_by_amino_acid(
    readings: Readings, *, name: str = "rscu", title: str = "RSCU by amino acid"
) -> Picture:
    """One column for each amino acid, its codons stacked by their RSCU and named in place."""
    names = amino_acid_names()
    stacks = rscu_stacks(readings)

    def draw(figure: "Figure") -> None:
        from matplotlib.patches import Patch

        axes = figure.add_subplot()
        write = partial(
            axes.text, ha="center", va="center", fontsize=7.5, family="monospace", in_layout=False
        )
        _stack(axes, stacks, lambda codon: BASE_COLOURS[codon[2]], width=0.92, edgecolor="white", lw=0.7)
        for at, codons in enumerate(stacks.values()):
            for (codon, height), top in zip(codons.items(), accumulate(codons.values()), strict=True):
                if height >= _LOWEST_LABELLED:
                    write(at, top - height / 2, codon, color="white" if codon[2] == "C" else "black")
        name_columns(axes, [f"{names[letter]}\n{letter}" for letter in stacks], "RSCU, stacked")
        axes.set_xlim(-0.6, max(len(stacks) - 0.4, 1))
        handles = [Patch(color=BASE_COLOURS[base], label=f"third base {base}") for base in BASES]
        axes.legend(handles=handles, loc="upper left", ncols=4, labelcolor=INK)

    favourites = ", ".join(
        f"{names[letter]} {max(codons, key=lambda codon: codons[codon])}"
        for letter, codons in stacks.items()
        if len(codons) > 1
    )
    description = (
        "Columns of an amino acid's codons, each as high as its RSCU; 1 is even use. "
        f"Preferred codons: {favourites or 'none'}. {pooled_codes(readings)}"
    )
    return picture(name, title, description, (9, 4.6), draw)


def stop_codons(readings: Readings, expected: Mapping[str, float]) -> Picture:
    """The codons that are a stop under any of the codes, each bar split by what the codon is read as."""
    stacks = stop_stacks(readings)
    stop = amino_acid_names()[STOP]

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        _stack(axes, stacks, lambda name: BAR if name == stop else QUIET, width=0.6)
        marks = [1000 * expected.get(codon, np.nan) for codon in stacks]
        axes.scatter(range(len(stacks)), marks, marker="_", s=900, color=INK, linewidths=1.4)
        labels = [
            "\n".join([codon, *(f"{name} {rate:.2f}" for name, rate in readings_of.items())])
            for codon, readings_of in stacks.items()
        ]
        name_columns(axes, labels, RATE)
        axes.margins(x=0.12, y=0.14)

    shown = "; ".join(
        f"{codon} {', '.join(f'{name} {rate:.2f}' for name, rate in readings_of.items())}"
        for codon, readings_of in stacks.items()
    )
    stops = sum(readings_of.get(stop, 0) for readings_of in stacks.values())
    return picture(
        "stop_codons",
        "Stop codons",
        f"Codons per thousand by what they are read as: {shown}. All stops: {stops:.2f}. {pooled_codes(readings)}",
        (max(4.0, 1.3 * len(stacks) + 0.8), 3.2),
        draw,
    )


def _stack(axes: "Axes", stacks: Stacks, colour_of: Callable[[str], str], **style: Any) -> None:
    """Draw each column's pieces on top of each other."""
    for at, pieces in enumerate(stacks.values()):
        floors = accumulate(pieces.values(), initial=0.0)
        for (name, height), floor in zip(pieces.items(), floors, strict=False):
            axes.bar(at, height, bottom=floor, color=colour_of(name), **style)


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
        name_columns(axes, [each.position for each in positions], "G and C, %")
        axes.set_xlabel("codon position")

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
        colours = [_STRANDS[each.frame[0]] for each in known]
        bars = axes.bar(range(len(known)), [each.stops for each in known], color=colours, width=0.66)
        labels = [f"{each.stops:.1f}" for each in known]
        axes.bar_label(bars, labels, label_type="center", color="white", weight="bold")
        expected = [each.expected for each in known]
        axes.scatter(range(len(known)), expected, marker="_", s=1500, color=INK, linewidths=1.4)
        name_columns(axes, [each.frame for each in known], "stops per thousand codons")
        axes.set_xlabel("strand and frame")
        axes.margins(y=0.12)

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
    """Names next to the axes, in the order of the points from top to bottom, each with a line to its point."""
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


def spread_of_sequences(spread: Sequence[Mapping[str, Any]]) -> Picture:
    """A histogram of the sequences for each measure."""
    bars_of = spread_bars(spread)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, len(bars_of), squeeze=False)[0]
        for axes, (name, bars) in zip(panels, bars_of.items(), strict=True):
            widths = [bar.high - bar.low for bar in bars]
            axes.bar(
                [bar.low for bar in bars], [bar.sequences for bar in bars], widths, align="edge", color=BAR
            )
            axes.set(xlabel=_SPREAD_LABELS[name], ylabel="sequences", xlim=(bars[0].low, bars[-1].high))
            plain_grid(axes, "y")

    without = without_value(spread)
    shown = [
        f"{_SPREAD_LABELS[name]} of {number_of(sum(bar.sequences for bar in bars), 'sequence')}, without a value "
        f"{without[name]:,}; the fullest bin is {fullest.low:.4g} to {fullest.high:.4g}"
        for name, bars in bars_of.items()
        for fullest in [max(bars, key=lambda bar: bar.sequences)]
    ]
    return picture("spread", "Single sequences", f"{'. '.join(shown)}.", (9, 3.0), draw)


def batches(table: pa.Table) -> Picture:
    """Bases of each batch, and the counting speed per core if known."""
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
