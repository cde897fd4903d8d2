"""GenBank and EMBL: the records of a FASTA file of the same, bounded chunks, and errors with file and record."""

import gzip
import random
import subprocess
import sys
import warnings

import pytest
from Bio.Seq import Seq
from Bio.SeqFeature import SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord

from opengenome_assets.errors import (
    InputFormatError,
    InputNotFoundError,
    RecordTooLongError,
    TruncatedInputError,
)
from opengenome_assets.inputs import flat_files
from opengenome_assets.inputs.find import find_files, refuse_doubt
from opengenome_assets.inputs.flat_files import read_annotated
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import cuts, read_records
from opengenome_assets.schemas import RECORDS
from opengenome_assets_tests.inputs.inputs import COMPRESS, oracle, pieces, records, write
from opengenome_assets_tests.scenario import chance_bases

KINDS = {"genbank": "gb", "embl": "embl"}
each_kind = pytest.mark.parametrize("kind", KINDS)
HEADER = "LOCUS       AB1                       4 bp    DNA     linear   UNK 01-JAN-1980\n"
GOOD = HEADER + "VERSION     AB1.1\nORIGIN\n        1 acgt\n//\n"
PROTEIN = (
    "LOCUS       NP_1                       4 aa            linear   PRI 01-JAN-2020\nORIGIN\n 1 mkvl\n//\n"
)


def record(number, letters, codes=(), **source):
    """A record with a source feature, and a CDS for each code; None for a CDS without one."""
    annotations = {"molecule_type": "DNA", "organism": source.get("organism", "Homo sapiens")}
    features = [SeqFeature(SimpleLocation(0, len(letters), 1), type="source", qualifiers=source)]
    features += [
        SeqFeature(SimpleLocation(0, 3, -1), type="CDS", qualifiers={"transl_table": [code]} if code else {})
        for code in codes
    ]
    return SeqRecord(
        Seq(letters), f"AB{number}.{number % 3 + 1}", f"AB{number}", f"record {number}, complete",
        annotations=annotations, features=features,
    )  # fmt: skip


def text_of(kind, *made):
    return "".join(each.format(kind) for each in made)


CHANCE = random.Random(3)
MADE = [record(n, chance_bases(CHANCE, 1 + n * 7) + "NRY"[: n % 4], [2] * (n % 5)) for n in range(60)]
EXPECTED = oracle("".join(each.format("fasta") for each in MADE))


def refusal(path, content, kind=InputFormatError):
    with pytest.raises(kind) as refused:
        list(read_records(write(path, content)))
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(str(path))


@each_kind
@pytest.mark.parametrize(
    ("chunk_bases", "chunk_rows", "block"), [(1, 1, 1), (500, 3, 64), (10_000, 100, 999), (2**24, 9, 2**20)]
)
def test_blocks_of_any_size_give_the_records_of_the_fasta(tmp_path, kind, chunk_bases, chunk_rows, block):
    file = write(tmp_path / f"a.{KINDS[kind]}", text_of(kind, *MADE))
    chunks = list(read_annotated(file, chunk_bases, chunk_rows, block))
    assert records(chunks) == EXPECTED
    assert max(chunk.num_rows for chunk in chunks) <= chunk_rows
    assert all(chunk.num_rows == 1 or lengths(chunk).sum() <= chunk_bases for chunk in chunks)


@each_kind
@pytest.mark.parametrize("extension", COMPRESS)
def test_compressed_files_of_several_members_are_read(tmp_path, kind, extension):
    content = b"".join(COMPRESS[extension](piece) for piece in pieces(text_of(kind, *MADE).encode(), 9_000))
    file = write(tmp_path / f"a.{KINDS[kind].upper()}.{extension}", content)
    assert (file.format, cuts(file, 1)) == ("flat", [0])
    chunks = list(read_records(file))
    assert records(chunks) == EXPECTED
    assert {chunk.schema for chunk in chunks} == {RECORDS}
    assert {row["source"] for chunk in chunks for row in chunk.to_pylist()} == {file.name}


@each_kind
def test_a_file_of_another_name_is_read_by_its_content(tmp_path, kind):
    file = write(tmp_path / "ncbi.seq", gzip.compress(text_of(kind, *MADE).encode()))
    assert records(read_records(file)) == EXPECTED


