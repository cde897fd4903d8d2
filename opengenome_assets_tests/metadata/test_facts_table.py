"""Users' tables of facts: what they say, and refused ones."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import InputFormatError, InputNotFoundError, OpengenomeError
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.facts_table import read_facts
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.metadata.organelles_60 import ORGANELLES_60, needs_organelles_60

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NCBI = b'acc,taxid,title,slen\nNC_1.1,9685,"Felis catus mitochondrion, complete genome",17009\nNC_2.1,,x,\n'


def read(tmp_path: Path, content: str | bytes) -> pa.Table:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_facts(str(path))


def test_a_table_of_ncbi_is_read(tmp_path: Path) -> None:
    facts = read(tmp_path, NCBI)
    assert facts.schema.equals(FACTS)
    title = "Felis catus mitochondrion, complete genome"
    assert [list(row.values()) for row in facts.to_pylist()] == [
        ["NC_1.1", "mitochondrion", None, 9685, None, title, 17009],
        ["NC_2.1", None, None, None, None, "x", None],
    ]


def test_every_fact_has_a_column(tmp_path: Path) -> None:
    text = "Seq ID\torganelle\tgenetic_code\ttax_id\torganism\tdescription\tlength\na\tchloroplast\t11\t3702\tA. t.\tt\t5\n"
    expected = ["a", "plastid", 11, 3702, "A. t.", "t", 5]
    assert list(read(tmp_path, text).to_pylist()[0].values()) == expected


def test_the_first_of_several_names_is_read(tmp_path: Path) -> None:
    facts = read(tmp_path, "acc,seq_id,description,title\nA,s,d,t\n")
    assert facts.select(["seq_id", "title"]).to_pylist() == [{"seq_id": "s", "title": "t"}]


def test_parquet_says_the_same(tmp_path: Path) -> None:
    rows = {"accession": ["a", "b"], "taxid": [9685, None], "title": ["x plastid", None]}
    pq.write_table(pa.table(rows), tmp_path / "t.parquet")
    facts = read_facts(str(tmp_path / "t.parquet"))
    assert facts["taxid"].to_pylist() == [9685, None]
    assert facts["organelle"].to_pylist() == ["plastid", None]


def test_a_stated_organelle_wins_over_the_title(tmp_path: Path) -> None:
    title = "a mitochondrion"
    text = f"acc,organelle,title\na,plastid:apicoplast,{title}\nb,genomic,{title}\nc,NA,{title}\nd,,x\n"
    expected = ["apicoplast", None, "mitochondrion", None]
    assert read(tmp_path, text)["organelle"].to_pylist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,taxid\na,1\n", "has the columns id, taxid. Required: a column seq_id, accession or acc"),
        ("acc,slen\na,1\n", "has the columns acc, slen. Required: "),
        ("acc,taxid\n", "has a header but no rows. Add one row per record."),
        ("acc,taxid\na,1\n,2\n", "line 3 has no acc. Add one"),
        ("acc,taxid\na,1\na,2\n", "id 'a' is in line 2 and in line 3. Keep one row per id."),
        ("acc,taxid\na,cat\n", "line 2 (id 'a'): taxid 'cat' is not a taxid. Use NCBI's number"),
        ("acc,tax_id\na,0\n", "line 2 (id 'a'): tax_id '0' is not a taxid"),
        ("acc,taxid\na,9999999999999999999\n", "taxid '9999999999999999999' is not a taxid"),
        ("acc,title,slen\na,t,'15 kb'\n", "line 2 (id 'a'): slen ''15 kb'' is not a number of bases"),
        ("acc,title,slen\na,t,9999999999999999999\n", "slen '9999999999999999999' is not a number of bases"),
        (
            "acc,organelle\na,mitosome\n",
            "line 2 (id 'a'): organelle 'mitosome' is not a class of organelles: mito",
        ),
        ("acc,genetic_code\na,7\n", "line 2 (id 'a'): genetic_code '7' is not one of NCBI's codes: 1, 2, 3"),
        ("", "is empty"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputFormatError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"--from: {tmp_path / 'table.csv'}")
    assert message in str(caught.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"^--from: .*none\.csv cannot be read .*Set a TSV"):
        read_facts(str(tmp_path / "none.csv"))


@needs_organelles_60
def test_the_table_of_60_organelles_is_read_whole() -> None:
    facts = read_facts(str(ORGANELLES_60))
    assert facts.num_rows == 60
    assert [facts[name].null_count for name in ("taxid", "title", "length", "organelle")] == [0, 0, 0, 0]
    assert facts.to_pylist()[-1] == {
        "seq_id": "NC_002762.1",
        "organelle": "plastid",
        "genetic_code": None,
        "taxid": 4565,
        "organism": None,
        "title": "Triticum aestivum chloroplast, complete genome",
        "length": 134545,
    }


@ANY_TIME
@given(content=st.one_of(damaged(NCBI), st.binary(max_size=60).map(lambda end: NCBI + end)))
def test_damaged_tables_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        facts = read(tmp_path, content)
    except OpengenomeError as error:
        assert "table.csv" in str(error)  # noqa: PT017 (some damage is inside of texts)
    else:
        assert facts.schema.equals(FACTS)
