"""The picture of a size's contenders: bases counted per second, on a logarithmic scale."""

from collections.abc import Mapping
from pathlib import Path

# Okabe and Ito's colours, which readers with any colour vision can distinguish. The pattern shows the same without colour.
_OWN, _LIMIT, _PEER = ("#0072B2", ""), ("#999999", "//"), ("#E69F00", "")


def draw(bars: Mapping[str, tuple[float, float, float]], own: str, limit: str, path: Path) -> None:
    """Draw the contenders, the fastest on top.

    Args:
        bars: contender → median, minimum and maximum in Mbp/s.
        own: what this project's contenders begin with.
        limit: the name of the limit.
        path: of the SVG file.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    ordered = sorted(bars.items(), key=lambda bar: bar[1][0])
    names = [name for name, _ in ordered]
    median, low, high = (list(figures) for figures in zip(*(spread for _, spread in ordered), strict=True))
    looks = [_OWN if name.startswith(own) else _LIMIT if name == limit else _PEER for name in names]
    # The same figures give the same file: no random ids, no date.
    with rc_context({"svg.hashsalt": "bench", "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 0.9 + 0.42 * len(names)), layout="constrained")
        axes = figure.subplots()
        spans = [
            [m - a for m, a in zip(median, low, strict=True)],
            [b - m for m, b in zip(median, high, strict=True)],
        ]
        drawn = axes.barh(
            names, median, xerr=spans, color=[look[0] for look in looks], ecolor="#333333", capsize=2
        )
        for bar, look in zip(drawn, looks, strict=True):
            bar.set_hatch(look[1])
        for place, (rate, top) in enumerate(zip(median, high, strict=True)):
            axes.text(top * 1.08, place, f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}", va="center")
        axes.set_xscale("log")
        axes.set_xlim(min(low) / 2, max(high) * 3)
        axes.set_xlabel("Mbp a second, wall time, logarithmic")
        axes.spines[["top", "right"]].set_visible(False)
        path.parent.mkdir(parents=True, exist_ok=True)
        FigureCanvasSVG(figure).print_svg(str(path), metadata={"Date": None})
