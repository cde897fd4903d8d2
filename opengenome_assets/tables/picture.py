"""A small picture of the codon table, for Dagster's pages."""

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from opengenome_assets.tables.groups import ALL
from opengenome_assets.tables.layout import BASES, Cell, printed_lines, rows_of_group

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Light to dark without a turn in lightness, so that it reads without colour vision and in grey print.
COLOUR_MAP = "YlGnBu"
_LUMINANCE = (0.2126, 0.7152, 0.0722)


def ink_on(red: float, green: float, blue: float) -> str:
    """Black or white, whichever contrasts more with a background of these parts (0 to 1)."""
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    luminance = sum(weight * c for weight, c in zip(_LUMINANCE, linear, strict=True))
    # Where both contrasts of WCAG 2 are equal: (L + 0.05)² = 1.05 × 0.05.
    return "black" if luminance > math.sqrt(1.05 * 0.05) - 0.05 else "white"


def rates_of(lines: Sequence[Sequence[Cell]]) -> NDArray[np.float64]:
    """Codons per thousand of each cell, NaN where there is none."""
    return np.array(
        [[np.nan if cell.per_thousand is None else cell.per_thousand for cell in line] for line in lines]
    )


def codon_table_figure(table: pa.Table, group: str = ALL) -> "Figure":
    """Draw one group's codons per thousand as a heat map in the layout of a codon table.

    Args:
        table: schema ``CODON_FREQUENCIES``.
        group: whose rows.

    Raises:
        SettingError: the table has no such group.
    """
    from matplotlib.figure import Figure

    lines = printed_lines(rows_of_group(table, group))
    rates = rates_of(lines)
    figure = Figure(figsize=(5.2, 4.6), dpi=72, layout="constrained")
    axes = figure.add_subplot()
    top = max(rates[np.isfinite(rates)], default=0) or 1
    image = axes.imshow(np.ma.masked_invalid(rates), cmap=COLOUR_MAP, vmin=0, vmax=top, aspect="auto")
    colours = image.to_rgba(np.nan_to_num(rates))
    for (down, across), rate in np.ndenumerate(rates):
        cell = lines[down][across]
        ink = ink_on(*colours[down, across, :3]) if np.isfinite(rate) else "grey"
        text = f"{cell.codon} {cell.letter}"
        axes.text(across, down, text, color=ink, ha="center", va="center", fontsize=8, family="monospace")
    axes.set_xticks(range(4), list(BASES))
    axes.set_yticks(range(16), list(BASES * 4))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for block in (3.5, 7.5, 11.5):
        axes.axhline(block, color="white", linewidth=2)
    figure.colorbar(image, ax=axes, label="codons per thousand", fraction=0.05)
    return figure


def codon_table_png(table: pa.Table, group: str = ALL) -> bytes:
    """``codon_table_figure`` as a PNG of about 30 kB.

    The same table and version of matplotlib give the same bytes.

    Raises:
        SettingError: the table has no such group.
    """
    png = io.BytesIO()
    codon_table_figure(table, group).savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()
