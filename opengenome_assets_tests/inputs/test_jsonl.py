"""JSON lines: the records of Python's own reader, ids, bounded memory, and errors with file and line."""

import gzip
import json
import subprocess
import sys

import pytest

from opengenome_assets.errors import InputFormatError, RecordTooLongError, TruncatedInputError
from opengenome_assets.inputs import jsonl
from opengenome_assets.inputs.find import InputFile, find_files
from opengenome_assets.inputs.jsonl import jsonl_column, read_jsonl
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import read_records, starting_rows
from opengenome_assets.schemas import RECORDS
from opengenome_assets_tests.inputs.inputs import COMPRESS, pieces, records, write

ROWS = [
    {"text": "ACGTNNacgu"[number % 7 :] * (number % 50), "record": f"NC_{number}.1"}
    for number in range(2_000)
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
EXPECTED = [(row["record"], "", row["text"]) for row in ROWS]


def refusal(path, content, kind=InputFormatError):
    with pytest.raises(kind) as refused:
        list(read_records(write(path, content)))
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("rows", "chunk_bases", "chunk_rows", "block"),
    [(100, 1, 1, 1), (300, 500, 3, 64), (2000, 10_000, 100, 999), (2000, 2**24, 9, 2**20)],
)
def test_blocks_of_any_size_give_the_same_records(tmp_path, rows, chunk_bases, chunk_rows, block):
    lines = "".join(LINES.splitlines(keepends=True)[:rows])
    chunks = list(read_jsonl(write(tmp_path / "a.jsonl", lines), chunk_bases, chunk_rows, block))
    assert records(chunks) == EXPECTED[:rows]
    assert {chunk.schema for chunk in chunks} == {RECORDS}
    assert max(chunk.num_rows for chunk in chunks) <= chunk_rows
    assert all(chunk.num_rows == 1 or lengths(chunk).sum() <= chunk_bases for chunk in chunks)


