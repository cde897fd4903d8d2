"""What headers state: modifiers, Ensembl's names, words."""

from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.headers import facts_of_headers


def facts(descriptions: Sequence[str | None], seq_id: str = "s") -> list[dict[str, object]]:
    """The known facts of each record, without its id."""
    ids = pa.array([seq_id] * len(descriptions), pa.string())
    table, _ = facts_of_headers(ids, pa.array(descriptions, pa.string()))
    assert table.schema.equals(FACTS)
    return [
        {name: value for name, value in row.items() if value is not None and name != "seq_id"}
        for row in table.to_pylist()
    ]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (
            "Felis catus mitochondrion, complete genome",
            {"organelle": "mitochondrion", "title": "Felis catus mitochondrion, complete genome"},
        ),
        ("[organelle=mitochondrion] [gcode=2]", {"organelle": "mitochondrion", "genetic_code": 2}),
        ("[location=mitochondrion] [gcode=1] [mgcode=5]", {"organelle": "mitochondrion", "genetic_code": 5}),
        ("[location=kinetoplast] [gcode=1] [mgcode=4]", {"organelle": "kinetoplast", "genetic_code": 4}),
        (
            "[location=chloroplast] [gcode=1] [mgcode=1] [pgcode=11]",
            {"organelle": "plastid", "genetic_code": 11},
        ),
        ("[ Location = Apicoplast ][pgcode=4]", {"organelle": "apicoplast", "genetic_code": 4}),
        ("[mgcode=2] [pgcode=11]", {}),
        ("[gcode=6]", {"genetic_code": 6}),
        (
            '[organism="Felis catus"] [taxid=9685] Felis catus, complete genome [topology=circular]',
            {"organism": "Felis catus", "taxid": 9685, "title": "Felis catus, complete genome"},
        ),
        ("[location=genomic] a mitochondrion", {"title": "a mitochondrion"}),
        ("[gene=ND1] [location=2747..3703] [gbkey=CDS]", {}),
        ("[organism=] [organelle=] a plastid", {"organelle": "plastid", "title": "a plastid"}),
        ("a protein [Homo sapiens]", {"title": "a protein [Homo sapiens]"}),
        ("", {}),
        (None, {}),
    ],
)
def test_headers_of_ncbi(description: str | None, expected: dict[str, object]) -> None:
    assert facts([description]) == [expected]


@pytest.mark.parametrize(
    ("description", "organelle"),
    [
        ("dna:chromosome chromosome:GRCh38:MT:1:16569:1 REF", "mitochondrion"),
        ("dna_sm:primary_assembly primary_assembly:R64-1-1:Mito:1:85779:1 REF", "mitochondrion"),
        ("dna:chromosome chromosome:WBcel235:MtDNA:1:13794:1 REF", "mitochondrion"),
        ("dna_rm:chromosome chromosome:BDGP6.46:mitochondrion_genome:1:19524:1 REF", "mitochondrion"),
        ("dna:chromosome chromosome:TAIR10:Pt:1:154478:1 REF", "plastid"),
        ("dna:chromosome chromosome:IRGSP-1.0:chloroplast:1:134525:1", "plastid"),
        ("dna:plasmid plasmid:ASM584v2:F:1:99159:1 REF", "plasmid"),
        ("cdna chromosome:GRCh38:MT:3307:4262:1 gene:ENSG00000198888.2", "mitochondrion"),
        ("dna:chromosome chromosome:GRCh38:1:1:248956422:1 REF", None),
        ("cdna chromosome:GRCh38:1:3307:4262:-1 description:mitochondrial carrier 1", None),
        ("chromosome MT", None),
    ],
)
def test_names_of_ensembl(description: str, organelle: str | None) -> None:
    assert facts([description])[0].get("organelle") == organelle


def test_only_the_ids_of_ucsc_name_an_organelle() -> None:
    ids = ["chrM", "chrMT", "chr1", "MT", "NC_012920.1", "chrM_random"]
    table, _ = facts_of_headers(pa.array(ids), pa.array([""] * 6))
    assert table["organelle"].to_pylist() == ["mitochondrion"] * 2 + [None] * 4


def test_bare_accessions_state_nothing() -> None:
    assert facts(["", ""], seq_id="NC_000834.1") == [{}, {}]


def test_invalid_modifiers_are_reported_and_not_used() -> None:
    ids = pa.array(["a", "b", "c", "d", "e"])
    descriptions = [
        "[gcode=7]",
        "[mgcode=two] [gcode=1]",
        "[taxid=0]",
        "[gcode=2]",
        "[pgcode=" + "9" * 30 + "]",
    ]
    table, refused = facts_of_headers(ids, pa.array(descriptions))
    assert table["genetic_code"].to_pylist() == [None, 1, None, 2, None]
    assert table["taxid"].null_count == 5
    expected = ["a [gcode=7]", "b [mgcode=two]", "e [pgcode=" + "9" * 30 + "]", "c [taxid=0]"]
    assert refused.to_pylist() == expected


@given(st.lists(st.one_of(st.none(), st.text(), st.text("[]=:; gcodeMT1-\n\t\"'"))))
def test_any_text_is_a_header(descriptions: list[str | None]) -> None:
    assert len(facts(descriptions)) == len(descriptions)