def test_line_ends_of_windows_and_a_preamble_are_read(tmp_path):
    preamble = "GBBCT1.SEQ          Genetic Sequence Data Bank\n\n   Bacterial Sequences\n\n"
    text = "\ufeff" + (preamble + GOOD + "\n" + GOOD).replace("\n", "\r\n")
    assert records(read_records(write(tmp_path / "a.seq", text))) == [("AB1.1", "", "ACGT")] * 2


def test_contig_before_the_sequence_is_read(tmp_path):
    text = GOOD.replace("ORIGIN", "CONTIG      join(AB2.1:1..4)\nORIGIN")
    assert records(read_records(write(tmp_path / "a.gb", text))) == [("AB1.1", "", "ACGT")]


@pytest.mark.parametrize("lines", ["CONTIG      join(AB2.1:1..4)\n", "WGS         A01-A09\n", "ORIGIN\n", ""])
def test_a_record_without_sequence_is_refused_by_name(tmp_path, lines):
    said = refusal(tmp_path / "a.gb", GOOD + HEADER.replace("AB1", "AB7") + lines + "//\n")
    assert said.startswith(
        ": record 'AB7' has no sequence (4 bases stated). Download it with its sequence (NCBI: "
    )


def test_an_embl_record_without_sequence_is_refused(tmp_path):
    text = text_of("embl", MADE[5])
    said = refusal(tmp_path / "a.embl", text[: text.index("SQ  ")] + "CO   join(AB2.1:1..36)\n//\n")
    assert said.startswith(": record 'AB5' has no sequence (37 bases stated).")


@each_kind
def test_another_length_than_the_stated_one_is_refused(tmp_path, kind):
    text = text_of(kind, *MADE[:9])
    at = text.rindex("g", 0, text.rindex("//"))
    said = refusal(tmp_path / f"a.{KINDS[kind]}", text[:at] + text[at + 1 :])
    bases = len(MADE[8])
    assert said == (
        f": record 'AB8' has {bases - 1:,} letters, but its first line states {bases:,}. Download the file again."
    )


@each_kind
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_says_how_many_records_are_whole(tmp_path, kind, share):
    text = text_of(kind, *MADE).rstrip()
    text = text[: int(len(text) * share)]
    whole = text.count("\n//\n")
    said = refusal(tmp_path / f"a.{KINDS[kind]}", text, TruncatedInputError)
    assert said.startswith(f": record 'AB{whole}' is truncated: the file ends without //. The {whole} record")


