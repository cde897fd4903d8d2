"""How a picture becomes SVG that is the same bytes every time and fits a page of any colour.

Text stays text, so that it can be read aloud, searched and scaled. Everything is drawn in one ink colour
and on one paper colour that nothing else uses; within the page they become the page's own.
"""

import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

INK = "#1b1f24"
PAPER = "#fffffe"
# Grey with the same contrast on black and on white.
QUIET = "#808389"
# Okabe and Ito's colours, which differ without colour vision too: https://jfly.uni-koeln.de/color/
BASE_COLOURS = {"T": "#cc79a7", "C": "#0072b2", "A": "#009e73", "G": "#e69f00"}
BAR = "#3b8bc2"
ACCENT = "#d55e00"
# Lightness falls steadily, so it reads without colour vision and in grey print.
COLOUR_MAP = "YlGnBu"
RATE = "codons per thousand"

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    # A dollar sign in a group's name is a dollar sign.
    "text.parse_math": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": PAPER,
    "legend.frameon": False,
}
_NOT_FOR_DISPLAY = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.DOTALL)
_FONT_FAMILY = re.compile(r"'DejaVu Sans'(, [^;\"]*)?sans-serif|'DejaVu Sans'")
_UNPRINTABLE = re.compile(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        name: stem of its file, and of all ids within it.
        title: a few words.
        description: what there is to see, for those who do not see it.
        svg: as a separate file, dark on white.
    """

    name: str
    title: str
    description: str
    svg: str

    @property
    def inline(self) -> str:
        """The SVG for a page: in the colours of its text and background."""
        return self.svg.replace(INK, "currentColor").replace(PAPER, "var(--paper)")


def picture(
    name: str, title: str, description: str, size: tuple[float, float], draw: Callable[["Figure"], None]
) -> Picture:
    """Draw on a new figure of this size (inches of 72 units) and keep the SVG."""
    return Picture(name, title, description, _finish(_drawn(name, size, draw), name, title, description))


def _drawn(name: str, size: tuple[float, float], draw: Callable[["Figure"], None]) -> str:
    """The SVG as matplotlib writes it."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg = io.StringIO()
    # The salt makes matplotlib's ids the same every time.
    settings: Any = _SETTINGS | {"svg.hashsalt": name}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # Letters that matplotlib's font lacks are drawn by the browser, with another font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        # savefig would draw twice: it draws everything once more just for the layout.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(svg, metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def _finish(svg: str, name: str, title: str, description: str) -> str:
    """Drop the file's header, make ids unique within a page, and say what the picture shows."""
    title, description = (_UNPRINTABLE.sub(" ", text) for text in (title, description))
    svg = _FONT_FAMILY.sub("system-ui, sans-serif", _NOT_FOR_DISPLAY.sub("", svg)).strip()
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    texts = (
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    opening = f'<svg role="img" aria-labelledby="{name}-title {name}-desc" '
    return re.sub(r"<svg (.*?)>", lambda match: f"{opening}{match[1]}>{texts}", svg, count=1, flags=re.DOTALL)


def ink_on(red: float, green: float, blue: float) -> str:
    """Black or white, the one with more contrast to a background of these parts (0 to 1)."""
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    # Where both contrasts of WCAG 2 are equal: (L + 0.05)² = 1.05 × 0.05.
    return "black" if luminance > math.sqrt(1.05 * 0.05) - 0.05 else "white"


def short(text: str, length: int = 22) -> str:
    """A group's name as a label: on one line, printable, and not too long."""
    text = _UNPRINTABLE.sub(" ", " ".join(text.split()))
    return text if len(text) <= length else text[: length - 1] + "…"


def colour_bar(figure: "Figure", axes: "Axes", mappable: "ScalarMappable", label: str) -> None:
    """A scale next to the axes, in steps, because a smooth one would be a bitmap in the SVG."""
    from matplotlib.cm import ScalarMappable

    steps = ScalarMappable(mappable.norm, mappable.cmap.resampled(24))
    bar = figure.colorbar(steps, ax=axes, label=label, fraction=0.035, pad=0.03, shrink=0.6)
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")
    bar.ax.spines[:].set_visible(False)


def plain_grid(axes: "Axes", axis: Any) -> None:
    """Quiet lines behind the data."""
    axes.grid(axis=axis, color=QUIET, linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)


def name_columns(
    axes: "Axes", labels: Sequence[str], unit: str, places: Sequence[float] | None = None, **style: Any
) -> None:
    """Name the columns below and the unit of their heights at the side, with quiet lines behind."""
    axes.set_xticks(range(len(labels)) if places is None else places, labels, **style)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel(unit)
    plain_grid(axes, "y")
