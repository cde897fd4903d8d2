"""The metadata table that is made of several sources: what each source gives, which one wins, and what is reported."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from opengenome_assets.errors import InputFormatError, NcbiError, OpengenomeError
from opengenome_assets.inputs.find import InputFile, find_files
from opengenome_assets.metadata.make import Sources, make_metadata, metadata_bytes
from opengenome_assets.metadata.metadata_table import read_metadata
from opengenome_assets.metadata.ncbi import NcbiClient
from opengenome_assets_tests.metadata.dump import ROOT, Taxon, files, write_folder
from opengenome_assets_tests.metadata.eutils_server import record_of, serve_eutils

# Codes that no default gives: 2, 3, 9 and 16.
TREE = [
    ROOT,
    Taxon(10, 1, "Animalia", "phylum", mitochondrial=2),
    Taxon(11, 10, "Felis catus"),
    Taxon(12, 10, "Canis lupus", mitochondrial=9),
    Taxon(20, 1, "Plantae", "phylum", mitochondrial=16, plastid=11),
    Taxon(21, 20, "Zea mays"),
]
RANKS = ("phylum", "species")


@pytest.fixture
def dump(tmp_path: Path) -> str:
    return write_folder(tmp_path / "dump", files(TREE, deleted=[77]))


def fasta(path: Path, records: Mapping[str, str]) -> list[InputFile]:
    """A file whose records have the given headers and as many bases as their order says."""
    path.write_text("".join(f">{header}\n{letters}\n" for header, letters in records.items()))
    return find_files(str(path))


def made(
    found: list[InputFile], *names: str, lines: list[str] | None = None, **options: Any
) -> list[dict[str, Any]]:
    log = [] if lines is None else lines
    return make_metadata(found, Sources(tuple(names), **options), log.append).to_pylist()


def test_headers_alone_make_a_table(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"c1 Felis catus mitochondrion, complete genome": "ACG", "x": "A"})
    assert made(found) == [
        {
            "seq_id": "c1",
            "group": "mitochondrion",
            "genetic_code": None,
            "organelle": "mitochondrion",
            "taxid": None,
            "organism": None,
        },
        {
            "seq_id": "x",
            "group": None,
            "genetic_code": None,
            "organelle": None,
            "taxid": None,
            "organism": None,
        },
    ]


def test_the_taxdump_adds_codes_and_lineage(tmp_path: Path, dump: str) -> None:
    found = fasta(
        tmp_path / "a.fa",
        {
            "cat x mitochondrion [organism=Felis catus]": "ACG",
            "dog x mitochondrion [taxid=12]": "ACG",
            "maize x chloroplast [taxid=21]": "ACG",
            "none x mitochondrion": "ACG",
            "maize2 [taxid=21]": "A",
        },
    )
    rows = {row.pop("seq_id"): row for row in made(found, taxdump=dump, ranks=RANKS)}
    assert [(row["genetic_code"], row["phylum"], row["organism"]) for row in rows.values()] == [
        (2, "Animalia", "Felis catus"),
        (9, "Animalia", "Canis lupus"),
        (11, "Plantae", "Zea mays"),
        (None, None, None),
        # Without an organelle, no code is guessed.
        (None, "Plantae", "Zea mays"),
    ]
    assert rows["cat"]["taxid"] == 11


def test_each_fact_is_of_the_first_source_that_has_it(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"a mitochondrion [gcode=3]": "ACG", "b chloroplast": "ACG"})
    table = tmp_path / "facts.csv"
    table.write_text("acc,taxid,organelle,genetic_code\na,5,plastid,\nb,6,,4\n")
    first = made(found, str(table), "headers")
    assert [(row["organelle"], row["genetic_code"], row["taxid"]) for row in first] == [
        ("plastid", 3, 5),
        ("plastid", 4, 6),
    ]
    second = made(found, "headers", str(table))
    assert [(row["organelle"], row["genetic_code"]) for row in second] == [
        ("mitochondrion", 3),
        ("plastid", 4),
    ]


def test_a_stated_code_wins_over_the_taxdump_and_is_reported(tmp_path: Path, dump: str) -> None:
    found = fasta(tmp_path / "a.fa", {"cat mitochondrion [taxid=11] [gcode=3]": "ACG"})
    lines: list[str] = []
    (row,) = made(found, taxdump=dump, ranks=RANKS, lines=lines)
    assert row["genetic_code"] == 3
    assert any(
        "1 record with another genetic code in the taxdump: cat (used: 3, there: 2)" in line for line in lines
    )


def test_an_id_of_two_files_is_told_apart_by_its_source(tmp_path: Path) -> None:
    found = [
        *fasta(tmp_path / "a.fa", {"chrM mitochondrion [gcode=2]": "ACG"}),
        *fasta(tmp_path / "b.fa", {"chrM mitochondrion [gcode=3]": "ACG", "x": "A"}),
    ]
    table = make_metadata(found, Sources(), lambda _: None)
    assert table.select(["seq_id", "source", "genetic_code"]).to_pylist() == [
        {"seq_id": "chrM", "source": "a.fa", "genetic_code": 2},
        {"seq_id": "chrM", "source": "b.fa", "genetic_code": 3},
        {"seq_id": "x", "source": "b.fa", "genetic_code": None},
    ]


def test_a_source_in_a_table_tells_equal_ids_apart(tmp_path: Path) -> None:
    found = [*fasta(tmp_path / "a.fa", {"chrM": "ACG"}), *fasta(tmp_path / "b.fa", {"chrM": "ACG", "x": "A"})]
    table = tmp_path / "facts.csv"
    table.write_text("seq_id,source,genetic_code\nchrM,b.fa,3\nchrM,a.fa,2\nx,a.fa,4\n")
    lines: list[str] = []
    rows = made(found, str(table), lines=lines)
    assert [(row["seq_id"], row["source"], row["genetic_code"]) for row in rows] == [
        ("chrM", "a.fa", 2),
        ("chrM", "b.fa", 3),
        ("x", "b.fa", None),
    ]
    assert f"1 id of {table} without a record: x" in lines


def test_a_repeated_id_of_one_file_has_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.fa"
    path.write_text(">r plasmid\nACG\n>r mitochondrion\nACG\n")
    lines: list[str] = []
    (row,) = made(find_files(str(path)), lines=lines)
    assert row["organelle"] == "plasmid"
    assert "1 record with the id of another record of the same file" in lines


def test_records_without_ids_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.fa"
    path.write_text(">\nACG\n>x\nACG\n")
    assert [row["seq_id"] for row in made(find_files(str(path)))] == ["x"]
    path.write_text(">\nACG\n>\nACG\n")
    with pytest.raises(InputFormatError, match="No record of the input has an id"):
        made(find_files(str(path)))


def test_other_lengths_and_unused_ids_are_reported(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"a": "ACG", "b": "ACGT"})
    table = tmp_path / "facts.csv"
    table.write_text("acc,taxid,slen\na,5,3\nb,6,5000\nc,7,1\n")
    lines: list[str] = []
    made(found, str(table), lines=lines)
    assert any("1 record of another length" in line and "b (4 bases, stated 5,000)" in line for line in lines)
    assert f"1 id of {table} without a record: c" in lines
    assert "2 records without an organelle, in the group unassigned: a, b" in lines


def test_each_group_is_reported_with_its_codes(tmp_path: Path) -> None:
    headers = [
        "a mitochondrion [gcode=2]",
        "b mitochondrion [gcode=3]",
        "c mitochondrion [gcode=3]",
        "d plastid",
    ]
    found = fasta(tmp_path / "a.fa", dict.fromkeys([*headers, "e mitochondrion [taxid=11]", "f"], "ACG"))
    lines: list[str] = []
    made(found, lines=lines)
    assert lines[-5:] == [
        "mitochondrion  4 records  code 3: 2, code 2: 1, no code: 1",
        "plastid  1 record  no code: 1",
        "1 record without an organelle, in the group unassigned: f",
        "3 records without a genetic code, read by the data set's code (OPENGENOME_GENETIC_CODE): d, e, f",
        "NCBI's taxonomy may have the code of 1 record of them: set OPENGENOME_TAXDUMP",
    ]


def test_ids_without_accessions_are_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    made(fasta(tmp_path / "a.fa", {"mine plasmid": "ACG"}), lines=lines)
    assert "no id is an accession, so NCBI is not asked: mine" in lines


def test_what_the_user_gave_is_read_before_the_input(tmp_path: Path, dump: str) -> None:
    lines: list[str] = []
    found = fasta(tmp_path / "a.fa", {"a": "ACG"})
    for sources in (
        Sources((str(tmp_path / "absent.csv"),)),
        Sources(taxdump=str(tmp_path / "absent")),
        Sources(taxdump=dump, ranks=("tribe",)),
    ):
        with pytest.raises(OpengenomeError):
            make_metadata(found, sources, lines.append)
    assert not lines


def test_taxids_without_a_taxon_are_reported(tmp_path: Path, dump: str) -> None:
    found = fasta(tmp_path / "a.fa", {"a plasmid [taxid=77]": "ACG", "b [taxid=9999]": "A"})
    lines: list[str] = []
    made(found, taxdump=dump, ranks=RANKS, lines=lines)
    assert "1 taxid deleted by NCBI: 77" in lines
    assert "1 taxid not in the taxdump: 9999" in lines


def test_a_dump_without_plastid_codes_says_what_is_used(tmp_path: Path) -> None:
    plain = write_folder(tmp_path / "plain", files(TREE, plain=True))
    found = fasta(tmp_path / "a.fa", {"a chloroplast [taxid=21]": "ACG"})
    lines: list[str] = []
    (row,) = made(found, taxdump=plain, ranks=RANKS, lines=lines)
    assert row["genetic_code"] == 11
    assert any("no plastid codes, so 1 plastid are read by code 11" in line for line in lines)


@pytest.mark.parametrize("name", ["m.tsv", "m.parquet"])
def test_the_written_table_is_a_metadata_table(tmp_path: Path, name: str) -> None:
    found = [
        *fasta(tmp_path / "a.fa", {"s mitochondrion [gcode=2]": "ACG"}),
        *fasta(tmp_path / "b.fa", {"s plasmid [organism=a tab]": "ACG", "x": "A"}),
    ]
    table = make_metadata(found, Sources(), lambda _: None)
    (tmp_path / name).write_bytes(metadata_bytes(table, as_parquet=name.endswith("parquet")))
    read = read_metadata(str(tmp_path / name))
    assert read.ids.to_pylist() == ["s", "s", "x"]
    assert read.sources is not None
    assert read.sources.to_pylist() == ["a.fa", "b.fa", "b.fa"]
    assert read.groups.to_pylist() == ["mitochondrion", "plasmid", None]
    assert read.codes.to_pylist() == [2, None, None]


def client(address: str, folder: Path) -> NcbiClient:
    return NcbiClient(address=address, cache=folder / "cache.sqlite", rate=100, pauses=(0.01,))


@pytest.mark.service
def test_ncbi_is_asked_for_accessions_and_headers_give_the_rest(tmp_path: Path, dump: str) -> None:
    found = fasta(
        tmp_path / "a.fa",
        {
            "NC_000001.1": "ACG",
            "NC_000002.1 Zea mays chloroplast": "ACGT",
            "mine plasmid": "A",
            "NC_000003.1": "A",
        },
    )
    known = {
        "NC_000001.1": {
            "genome": "mitochondrion",
            "geneticcode": "1",
            "taxid": 12,
            "organism": "dog",
            "slen": 3,
        },
    }
    lines: list[str] = []
    with serve_eutils(
        lambda accession: record_of(accession, 7, **known[accession]) if accession in known else None
    ) as server:
        rows = made(found, client=client(server.address, tmp_path), taxdump=dump, ranks=RANKS, lines=lines)
        assert sorted(each for asked in server.asked for each in asked.ids)[0] == "NC_000001.1"
        assert all("mine" not in asked.ids for asked in server.asked)
    by_id = {row["seq_id"]: row for row in rows}
    # The taxdump says which code the taxon's mitochondria have; what NCBI's field means is not documented.
    assert by_id["NC_000001.1"] | {"taxid": 12} == {
        "seq_id": "NC_000001.1",
        "group": "mitochondrion",
        "genetic_code": 9,
        "organelle": "mitochondrion",
        "taxid": 12,
        "organism": "Canis lupus",
        "phylum": "Animalia",
        "species": "Canis lupus",
    }
    assert by_id["NC_000002.1"]["organelle"] == "plastid"
    assert by_id["mine"]["organelle"] == "plasmid"
    assert "1 record with another genetic code in NCBI's answer: NC_000001.1 (used: 9, there: 1)" in lines
    assert not any("NCBI's answer alone" in line for line in lines)
    assert any(line.startswith("1 record: not an accession of NCBI: mine") for line in lines)


@pytest.mark.service
def test_older_ids_of_ncbi_are_asked_for_by_accession(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"gi|9|ref|NC_000001.1|": "ACG", "mine": "A"})
    with serve_eutils(
        lambda accession: record_of(accession, 7, genome="mitochondrion", geneticcode="5")
    ) as server:
        first, second = made(found, "ncbi", client=client(server.address, tmp_path))
        assert [asked.ids for asked in server.asked] == [["NC_000001.1"]]
    assert (first["seq_id"], first["organelle"], first["genetic_code"]) == (
        "gi|9|ref|NC_000001.1|",
        "mitochondrion",
        5,
    )
    assert (second["seq_id"], second["organelle"]) == ("mine", None)


@pytest.mark.service
def test_without_a_taxdump_ncbis_code_is_used(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"NC_000001.1": "ACG"})
    with serve_eutils(
        lambda accession: record_of(accession, 7, genome="mitochondrion", geneticcode="5")
    ) as server:
        lines: list[str] = []
        (row,) = made(found, "ncbi", client=client(server.address, tmp_path), lines=lines)
    assert (row["organelle"], row["genetic_code"]) == ("mitochondrion", 5)
    assert any(line.startswith("1 record with a genetic code from NCBI's answer alone") for line in lines)


def test_ncbi_that_cannot_be_reached_is_one_error(tmp_path: Path) -> None:
    found = fasta(tmp_path / "a.fa", {"NC_000001.1 mitochondrion": "ACG"})
    with pytest.raises(NcbiError, match="without NCBI: opengenome metadata --from headers"):
        made(found, client=client("http://127.0.0.1:9/", tmp_path))


FLAT = """LOCUS       {name}                      9 bp    DNA     linear   PLN 01-JAN-2020
DEFINITION  {title}.
VERSION     {name}.1
FEATURES             Location/Qualifiers
     source          1..9
{source}{codes}ORIGIN
        1 acgtacgta