def test_truncated_compressed_data_are_refused(tmp_path):
    content = gzip.compress(text_of("genbank", *MADE).encode())
    said = refusal(tmp_path / "a.gb.gz", content[: len(content) // 2], TruncatedInputError)
    assert said.startswith(": its gzip data end before their end mark. The first")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("//\n", "") + GOOD, "record 'AB1' has the line 'LOCUS       AB1                       4 '"),
        (GOOD + "acgt\n", "has b'acgt' after 1 record, where a line with LOCUS or ID is expected"),
        (GOOD + "acgt\n" + GOOD, "has b'acgt' after 1 record"),
        (HEADER.replace("4 bp", "x bp") + "ORIGIN\n 1 acgt\n//\n", "record 'AB1' has a damaged header ("),
        (PROTEIN, "record 'NP_1' is a protein"),
        ("LOCUS  " + "a" * 2**21, "has a line longer than 1,048,576 bytes"),
        ("\n\n", "has no record: no line begins with LOCUS or ID"),
        ("GBBCT1.SEQ   Genetic Sequence Data Bank\n", "has no record: no line"),
        ("ACGT", "has b'ACGT' at its begin"),
    ],
)  # fmt: skip
def test_damaged_text_is_refused_by_what_it_is(tmp_path, text, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = refusal(tmp_path / "a.gb", text)
    assert reason in said


@pytest.mark.parametrize("content", [">a\nACGT\n", "ID   A_B   Reviewed;  12 AA.\n", '{"text": "A"}'])
def test_other_files_with_the_name_are_refused(tmp_path, content):
    assert refusal(tmp_path / "a.gb", content)


def test_proteins_of_swiss_prot_are_refused_by_what_they_are(tmp_path):
    text = "ID   A_B   Reviewed;   4 AA.\nAC   P1;\nSQ   SEQUENCE   4 AA;  1 MW;\n     MKVL\n//\n"
    assert refusal(tmp_path / "a.embl", text).startswith(" is a Swiss-Prot file. It contains proteins.")


def test_an_endless_header_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(flat_files, "LONGEST_HEADER", 1_000)
    said = refusal(tmp_path / "a.gb", GOOD + HEADER + "COMMENT     words\n" * 100)
    assert said == ": record 'AB1' has a header longer than 1,000 bytes. Download the file again."


def test_a_record_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(flat_files, "LONGEST_RECORD", 100)
    file = write(tmp_path / "a.gb", text_of("genbank", *MADE))
    with pytest.raises(RecordTooLongError, match=r"a\.gb: record 'AB14' is longer than 100 bases"):
        list(read_records(file))


def test_features_of_a_record_are_its_facts(tmp_path):
    taxon = {"organism": ["Zea mays"], "db_xref": ["BOLD:1", "taxon:4577"]}
    made = [
        record(1, "ACGT", ["11", "11", None], organelle=["plastid:chloroplast"], **taxon),
        record(2, "ACGT", ["2", None, None, "3"], organism=["B"], plasmid=["p1"]),
        record(3, "ACGT", [None]),
        record(4, "ACGT", organelle=["mitochondrion"], plasmid=["p2"]),
    ]
    for kind, extension in KINDS.items():
        (chunk,) = read_annotated(write(tmp_path / f"a.{extension}", text_of(kind, *made)), 100, 100, 50)
        facts = chunk.select(["organism", "organelle", "taxid", "genetic_code"]).to_pydict()
        assert facts == {
            "organism": ["Zea mays", "B", "Homo sapiens", "Homo sapiens"],
            "organelle": ["plastid:chloroplast", "plasmid", None, "plasmid-in-mitochondrion"],
            "taxid": [4577, None, None, None],
            "genetic_code": [11, 1, 1, None],
        }


def test_flat_files_beside_fasta_are_left_out_of_a_folder(tmp_path):
    (tmp_path / "genomic.gbff").write_text(GOOD)
    (tmp_path / "b.embl.gz").write_bytes(b"")
    write(tmp_path / "genomic.fna", ">a\nACGT\n")
    log = []
    assert [file.name for file in find_files(str(tmp_path), log.append)] == ["genomic.fna"]
    assert log == ["leaving out  b.embl.gz, genomic.gbff: beside FASTA, flat files have the same sequences"]


def test_flat_files_alone_in_a_folder_are_read(tmp_path):
    for name in ("a.gb", "b.gbk", "c.gbff", "d.embl"):
        (tmp_path / name).write_text(GOOD)
    assert [file.format for file in find_files(str(tmp_path))] == ["flat"] * 4


def test_fasta_and_flat_files_named_together_are_refused(tmp_path):
    both = [write(tmp_path / "a.fna", ">a\nACGT\n"), write(tmp_path / "a.gbff", GOOD)]
    with pytest.raises(InputFormatError) as refused:
        refuse_doubt(both)
    assert str(refused.value) == (
        "The input contains both FASTA (a.fna) and GenBank or EMBL (a.gbff). Select one format."
    )


def test_an_input_of_other_files_allows_flat_files(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputNotFoundError, match=r"GenBank or EMBL \(\.gb, \.gbk, \.gbff, \.embl\)"):
        find_files(str(tmp_path))


MEASURE = """
import resource, sys
from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.records import read_records
from opengenome_assets.inputs.letters import lengths
(file,) = find_files(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bases = sum(int(lengths(chunk).sum()) for chunk in read_records(file))
print(bases, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_memory_does_not_depend_on_features_and_records(tmp_path):
    feature = "     gene            1..9\n" + '                     /note="some words"\n' * 20
    lines = "        1 acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac acgtacgtac\n" * 20_000
    one = (
        HEADER.replace("      4 bp", "1200000 bp")
        + "FEATURES\n"
        + feature * 10_000
        + "ORIGIN\n"
        + lines
        + "//\n"
    )
    path = tmp_path / "a.gb"
    with path.open("w") as file:
        for _ in range(8):
            file.write(one)
    shown = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, check=True, text=True)
    bases, megabytes = shown.stdout.split()
    assert int(bases) == 8 * 1_200_000
    assert path.stat().st_size > 75e6
    assert float(megabytes) < 60
