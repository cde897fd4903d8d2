import io

import pytest
from PIL import Image

from opengenome_assets.errors import SettingError
from opengenome_assets.tabulating.frequencies import codon_frequencies
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.picture import codon_table_png, ink_on
from opengenome_assets_tests.tabulating.tables import counts_table, needs_genomes, oracle_counts


def table_of(codons, **parameters):
    return codon_frequencies(counts_table(codons), TableParameters(**parameters))


@needs_genomes
def test_the_picture_of_real_genomes_is_a_png_of_at_most_40_kb():
    png = codon_table_png(table_of(oracle_counts()))
    assert len(png) <= 40_000
    assert Image.open(io.BytesIO(png)).size == (374, 331)


def test_the_same_table_gives_the_same_bytes():
    table = table_of({"AAA": 1, "TTT": 3})
    assert codon_table_png(table) == codon_table_png(table)


@pytest.mark.parametrize(
    ("codons", "parameters"), [({}, {}), ({"AAA": 1}, {"skip_stops": True}), ({"AAA": 5}, {"min_count": 2})]
)
def test_tables_with_nulls_or_without_rows_have_a_picture_too(codons, parameters):
    assert codon_table_png(table_of(codons, **parameters)).startswith(b"\x89PNG")


def test_a_group_that_is_not_there_is_refused_with_the_groups_that_are():
    with pytest.raises(SettingError, match=r"no group 'yeast'\. It has: all"):
        codon_table_png(table_of({"AAA": 1}), group="yeast")


@pytest.mark.parametrize(
    ("colour", "ink"), [((1, 1, 1), "black"), ((0, 0, 0), "white"), ((0, 0, 1), "white")]
)
def test_ink_is_black_on_light_and_white_on_dark(colour, ink):
    assert ink_on(*colour) == ink
