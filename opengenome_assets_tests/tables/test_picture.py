import io

import numpy as np
import pytest
from Bio.Data.CodonTable import unambiguous_dna_by_id
from PIL import Image

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets.tables.picture import codon_table_figure, codon_table_png, ink_on
from opengenome_assets_tests.tables.tables import counts_table, needs_genomes, oracle_counts

PRINTED = [a + b + c for a in "TCAG" for c in "TCAG" for b in "TCAG"]
DISTINCT = {codon: 7 + 3 * (29 * place % 64) for place, codon in enumerate(CODONS)}


def table_of(codons, **parameters):
    return codon_frequencies(counts_table(codons), TableParameters(**parameters))


def drawn(codons, **parameters):
    """Text and rate of each cell, in the order in which they are read."""
    axes, _ = codon_table_figure(table_of(codons, **parameters)).axes
    rates = axes.images[0].get_array()
    return [
        (text.get_text(), rates[round(y), round(x)]) for text in axes.texts for x, y in [text.get_position()]
    ]


def test_each_cell_of_the_picture_has_its_codons_rate():
    letters = unambiguous_dna_by_id[4].forward_table
    cells = drawn(DISTINCT, genetic_code=4)
    assert [text for text, _ in cells] == [f"{codon} {letters.get(codon, '*')}" for codon in PRINTED]
    total = sum(DISTINCT.values())
    rates = [1000 * DISTINCT[codon] / total for codon in PRINTED]
    assert [rate for _, rate in cells] == pytest.approx(rates, rel=1e-12)


def test_bases_beside_the_picture_are_those_of_its_cells():
    axes, _ = codon_table_figure(table_of(DISTINCT)).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == list("TCAG")
    assert [label.get_text() for label in axes.get_yticklabels()] == list("TCAG" * 4)


@pytest.mark.parametrize("codon", ["GTA", "TGC"])
def test_the_only_codon_is_the_one_dark_cell_of_the_png(codon):
    # No cell but this has the darkest blue; the scale beside it has a line of it at its upper end.
    pixels = np.asarray(Image.open(io.BytesIO(codon_table_png(table_of({codon: 3})))).convert("RGB")).astype(
        int
    )
    light = np.abs(pixels - (255, 255, 217)).sum(axis=2) < 6
    dark = np.abs(pixels - (8, 29, 88)).sum(axis=2) < 6
    down, across = np.nonzero(light[:, :300] | dark[:, :300])
    top, left = down.min(), across.min()
    height, width = (down.max() + 1 - top) / 16, (across.max() + 1 - left) / 4
    places = np.argwhere(dark[:, :300])
    middle = places.mean(axis=0)
    at = PRINTED.index(codon)
    assert ((middle[0] - top) // height, (middle[1] - left) // width) == (at // 4, at % 4)


@needs_genomes
def test_the_picture_of_real_genomes_is_a_png_of_at_most_40_kb():
    png = codon_table_png(table_of(oracle_counts()))
    assert len(png) <= 40_000
    assert Image.open(io.BytesIO(png)).size == (374, 331)


def test_the_same_table_gives_the_same_bytes():
    table = table_of({"AAA": 1, "TTT": 3})
    assert codon_table_png(table) == codon_table_png(table)


@pytest.mark.parametrize(
    ("codons", "parameters", "cells"),
    [
        ({}, {}, {"AAA K": None, "CCC P": None}),
        ({"AAA": 1}, {"skip_stops": True}, {"AAA K": 1000, "CCC P": 0, "TAA –": None}),
        ({"AAA": 5}, {"min_count": 2}, {"AAA K": 1000, "CCC –": None}),
    ],
)
def test_cells_without_a_rate_are_empty(codons, parameters, cells):
    found = {text: None if rate is np.ma.masked else rate for text, rate in drawn(codons, **parameters)}
    assert len(found) == 64
    assert {text: found[text] for text in cells} == cells


def test_a_group_that_is_not_there_is_refused_with_the_groups_that_are():
    with pytest.raises(SettingError, match=r"no group 'yeast'\. It has: all"):
        codon_table_png(table_of({"AAA": 1}), group="yeast")


@pytest.mark.parametrize(
    ("colour", "ink"), [((1, 1, 1), "black"), ((0, 0, 0), "white"), ((0, 0, 1), "white")]
)
def test_ink_is_black_on_light_and_white_on_dark(colour, ink):
    assert ink_on(*colour) == ink
