"""A small picture of the codon table, to stand inline in Dagster's pages."""

import io
import math

import numpy as np
import pyarrow as pa

from opengenome_assets.tabulating.layout import BASES, codons_of_line, rows_of_group
from opengenome_assets.tabulating.tally import ALL

# Light to dark without a turn in lightness, so that it reads without colour vision and in grey print.
COLOUR_MAP = "YlGnBu"
_LUMINANCE = (0.2126, 0.7152, 0.0722)


def ink_on(red: float, green: float, blue: float) -> str:
    """Black or white, whichever contrasts more with a background of these parts (0 to 1)."""
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    luminance = sum(weight * c for weight, c in zip(_LUMINANCE, linear, strict=True))
    # Where both contrasts of WCAG 2 are equal: (L + 0.05)² = 1.05 × 0.05.
    return "black" if luminance > math.sqrt(1.05 * 0.05) - 0.05 else "white"


def codon_table_png(table: pa.Table, group: str = ALL) -> bytes:
    """Draw one group's codons per thousand as a heat map in the layout of a codon table.

    Args:
        table: schema ``CODON_FREQUENCIES``.
        group: whose rows.

    Returns:
        A PNG of about 30 kB; the same bytes for the same table and version of matplotlib.

    Raises:
        SettingError: the table has no such group.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = rows_of_group(table, group)
    lines = [codons_of_line(first, third) for first in BASES for third in BASES]
    rates = np.array([[_rate(rows.get(codon)) for codon in line] for line in lines])

    figure = Figure(figsize=(5.2, 4.6), dpi=72, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    top = max(rates[np.isfinite(rates)], default=0) or 1
    image = axes.imshow(np.ma.masked_invalid(rates), cmap=COLOUR_MAP, vmin=0, vmax=top, aspect="auto")
    colours = image.to_rgba(np.nan_to_num(rates))
    for (down, across), rate in np.ndenumerate(rates):
        codon = lines[down][across]
        letter = (rows[codon]["amino_acid"] or "?") if codon in rows else "–"
        ink = ink_on(*colours[down, across, :3]) if np.isfinite(rate) else "grey"
        text = f"{codon} {letter}"
        axes.text(across, down, text, color=ink, ha="center", va="center", fontsize=8, family="monospace")
    axes.set_xticks(range(4), list(BASES))
    axes.set_yticks(range(16), list(BASES * 4))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for block in (3.5, 7.5, 11.5):
        axes.axhline(block, color="white", linewidth=2)
    figure.colorbar(image, ax=axes, label="codons per thousand", fraction=0.05)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _rate(row: dict[str, float | None] | None) -> float:
    rate = None if row is None else row["per_thousand"]
    return np.nan if rate is None else rate
