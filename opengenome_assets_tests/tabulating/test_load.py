"""A table read back from each way of storing it, and files that are none."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import opengenome_assets
from opengenome_assets import load_codon_frequencies
from opengenome_assets.errors import InputFormatError, InputNotFoundError, SettingError
from opengenome_assets.exporting.registry import EXPORTS
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tabulating.frequencies import codon_frequencies
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.tsv import read_tsv, table_tsv
from opengenome_assets_tests.tabulating.tables import counts_table

AWKWARD = "a\tb\nc\\n\\<script>|\r"


@pytest.fixture
def table():
    counts = [
        counts_table({"ATG": 3, "TTT": 5}, group="b"),
        counts_table({"TGA": 1, "NNN": 2}, group=AWKWARD, genetic_code=2),
    ]
    return codon_frequencies(pa.concat_tables(counts), TableParameters(skip_n=False))


@pytest.fixture
def warehouse(tmp_path, table):
    folder = tmp_path / "warehouse" / "mine"
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "codon_frequencies.parquet")
    (folder / "codon_frequencies.tsv").write_text(table_tsv(table), newline="")
    return folder.parent


def test_a_data_set_is_found_by_its_name(warehouse, table):
    assert load_codon_frequencies("mine", warehouse=warehouse).equals(table)


def test_the_warehouse_is_the_environments_unless_given(warehouse, table, monkeypatch):
    monkeypatch.setenv("OPENGENOME_WAREHOUSE", str(warehouse))
    assert load_codon_frequencies("mine").equals(table)


@pytest.mark.parametrize(
    "path", ["mine/codon_frequencies.parquet", "mine/codon_frequencies.tsv", "mine", "mine/"]
)
def test_a_path_to_a_table_or_its_folder_gives_the_table(warehouse, table, path):
    assert load_codon_frequencies(f"{warehouse}/{path}").equals(table)


def test_a_path_may_be_a_path_object(warehouse, table):
    assert load_codon_frequencies(warehouse / "mine" / "codon_frequencies.tsv").equals(table)


def test_a_group_alone_can_be_read(warehouse, table):
    found = load_codon_frequencies("mine", warehouse=warehouse, group=AWKWARD)
    assert set(found["group"].to_pylist()) == {AWKWARD}


def test_a_group_that_is_not_there_is_refused_with_those_that_are(warehouse):
    with pytest.raises(SettingError, match=r"no group 'c'\. It has: all, "):
        load_codon_frequencies("mine", warehouse=warehouse, group="c")


def test_a_data_frame_comes_of_it(warehouse):
    frame = load_codon_frequencies("mine", warehouse=warehouse, group="all").to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame.set_index("codon")["count"]["ATG"] == 3


def test_the_columns_are_the_declared_ones(warehouse):
    assert load_codon_frequencies("mine", warehouse=warehouse).schema.equals(CODON_FREQUENCIES)


def test_every_column_stands_in_the_docstring():
    assert all(
        f"``{name}``" in opengenome_assets.load_codon_frequencies.__doc__ for name in CODON_FREQUENCIES.names
    )


def test_a_csv_of_codon_count_freq_aa_has_the_same_counts_and_frequencies(tmp_path, table):
    (tmp_path / "old.csv").write_text(EXPORTS["opengenome"].write(table, "b"))
    found = load_codon_frequencies(tmp_path / "old.csv")
    expected = load_rows(table, "b")
    assert load_rows(found, "all") == [
        row | {"group": "all", "fraction": None, "rscu": None} for row in expected
    ]


def load_rows(table, group):
    return [row for row in table.to_pylist() if row["group"] == group]


def test_rna_and_lower_case_in_a_csv_are_the_same_codons(tmp_path):
    (tmp_path / "old.csv").write_text("codon,count,freq,aa\naug,1,1.0,M\n")
    assert load_codon_frequencies(tmp_path / "old.csv")["codon"].to_pylist() == ["ATG"]


def test_text_reads_back_as_it_was_written(table):
    assert read_tsv(table_tsv(table), CODON_FREQUENCIES).equals(table)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"codon,n\nATG,1\n", "its first line is not codon,count,freq,aa"),
        ("a.csv", b"codon,count,freq,aa\nATG,few,1,M\n", "invalid literal"),
        ("a.csv", b"codon,count,freq,aa\nATG,-1,1,M\n", "codon 'ATG' with count -1"),
        ("a.csv", b"codon,count,freq,aa\nATG\n", "invalid literal"),
        ("a.csv", b"codon,count,freq,aa\nATG,1,1,M\naug,1,1,M\n", "a codon stands on two lines"),
        ("a.csv", b"codon,count,freq,aa\nATG,%d,1,M\n" % 10**30, "int"),
        ("a.tsv", b"codon\tcount\n", "its first line is not group codon"),
        ("a.tsv", b"\xff\xfe", "utf-8"),
        (
            "a.tsv",
            b"group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu\nall\n",
            "line 2 has 1",
        ),
        (
            "a.tsv",
            b"group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu\nall\tATG\tM\t\t1\t1\t1\t1\n",
            "line 2 has no count",
        ),
        ("a.parquet", b"PAR1", "Parquet"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFormatError, match=rf"{name}: is no codon frequency table \(.*{told}"):
        load_codon_frequencies(tmp_path / name)


def test_another_parquet_file_is_refused_with_its_columns(tmp_path):
    pq.write_table(pa.table({"codon": ["ATG"]}), tmp_path / "a.parquet")
    with pytest.raises(InputFormatError, match="its columns are codon"):
        load_codon_frequencies(tmp_path / "a.parquet")


def test_an_unknown_name_is_refused_with_near_names(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").touch()
    with pytest.raises(InputNotFoundError, match=r"^mime: no data set .* Did you mean mine\?"):
        load_codon_frequencies("mime", warehouse=tmp_path)


def test_a_data_set_without_a_table_is_named_with_what_to_do(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").touch()
    with pytest.raises(
        InputNotFoundError, match=r"mine: has no table at .* Make it with opengenome analyze codon"
    ):
        load_codon_frequencies("mine", warehouse=tmp_path)


def test_a_path_to_nothing_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"absent\.tsv: there is no such file"):
        load_codon_frequencies(tmp_path / "absent.tsv")


def test_a_folder_that_is_named_like_a_table_is_refused(tmp_path):
    (tmp_path / "folder.tsv").mkdir()
    with pytest.raises(InputNotFoundError, match=r"folder\.tsv: cannot be read"):
        load_codon_frequencies(tmp_path / "folder.tsv")
