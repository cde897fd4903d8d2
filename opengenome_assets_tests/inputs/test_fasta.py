"""FASTA records do not depend on the division into lines, blocks and chunks."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import InputFormatError, RecordTooLongError
from opengenome_assets.inputs import fasta as reader
from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import read_records
from opengenome_assets.schemas import RECORDS
from opengenome_assets_tests.inputs.inputs import fasta, oracle, records, write

NASTY = {
    "crlf": ">a b\r\nACGT\r\nAC\r\n>c\r\nGG\r\n",
    "cr_alone": ">a b\rACGT\rAC\r>c\rGG\r",
    "mixed_line_ends": ">a\r\nAC\nGT\rAC\r\r\n\n>c\rGG",
    "no_final_newline": ">a\nACGT",
    "ends_in_a_header": ">a\nACGT\n>b last",
    "only_a_header": ">",
    "blank_lines": "\n \n\t\r\n>a\n\nAC\n\n\nGT\n\n>b\n\n",
    "header_without_text": ">\nACGT\n>   \nCC\n",
    "record_without_sequence": ">a\n>b\n\n>c\nAC\n>d\n",
    "blanks_in_sequence": ">a\n  AC GT\t\n A\tC \n",
    "blanks_in_header": ">  a \t b  c\t\nAC\n>\tx\nA\n",
    "greater_inside_a_line": ">a > b\nAC>GT\nACGT>\n >AC\n",
    "semicolon_inside_a_record": ">a\n;AC\nGT\n",
    "lower_case_and_symbols": ">a\nacgtuNn-*.?1\n",
    "duplicate_ids": ">a\nAC\n>a\nAC\n",
    "one_long_line": ">a\n" + "ACGTN" * 80_000 + "\n>b\nAC\n",
    "lines_that_grow": ">a\n" + "\n".join("ACGTTGCA" * n for n in range(60)) + "\n",
    "lines_that_shrink": ">a\n" + "\n".join("ACGTTGCA" * (60 - n) for n in range(60)) + "\n",
    "line_of_64": ">a\n" + ("A" * 64 + "\n") * 5 + ">b\n" + "C" * 128 + "\n",
}


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("block_bytes", [3, 64, 2**20])
def test_nasty_text_is_read_as_biopython_reads_it(tmp_path, name, block_bytes: int):
    text = NASTY[name]
    file = write(tmp_path / "a.fa", text)
    block_bytes = max(block_bytes, len(text) // 1000)
    assert records(read_fasta(file, 2**20, 1000, block_bytes)) == oracle(text)


BLOCKS = st.sampled_from([1, 2, 3, 7, 63, 64, 65, 1000, 2**20])
REUSING_A_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@REUSING_A_FOLDER
@given(st.text(alphabet=">ACgtN \t\r\n;-", max_size=200), BLOCKS, st.integers(1, 300), st.integers(1, 5))
def test_any_text_is_read_as_biopython_reads_it(tmp_path, text, block_bytes, chunk_bases, chunk_rows):
    text = ">" + text
    file = write(tmp_path / "a.fa", text)
    assert records(read_fasta(file, chunk_bases, chunk_rows, block_bytes)) == oracle(text)


@REUSING_A_FOLDER
@given(
    st.lists(st.tuples(st.text("ab 1", max_size=6), st.integers(0, 700)), min_size=1, max_size=12),
    st.integers(1, 200),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.tuples(st.sampled_from([1, 64, 200, 1000, 2**20]), st.integers(1, 5), st.sampled_from([7, 64, 2**20])),
)
def test_chunks_are_bounded_and_hold_every_record_in_order(tmp_path, plan, width, line_end, limits):
    bases, rows, block_bytes = limits
    lines = []
    for number, (header, length) in enumerate(plan):
        letters = ("ACGTTGCANRYKM"[number:] * length)[:length]
        lines += [">" + header, *(letters[i : i + width] for i in range(0, length, width))]
    text = line_end.join(lines)
    file = write(tmp_path / "a.fa", text)
    chunks = list(read_fasta(file, bases, rows, block_bytes))
    assert records(chunks) == oracle(text)
    for chunk in chunks:
        chunk.validate(full=True)
        assert 1 <= chunk.num_rows <= rows
        assert chunk.num_rows == 1 or lengths(chunk).sum() <= bases


def test_records_have_the_schema_and_the_file_name_as_source(tmp_path: Path):
    (chunk,) = read_records(write(tmp_path / "some.fa", fasta(3)))
    assert chunk.schema == RECORDS
    assert chunk.column("source").to_pylist() == ["some.fa"] * 3


def test_a_record_longer_than_a_chunk_is_a_chunk_of_its_own(tmp_path: Path):
    text = ">a\nAC\n>long\n" + "ACGTTGCAN\n" * 1000 + ">b\nGT\n"
    chunks = list(read_fasta(write(tmp_path / "a.fa", text), 1000, 100))
    assert [chunk.column("seq_id").to_pylist() for chunk in chunks] == [["a"], ["long"], ["b"]]
    assert records(chunks) == oracle(text)


def test_a_latin_1_header_is_read_with_a_replacement_character(tmp_path: Path):
    file = write(tmp_path / "a.fa", b">a M\xfcller\nAC\n>b plain\nGT\n")
    assert records(read_records(file)) == [("a", "M\ufffdller", "AC"), ("b", "plain", "GT")]


def test_a_utf_8_header_is_read_as_written(tmp_path: Path):
    assert records(read_records(write(tmp_path / "a.fa", ">α Müller\nAC\n"))) == [("α", "Müller", "AC")]


def test_a_byte_order_mark_is_no_text(tmp_path: Path):
    assert records(read_records(write(tmp_path / "a.fa", b"\xef\xbb\xbf>a\nAC\n"))) == [("a", "", "AC")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\nACGT\n>a\nAC\n", r"a\.fa: line 3 has 'ACGT' before the first header\. .* starts with '>'\."),
        ("\r\n\r\nACGT\r\n", r"a\.fa: line 3 has 'ACGT'"),
        ("; made by hand\n>a\nAC\n", r"line 1 has '; made by hand' .* Remove the comment\."),
        ("@read without sequence\n", r"line 1 has '@read without sequence'"),
    ],
)
def test_text_before_the_first_header_is_refused(tmp_path, text, message: str):
    with pytest.raises(InputFormatError, match=message):
        list(read_records(write(tmp_path / "a.fa", text)))


def test_a_file_of_blank_lines_is_refused(tmp_path: Path):
    with pytest.raises(InputFormatError, match=r"a\.fa has no FASTA record: no line begins with '>'"):
        list(read_records(write(tmp_path / "a.fa", "\n \n")))


def test_a_header_without_end_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reader, "LONGEST_HEADER", 1000)
    with pytest.raises(InputFormatError, match=r"the header in line 3 has more than 1,000 bytes"):
        list(read_records(write(tmp_path / "a.fa", ">a\nAC\n>b" + "x" * 1000)))


def test_headers_that_fill_their_buffer_start_another_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "LONGEST_HEADER", 40)
    text = fasta(10, bases=20)
    chunks = list(read_records(write(tmp_path / "a.fa", text)))
    assert len(chunks) > 2
    assert records(chunks) == oracle(text)


@pytest.mark.parametrize("chunk_bases", [16, 64, 99, 100, 101, 5000])
def test_a_record_longer_than_a_column_holds_is_refused_by_name(tmp_path, monkeypatch, chunk_bases):
    monkeypatch.setattr(reader, "LONGEST_RECORD", 100)
    longest = ">fits\n" + "A" * 100 + "\n"
    assert len(records(read_fasta(write(tmp_path / "a.fa", longest), chunk_bases, 10))) == 1
    file = write(tmp_path / "b.fa", longest + ">too_long x\n" + "A" * 101 + "\n>c\nA\n")
    with pytest.raises(RecordTooLongError, match=r"b\.fa: record 'too_long' is longer than 100 bases"):
        list(read_fasta(file, chunk_bases, 10))


def test_a_too_long_record_is_refused_before_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "LONGEST_RECORD", 1_000_000)
    cut_off = gzip.compress(b">a\n" + b"ACGT" * 500_000)[:-1]
    with pytest.raises(RecordTooLongError, match="record 'a' is longer"):
        list(read_fasta(write(tmp_path / "a.fa.gz", cut_off), 2**16, 10))
