"""Organelles by the words of titles and of NCBI's fields."""

import pyarrow as pa
import pytest

from opengenome_assets.metadata.organelles import (
    ORGANELLES,
    UNCLASSED,
    WORDS,
    organelles_of_titles,
    organelles_of_words,
)

TITLES = {
    "Felis catus mitochondrion, complete genome": "mitochondrion",
    "Paramecium aurelia mitochondrial complete genome": "mitochondrion",
    "Xenopus laevis (African clawed frog) MITOCHONDRIAL DNA": "mitochondrion",
    "Felis_catus_mitochondrion": "mitochondrion",
    "Homo sapiens genome assembly, organelle: mitochondrion": "mitochondrion",
    "Cucumis sativus mitochondrion chromosome 2, complete sequence": "mitochondrion",
    "Leishmania tarentolae kinetoplast, complete genome": "kinetoplast",
    "Trypanosoma brucei mitochondrion, kinetoplast maxicircle": "kinetoplast",
    "Porphyra purpurea chloroplast, complete genome": "plastid",
    "Oenothera elata subsp. hookeri plastid plastome I, complete sequence": "plastid",
    "Cyanophora paradoxa cyanelle, complete genome": "plastid",
    "Toxoplasma gondii RH apicoplast, complete genome": "apicoplast",
    "Plasmodium falciparum 3D7 plastid (apicoplast), complete genome": "apicoplast",
    "Paulinella chromatophora chromatophore, complete genome": "chromatophore",
    "Guillardia theta nucleomorph chromosome 1, complete sequence": "nucleomorph",
    "Nyctotherus ovalis hydrogenosome, partial genome": "hydrogenosome",
    "Escherichia coli plasmid pX, complete sequence": "plasmid",
    "Tetrahymena thermophila macronuclear, whole genome shotgun sequence": "nuclear",
    "Saccharomyces cerevisiae nuclear genome": "nuclear",
    # GenBank's end of the titles of genes.
    "Felis catus cytochrome b (cytb) gene, partial cds; mitochondrial": "mitochondrion",
    "Zea mays tRNA-Leu (trnL) gene, partial sequence; chloroplast.": "plastid",
}
WITHOUT_A_CLASS = [
    "",
    "Felis catus chromosome A1, whole genome shotgun sequence",
    "Plasmodium falciparum 3D7 chromosome 14, complete sequence",
    "Candidatus Midichloria mitochondrii, complete genome",
    "Paulinella chromatophora isolate 1",
    "Kinetoplastibacterium crithidii, complete genome",
    "Aspergillus niger mitochondrion-like element",
    "Klebsiella plasmid-mediated beta-lactamase region",
    # Words of two classes.
    "Zea mays mitochondrial plasmid, complete sequence",
    "Zea mays mitochondrion, chloroplast-derived region of the chloroplast",
    # The proteins of nuclear genes work in organelles.
    "Homo sapiens superoxide dismutase 2 (SOD2), mRNA; nuclear gene for mitochondrial product",
    "Felis catus ATP synthase subunit delta, mitochondrial (ATP5F1D), transcript variant 2",
    "Homo sapiens RNA polymerase mitochondrial (POLRMT), RefSeqGene on chromosome 19",
    "Zea mays nuclear-encoded chloroplast sigma factor",
    "Homo sapiens nuclear copy of mitochondrial DNA",
    "Felis catus mitochondrial cytochrome b gene, partial cds",
    # Other names with the word.
    "Bombyx mori nuclear polyhedrosis virus, complete genome",
]


@pytest.mark.parametrize("title", TITLES)
def test_a_word_of_the_title_gives_the_class(title: str) -> None:
    assert organelles_of_titles(pa.array([title])).to_pylist() == [TITLES[title]]


@pytest.mark.parametrize("title", WITHOUT_A_CLASS)
def test_a_class_is_never_guessed(title: str) -> None:
    assert organelles_of_titles(pa.array([title])).to_pylist() == [None]


def test_titles_keep_their_places() -> None:
    titles = [None, *TITLES, None, *WITHOUT_A_CLASS]
    expected = [None, *TITLES.values(), None, *[None] * len(WITHOUT_A_CLASS)]
    assert organelles_of_titles(pa.array(titles)).to_pylist() == expected


def test_no_titles_give_no_classes() -> None:
    assert organelles_of_titles(pa.array([], pa.string())).equals(pa.array([], pa.string()))


def test_each_word_is_found_in_a_title_and_as_a_value() -> None:
    for organelle, words in WORDS.items():
        assert organelles_of_words(pa.array(words)).to_pylist() == [organelle] * len(words)
        titles = pa.array([f"Felis catus {word.upper()} DNA" for word in words])
        assert organelles_of_titles(titles).to_pylist() == [organelle] * len(words)


def test_values_of_ncbi_have_their_classes() -> None:
    values = {
        "Mitochondrion": "mitochondrion",
        " plastid:chloroplast": "plastid",
        "plastid:apicoplast": "apicoplast",
        "mitochondrion:kinetoplast": "kinetoplast",
        '"chloroplast"': "plastid",
        "macronuclear": "nuclear",
        "": None,
        "2747..3703": None,
    }
    values |= dict.fromkeys(UNCLASSED)
    assert organelles_of_words(pa.array(values)).to_pylist() == list(values.values())


def test_a_word_has_one_class() -> None:
    words = [word for words in WORDS.values() for word in words]
    assert len(words) == len(set(words))
    assert not set(words) & set(UNCLASSED)
    assert set(ORGANELLES) <= set(words)
