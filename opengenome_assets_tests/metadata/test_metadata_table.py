"""The metadata table: valid tables, and refused ones."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.register import register
from opengenome_assets.errors import InputFormatError, OpengenomeError, PlanConflictError
from opengenome_assets.metadata.metadata_table import MetadataTable, read_metadata
from opengenome_assets.metadata.record_classes import RecordClasses
from opengenome_assets_tests.scenario import project, write_fasta


def table(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def records(*ids: str | None, sources: Sequence[str | None] = ()) -> pa.RecordBatch:
    """Records as the readers give them; all of one file unless sources are given."""
    columns = {"seq_id": list(ids), "source": list(sources) or ["x.fa"] * len(ids)}
    return pa.record_batch(columns, schema=pa.schema([("seq_id", pa.string()), ("source", pa.string())]))


def classes(metadata: MetadataTable, found: pa.RecordBatch) -> tuple[list[str], list[int | None]]:
    groups, codes = RecordClasses(metadata).of(found)
    return groups.to_pylist(), codes.to_pylist()


def test_records_without_an_entry_are_unassigned(tmp_path: Path) -> None:
    metadata = read_metadata(
        table(tmp_path / "s.tsv", "seq_id\tgroup\tgenetic_code\na\tmammal\t2\nb\tplant\t\n")
    )
    assert classes(metadata, records("b", "x", "a", None)) == (
        ["plant", "unassigned", "mammal", "unassigned"],
        [None, None, 2, None],
    )


def test_tsv_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = {"seq_id": ["007", "NA"], "group": ["x", "y"]}
    pq.write_table(pa.table(rows), tmp_path / "s.parquet")
    read = [
        read_metadata(table(tmp_path / "s.tsv", "seq_id\tgroup\n007\tx\nNA\ty\n")),
        read_metadata(table(tmp_path / "s.csv", "seq_id,group\n007,x\nNA,y\n")),
        read_metadata(str(tmp_path / "s.parquet")),
    ]
    assert all(each.ids.to_pylist() == rows["seq_id"] for each in read)
    assert len({each.sha256 for each in read}) == 1


def test_a_table_of_codes_alone_puts_its_records_into_one_group(tmp_path: Path) -> None:
    metadata = read_metadata(table(tmp_path / "s.csv", "seq_id,genetic_code\na,2\n"))
    assert classes(metadata, records("a")) == (["all"], [2])


def test_ids_that_match_nothing_are_listed(tmp_path: Path) -> None:
    metadata = read_metadata(table(tmp_path / "s.csv", "seq_id,group\na,x\nb,y\nc,z\n"))
    met = metadata.find(records("b", "unknown")).drop_null().to_numpy()
    assert metadata.unmatched(met) == (2, ["a", "c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tgroup\na\tx\n", "has the columns id, group. Required: a column seq_id"),
        ("seq_id\tspecies\na\tx\n", "Required: a column seq_id, and group, genetic_code or both"),
        ("seq_id\tgroup\na\tall\n", "line 2 (id 'a'): the group name 'all' is reserved"),
        ("seq_id\tgroup\na\tunassigned\n", "the group name 'unassigned' is reserved"),
        ("seq_id\tgroup\na\tx\na\ty\n", "id 'a' is in line 2 and in line 3."),
        ("seq_id\tgroup\na\tx\n\ty\n", "line 3 has no seq_id"),
        (
            "seq_id\tgenetic_code\na\t7\n",
            "line 2 (id 'a'): genetic_code '7' is not one of NCBI's codes: 1, 2, 3",
        ),
        ("seq_id\tgenetic_code\na\tvertebrate\n", "line 2 (id 'a'): genetic_code 'vertebrate' is not one"),
        ("seq_id\tgenetic_code\na\t2.5\n", "genetic_code '2.5' is not one"),
        ("seq_id\tgenetic_code\na\t1.000\n", "genetic_code '1.000' is not one"),
        ("seq_id\tgenetic_code\na\t\u00b2\n", "genetic_code '\u00b2' is not one"),
        ("seq_id\tgenetic_code\na\t" + "9" * 5000 + "\n", "is not one of NCBI's"),
        ("seq_id\tgroup\tGroup\tGROUP\na\tx\n", "line 2 has 2 values, the header has 4 (separated by tabs)"),
        ("seq_id\tGroup\tGROUP\na\tx\ty\n", "has 2 columns named group. Keep one of them."),
        ("seq_id,group\na,x\nb,y,z\n", "line 3 has 3 values, the header has 2 (separated by commas)"),
        ('seq_id,group\na,"x\nb,y\n', "line 2 has an open quote"),
        ('seq_id,group\na,"x\ny"\nb,y\n', "line 2 has an open quote or a value with a line break"),
        ('seq_id,group\na,x\nb,"x"y\n', "line 3 is not valid CSV"),
        ('seq_id,group\na,x\nb,"' + "c,d\n" * 50_000, "line 3 has an open quote"),
        ('"seq_id"\t"group"\n"a"\t"x\n', "line 2 has an open quote"),
        ("seq_id\tgroup\n", "has a header but no rows"),
        ("seq_id\tgroup\na\t" + "x" * 2**20, "line 2 has more than 1,048,576 characters"),
        ("seq_id\tgroup\x00\na\tx\n", "line 1 is binary, or UTF-16 without its mark"),
        ("", "is empty"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OpengenomeError, match="OPENGENOME_METADATA: ") as caught:
        read_metadata(table(tmp_path / "s.tsv", text))
    assert message in str(caught.value)


# The same two records in the forms that programs write.
FORMS = {
    "plain.tsv": b"seq_id\tgroup\tgenetic_code\na\tx\t2\nb\t\t\n",
    "crlf.tsv": b"seq_id\tgroup\tgenetic_code\r\na\tx\t2\r\nb\t\t\r\n",
    "cr.tsv": b"seq_id\tgroup\tgenetic_code\ra\tx\t2\rb\t\t\r",
    "bom.tsv": "seq_id\tgroup\tgenetic_code\na\tx\t2\nb\t\t\n".encode("utf-8-sig"),
    "utf16_le.csv": b"\xff\xfe" + "seq_id,group,genetic_code\r\na,x,2\r\nb,,\r\n".encode("utf-16-le"),
    "utf16_be.csv": b"\xfe\xff" + "seq_id,group,genetic_code\r\na,x,2\r\nb,,\r\n".encode("utf-16-be"),
    "excel_german.csv": b"sep=;\r\nseq_id;group;genetic_code\r\na;x;2,0\r\nb;;\r\n;;\r\n",
    "tabs.csv": b"seq_id\tgroup\tgenetic_code\na\tx\t2\nb\t\t\n",
    "commas.TSV": b"seq_id,group,genetic_code\na,x,2\nb,,\n",
    "no_extension": b"seq_id,group,genetic_code\na,x,2\nb,,\n",
    "pandas.csv": b",seq_id,group,genetic_code\n0,a,x,2.0\n1,b,,\n",
    "r.csv": b'"","seq_id","group","genetic_code"\n"1","a","x",2\n"2","b",NA,NA\n',
    "r.tsv": b'"seq_id"\t"group"\t"genetic_code"\n"a"\t"x"\t2\n"b"\tNA\tNA\n',
    "ncbi.tsv": b"##  See the README\n#seq_id\tgroup\tgenetic_code\na\tx\t2\nb\tna\t-\n",
    "spelled.csv": b"SEQ_ID, Group ,Genetic Code\n a , x , 2 \nb,N/A,null\n",
    "quoted_code.tsv": b'seq_id\tgroup\tgenetic_code\na\tx\t"2"\nb\tNone\t<NA>\n',
    "trailing.csv": b"seq_id,group,genetic_code,\na,x,2,,\nb,,,\n\n\n",
    "remarks.tsv": b'seq_id\tgroup\tgenetic_code\tnote\na\tx\t2\t"half a\nb\t\t\tlast" one\n',
    "duplicated.csv": b"note,seq_id,group,genetic_code,note\n1,a,x,02,2\n1,b,#N/A,NaN,2\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_other_programs_say_the_same(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name])
    metadata = read_metadata(str(tmp_path / name))
    assert metadata.ids.to_pylist() == ["a", "b"]
    assert metadata.groups.to_pylist() == ["x", None]
    assert metadata.codes.to_pylist() == [2, None]


def test_a_lone_quote_in_tsv_is_an_ordinary_letter(tmp_path: Path) -> None:
    text = 'seq_id\tgroup\n"a\t"x"\nb"\tthe "old" one\nc\t"\n'
    metadata = read_metadata(table(tmp_path / "s.tsv", text))
    assert metadata.ids.to_pylist() == ['"a', 'b"', "c"]
    assert metadata.groups.to_pylist() == ['"x"', 'the "old" one', '"']


PARQUET = {
    "large": {
        "seq_id": pa.array(["a", "b"], pa.large_string()),
        "group": pa.array(["x", None], pa.large_string()),
    },
    "dictionary": {"group": pa.array(["x", None]).dictionary_encode()},
    "float": {"genetic_code": pa.array([2.0, float("nan")])},
    "int64": {"genetic_code": pa.array([2, None])},
    "text": {"genetic_code": pa.array(["2.0", "NA"])},
    "header": {"SEQ_ID": pa.array(["a", "b"]), "seq_id": None},
}


@pytest.mark.parametrize("name", PARQUET)
def test_parquet_of_other_programs_says_the_same(tmp_path: Path, name: str) -> None:
    columns = {
        "seq_id": pa.array(["a", "b"]),
        "group": pa.array(["x", None]),
        "genetic_code": pa.array([2, None]),
    }
    columns = {key: value for key, value in (columns | PARQUET[name]).items() if value is not None}
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    metadata = read_metadata(str(tmp_path / "s.parquet"))
    assert metadata.ids.to_pylist() == ["a", "b"]
    assert metadata.groups.to_pylist() == ["x", None]
    assert metadata.codes.to_pylist() == [2, None]


def test_parquet_of_pandas_with_ids_as_index_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"group": pd.Categorical(["x", None]), "genetic_code": [2, None]}, index=["a", "b"])
    frame.rename_axis("seq_id").to_parquet(tmp_path / "s.parquet")
    metadata = read_metadata(str(tmp_path / "s.parquet"))
    assert (metadata.ids.to_pylist(), metadata.codes.to_pylist()) == (["a", "b"], [2, None])


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"seq_id": [1.0], "group": ["x"]}, "column seq_id has type double. Write it as text."),
        ({"seq_id": ["a"], "group": [["x"]]}, "column group has type list"),
        ({"seq_id": ["a", "b"], "genetic_code": [2, 2.5]}, "row 2 (id 'b'): genetic_code '2.5' is not one"),
        ({"seq_id": ["a", None], "group": ["x", "y"]}, "row 2 has no seq_id"),
    ],
)
def test_parquet_that_cannot_be_meant_is_refused(
    tmp_path: Path, columns: dict[str, list[object]], said: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    with pytest.raises(InputFormatError) as caught:
        read_metadata(str(tmp_path / "s.parquet"))
    assert said in str(caught.value)


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_bytes(b"seq_id,group\na,x\nb,caf\xe9\n")
    with pytest.raises(InputFormatError, match=r"s\.csv: line 3 is not UTF-8 text\. Save the table as UTF-8"):
        read_metadata(str(tmp_path / "s.csv"))


def test_an_excel_file_is_refused_with_what_to_save(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "groups.tsv", "w") as file:
        file.writestr("xl/workbook.xml", "")
    with pytest.raises(InputFormatError, match=r"groups\.tsv is a spreadsheet.*Save it as TSV or CSV"):
        read_metadata(str(tmp_path / "groups.tsv"))


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_column_of_long_sequences_is_no_obstacle(tmp_path: Path, delimiter: str) -> None:
    lines = ("seq_id", "group", "sequence"), ("a", "x", "ACGT" * 50_000)
    text = "".join(delimiter.join(line) + "\n" for line in lines)
    assert read_metadata(table(tmp_path / "s.txt", text)).groups.to_pylist() == ["x"]


def test_rows_beyond_one_portion_are_all_read(tmp_path: Path) -> None:
    rows = "".join(f"id{number}\tx\n" for number in range(70_000))
    metadata = read_metadata(table(tmp_path / "s.tsv", f"seq_id\tgroup\n{rows}"))
    assert metadata.ids.to_pylist() == [f"id{number}" for number in range(70_000)]


@pytest.mark.parametrize("name", ["absent.tsv", "table.xlsx"])
def test_a_table_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "table.xlsx").write_bytes(b"not this")
    with pytest.raises(OpengenomeError, match=f"OPENGENOME_METADATA: .*{name}"):
        read_metadata(str(tmp_path / name))


def test_another_table_under_a_registered_name_is_refused(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACG"})
    first = table(tmp_path / "first.tsv", "seq_id\tgroup\na\tx\n")
    register(project(tmp_path, fasta, metadata=first).runner.dataset, lambda line: None)
    other = table(tmp_path / "other.tsv", "seq_id\tgroup\na\ty\n")
    with pytest.raises(PlanConflictError, match=r"another metadata table.*OPENGENOME_METADATA"):
        register(project(tmp_path, fasta, metadata=other).runner.dataset, lambda line: None)


def test_registering_logs_ids_without_a_record(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACG"})
    metadata = table(tmp_path / "s.tsv", "seq_id\tgroup\na\tx\nghost\ty\n")
    said: list[str] = []
    own = project(tmp_path, fasta, metadata=metadata)
    register(own.runner.dataset, said.append)
    assert own.manifest.unmatched_ids == 1
    assert any("1 id of" in line and "ghost" in line for line in said)