@pytest.mark.parametrize("extension", COMPRESS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON"])
def test_compressed_lines_of_several_members_are_read(tmp_path, extension, name):
    content = b"".join(COMPRESS[extension](piece) for piece in pieces(LINES.encode(), 70_000))
    file = write(tmp_path / f"{name}.{extension}", content)
    assert (file.format, starting_rows(file)) == ("jsonl", [0])
    assert records(read_records(file)) == EXPECTED


def test_a_file_of_another_name_is_read_by_its_content(tmp_path):
    for number, content in enumerate([LINES, '\n{"text": "A"}', '{"text": "' + "A" * 2**21 + '"}\n']):
        file = write(tmp_path / f"lines_{number}", content)
        assert file.format == "jsonl"
        assert sum(chunk.num_rows for chunk in read_records(file)) == content.count("text")


def test_ids_are_seq_id_record_id_or_file_and_line(tmp_path):
    rows = [
        {"text": "A", "record": "r", "id": "i", "seq_id": "s"},
        {"text": "C", "record": "r", "id": "i", "description": "d", "source": "other.fa"},
        {"text": "G", "id": "i", "more": [{"x": 1.5}]},
        {"text": "T", "record": None},
    ]
    lines = "\ufeff\n" + "\r\n \n".join(json.dumps(row) for row in rows)
    chunks = list(read_records(write(tmp_path / "a.jsonl", lines)))
    assert records(chunks) == [("s", "", "A"), ("r", "d", "C"), ("i", "", "G"), ("a.jsonl:8", "", "T")]
    assert [row["source"] for chunk in chunks for row in chunk.to_pylist()] == [
        "a.jsonl",
        "other.fa",
        "a.jsonl",
        "a.jsonl",
    ]


def test_ids_may_be_whole_numbers(tmp_path):
    file = write(tmp_path / "a.jsonl", '{"id": 7, "text": "A"}\n{"id": 9007199254740993, "text": "C"}\n')
    assert records(read_records(file)) == [("7", "", "A"), ("9007199254740993", "", "C")]


def test_escapes_in_a_sequence_are_its_letters(tmp_path):
    file = write(tmp_path / "a.jsonl", '{"text": "\\u0041C\\u0047\\n"}')
    assert records(read_records(file)) == [("a.jsonl:1", "", "ACG\n")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"text": "AC', "Unterminated string"),
        ('{"text": "A"} {"text": "C"}', "Extra data"),
        ('{"text": "A"', "delimiter"),
        ('["ACGT"]', "it is a list"),
        ("ACGT", "Expecting value"),
        ('{"text": "A", "text": "C"}', "Column(/text) was specified twice"),
        ('{"text": 5}', "Column(/text) changed from string to number"),
        ('{"text": "A", "record": 5}', "Column(/record) changed from string to number"),
        ('{"text": "A", "record": {"a": 1}}', "Column(/record) changed from string to object"),
        ('{"text": "\\ud800"}', "surrogate pair"),
        ("\0" * 50, "Expecting value"),
        ("[" * 100_000, "recursion"),
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(tmp_path, bad, reason):
    good = '{"text": "ACGT", "record": "a"}\n'
    said = refusal(tmp_path / "a.jsonl", good * 3 + "\n" + good + bad + "\n" + good)
    assert said.startswith(": line 6 cannot be read as a JSON object (")
    assert reason in said


def test_a_line_without_a_sequence_is_named(tmp_path):
    for bad in ('{"record": "x"}', '{"text": null}', "{}"):
        said = refusal(tmp_path / "a.jsonl", '{"text": "A", "record": "r"}\n\n' + bad)
        assert said == ": line 3 has no sequence in 'text'. Remove the line, or give it a sequence."


def test_an_id_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    said = refusal(tmp_path / "a.jsonl", b'{"text": "A", "id": "\xc3\xa4"}\n{"text": "A", "id": "\xe4"}\n')
    assert said == ": line 2: 'id' is not UTF-8. Write the file as UTF-8."


def test_lines_without_records_are_refused(tmp_path):
    assert refusal(tmp_path / "a.jsonl", b" \n\n").startswith(" is not JSON lines")
    assert refusal(tmp_path / "b.jsonl", gzip.compress(b"")).startswith(" is empty after decompression")


def test_other_json_is_refused_with_what_to_do(tmp_path):
    said = refusal(tmp_path / "a.jsonl", '[{"text": "ACGT"}]')
    assert "is a JSON list of objects. Convert it: cat" in said
    assert "| jq -c '.[]' > a.jsonl" in said
    assert ">x" in refusal(tmp_path / "b.jsonl", ">x\nACGT\n")


def test_a_truncated_file_says_how_many_lines_are_valid(tmp_path):
    content = gzip.compress(LINES.encode())
    said = refusal(tmp_path / "a.jsonl.gz", content[: len(content) // 2], TruncatedInputError)
    assert "its gzip data end before their end mark. The first" in said
    valid = int(said.split(" complete line")[0].rsplit(" ", 1)[1].replace(",", ""))
    assert 0 < valid < len(ROWS)


def test_a_line_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 1_000)
    file = write(tmp_path / "a.jsonl", '{"text": "A"}\n{"text": "' + "A" * 5_000 + '"}\n')
    with pytest.raises(RecordTooLongError, match=r"a\.jsonl: line 2 is longer than 1,000 bytes"):
        list(read_jsonl(file, 100, 10, 64))


@pytest.mark.parametrize(
    ("keys", "column"),
    [
        ("text", "text"),
        ("sequence text", "sequence"),
        ("Sequence", "Sequence"),
        ("dna other", "dna"),
        ("SEQ", "SEQ"),
    ],
)
def test_the_column_with_a_usual_name_is_found(tmp_path, keys, column):
    row = dict.fromkeys(keys.split(), "x") | {column: "ACGT"}
    file = write(tmp_path / "a.jsonl", json.dumps(row))
    assert jsonl_column(file) == column
    assert [text for _, _, text in records(read_records(file))] == ["ACGT"]


def test_several_columns_are_refused_with_the_setting(tmp_path):
    content = '{"text": "A", "dna": "C", "seq": "G"}'
    said = refusal(tmp_path / "a.jsonl", content)
    assert "line 1 has several columns that may contain the sequences: 'text' and 'dna' and 'seq'" in said
    assert "Set OPENGENOME_COLUMN to one of them." in said


def test_no_column_is_refused_with_those_that_exist(tmp_path):
    said = refusal(tmp_path / "a.jsonl", '{"error": "not found", "code": 404}')
    assert said == (
        ": line 1 has no column 'sequence' (columns: error, code). "
        "Set OPENGENOME_COLUMN to the column with the sequences."
    )


def test_a_column_that_is_asked_for_is_read(tmp_path):
    file = write(tmp_path / "a.jsonl", '{"text": "words", "id": "i", "body": "ACGT"}')
    asked = InputFile(file.uri, file.name, file.format, file.size, file.tag, "body")
    assert records(read_records(asked)) == [("i", "", "ACGT")]
    with pytest.raises(InputFormatError, match=r"line 1 has no column 'genome' \(columns: text, id, body\)"):
        list(read_records(InputFile(file.uri, file.name, file.format, file.size, file.tag, "genome")))


def test_lines_beside_fasta_are_refused(tmp_path):
    write(tmp_path / "a.jsonl.gz", gzip.compress(LINES.encode()))
    write(tmp_path / "b.fa", ">a\nACGT\n")
    with pytest.raises(
        InputFormatError, match=r"contains both FASTA \(b\.fa\) and JSON lines \(a\.jsonl\.gz\)"
    ):
        find_files(str(tmp_path))


def test_reports_of_ncbi_are_left_out_of_a_folder(tmp_path):
    write(tmp_path / "genomic.fna", ">a\nACGT\n")
    (tmp_path / "assembly_data_report.jsonl").write_text('{"accession": "GCF_1.1"}\n')
    log = []
    assert [file.name for file in find_files(str(tmp_path), log.append)] == ["genomic.fna"]
    assert log == ["leaving out  assembly_data_report.jsonl: reports of NCBI have no sequences"]


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


def test_memory_depends_on_the_longest_line_only(tmp_path):
    line = b'{"text": "' + b"ACGT" * 5_000_000 + b'"}\n'
    used = []
    for lines in (2, 12):
        path = tmp_path / f"{lines}.jsonl"
        with path.open("wb") as file:
            for _ in range(lines):
                file.write(line)
        shown = subprocess.run(
            [sys.executable, "-c", MEASURE, path], capture_output=True, check=True, text=True
        )
        bases, megabytes = shown.stdout.split()
        assert int(bases) == lines * 20_000_000
        used.append(float(megabytes))
    assert used[1] < used[0] + 60
    assert used[1] < 300
