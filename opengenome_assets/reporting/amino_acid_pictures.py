"""Pictures of the amino acids: how often each is coded for, and by which of its codons."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.codons.genetic_codes import STOP
from opengenome_assets.reporting.drawing import BAR, BASE_COLOURS, INK, QUIET, Picture, picture, plain_grid
from opengenome_assets.tabulating.layout import BASES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Mapping[str, Mapping[str, Any]]


def amino_acid_names() -> dict[str, str]:
    """Three letters for one, and the stop's."""
    from Bio.Data.IUPACData import protein_letters_1to3

    return {**protein_letters_1to3, STOP: "stop"}


def amino_acid_rows(rows: Rows) -> list[tuple[str, str, int, float]]:
    """Letter, name, codons, per thousand of each amino acid, most frequent first.

    Codons whose meaning differs between the genetic codes at hand are left out.
    """
    names = amino_acid_names()
    totals: dict[str, tuple[int, float]] = {}
    for codon in CODONS:
        row = rows.get(codon)
        if row is not None and row["amino_acid"] is not None and row["per_thousand"] is not None:
            count, rate = totals.get(row["amino_acid"], (0, 0.0))
            totals[row["amino_acid"]] = (count + row["count"], rate + row["per_thousand"])
    ranked = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    return [(letter, names[letter], count, rate) for letter, (count, rate) in ranked]


def amino_acid_usage(rows: Rows) -> Picture:
    """Bars of codons per thousand for each amino acid and the stop."""
    usage = amino_acid_rows(rows)

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        rates = [rate for *_, rate in usage]
        colours = [QUIET if letter == STOP else BAR for letter, *_ in usage]
        bars = axes.bar(range(len(usage)), rates, color=colours, width=0.8)
        axes.bar_label(bars, [f"{rate:.0f}" for rate in rates], padding=2, fontsize=8)
        axes.set_xticks(range(len(usage)), [f"{name}\n{letter}" for letter, name, *_ in usage])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("codons per thousand")
        axes.margins(x=0.02)
        plain_grid(axes, "y")

    shown = ", ".join(f"{name} {rate:.1f}" for _, name, _, rate in usage)
    return picture("amino_acids", "Amino acids", f"Codons per thousand: {shown}.", (9, 3.2), draw)


def rscu_by_amino_acid(rows: Rows, *, name: str = "rscu", title: str = "RSCU by amino acid") -> Picture:
    """One column for each amino acid, its codons stacked by their RSCU and named in place."""
    names = amino_acid_names()
    families: dict[str, list[str]] = {}
    for codon in CODONS:
        row = rows.get(codon)
        if row is not None and row["amino_acid"] is not None and row["rscu"] is not None:
            families.setdefault(row["amino_acid"], []).append(codon)
    letters = sorted(families, key=lambda letter: (len(families[letter]), letter))

    def draw(figure: "Figure") -> None:
        from matplotlib.patches import Patch

        axes = figure.add_subplot()
        write = partial(
            axes.text, ha="center", va="center", fontsize=7.5, family="monospace", in_layout=False
        )
        for at, letter in enumerate(letters):
            floor = 0.0
            for codon in sorted(families[letter], key=lambda codon: (codon[:2], BASES.index(codon[2]))):
                value = rows[codon]["rscu"]
                axes.bar(
                    at,
                    value,
                    bottom=floor,
                    color=BASE_COLOURS[codon[2]],
                    width=0.92,
                    edgecolor="white",
                    lw=0.7,
                )
                if value >= 0.16:
                    ink = "white" if codon[2] == "C" else "black"
                    write(at, floor + value / 2, codon, color=ink)
                floor += value
        axes.set_xticks(range(len(letters)), [f"{names[letter]}\n{letter}" for letter in letters])
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("RSCU, stacked")
        axes.set_xlim(-0.6, max(len(letters) - 0.4, 1))
        handles = [Patch(color=BASE_COLOURS[base], label=f"third base {base}") for base in BASES]
        axes.legend(handles=handles, loc="upper left", ncols=4, labelcolor=INK)
        plain_grid(axes, "y")

    favourites = ", ".join(
        f"{names[letter]} {max(families[letter], key=lambda codon: rows[codon]['rscu'])}"
        for letter in letters
        if len(families[letter]) > 1
    )
    description = (
        "Columns of an amino acid's codons, each as high as its RSCU; 1 is even use. "
        f"Preferred codons: {favourites or 'none'}."
    )
    return picture(name, title, description, (9, 4.6), draw)