//
"""


def flat(name: str, title: str, codes: Sequence[int | None] = (), **source: str) -> str:
    """A GenBank record with a CDS for each code; None for a CDS without one."""
    pad = " " * 21
    cds = ("     CDS             1..9\n" + (f"{pad}/transl_table={code}\n" if code else "") for code in codes)
    lines = "".join(f'{pad}/{key}="{value}"\n' for key, value in source.items())
    return FLAT.format(name=name, title=title, source=lines, codes="".join(cds))


def test_features_of_genbank_files_make_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.gb").write_text(
        flat("AB000001", "Felis catus", [2, None, 2], organism="Felis catus", organelle="mitochondrion",
             db_xref="taxon:9685")
        + flat("AB000002", "Zea mays plastid", [None], organism="Zea mays", organelle="plastid:chloroplast")
        + flat("AB000003", "X plasmid p1, complete sequence", [11, 11], organism="X")
        + flat("AB000004", "X mitochondrion", [7], plasmid="p", organelle="mitochondrion")
    )  # fmt: skip
    lines: list[str] = []
    table = made(find_files(str(tmp_path / "a.gb")), lines=lines)
    facts = [
        (row["seq_id"], row["group"], row["genetic_code"], row["taxid"], row["organism"]) for row in table
    ]
    assert facts == [
        ("AB000001.1", "mitochondrion", 2, 9685, "Felis catus"),
        ("AB000002.1", "plastid", 1, None, "Zea mays"),
        ("AB000003.1", "plasmid", 11, None, "X"),
        ("AB000004.1", None, None, None, None),
    ]
    assert "GenBank and EMBL files state the facts of their records, so NCBI is not asked" in lines
    assert "1 record with a /transl_table that is no genetic code: AB000004.1 (7)" in lines
