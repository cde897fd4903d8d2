"""A table read back from each way of storing it, and files that are none."""

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import opengenome_assets
from opengenome_assets import load_codon_frequencies
from opengenome_assets.errors import InputFormatError, InputNotFoundError, SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.export import EXPORTS
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.load import load_groups
from opengenome_assets.tables.text import table_tsv
from opengenome_assets_tests.tables.tables import counts_table

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


def test_an_unknown_group_is_refused_with_the_existing_ones(warehouse):
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


def test_a_csv_of_four_columns_has_the_same_numbers(tmp_path, table):
    (tmp_path / "old.csv").write_text("".join(EXPORTS["opengenome"].write([table], "b")))
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


HEADER = b"group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"codon,n\nATG,1\n", " is no codon frequency table: it has the columns codon, n."),
        ("a.tsv", b"codon\tcount\n", " is no codon frequency table: it has the columns codon, count."),
        (
            "a.csv",
            b"codon,count,freq,aa\nATG,few,1,M\n",
            ": line 2 has count 'few', which is no whole number that can be",
        ),
        ("a.csv", b"codon,count,freq,aa\n\nATG,1.000,1,M\n", ": line 3 has count '1.000'"),
        ("a.csv", b"codon,count,freq,aa\nATG,1.5,1,M\n", ": line 2 has count '1.5'"),
        ("a.csv", b"codon,count,freq,aa\nATG,-1,1,M\n", ": line 2 has count '-1'"),
        ("a.csv", b"codon,count,freq,aa\nATG,%d,1,M\n" % 10**30, ": line 2 has count '1"),
        (
            "a.csv",
            b"codon,count,freq,aa\nATG,1,1.2.3,M\n",
            ": line 2 has freq '1.2.3', which is no number that can be read.",
        ),
        ("a.csv", b"codon,count,freq,aa\nATG,1,1e999,M\n", ": line 2 has freq '1e999'"),
        # The place is that of the first row that is wrong, not of the first row.
        ("a.csv", b"codon,count,freq,aa\nATG,1,1,M\nTTT,x,1,F\nTTC,y,1,F\n", ": line 3 has count 'x'"),
        ("a.csv", b"codon,count,freq,aa\nATG,1,1,M\nTTT,1,x,F\n", ": line 3 has freq 'x'"),
        ("a.csv", b"codon,count,freq,aa\nATG,1,1,M\nT1T,1,1,F\nTC,1,1,F\n", ": line 3 has codon 'T1T'"),
        ("a.csv", b"codon,count,freq,aa\nATG,1,1,M\nTTT,,1,F\nTTC,,1,F\n", ": line 3 has no count."),
        ("a.csv", b"codon,count,freq,aa\nATG,9223372036854775808,1,M\n", ": line 2 has count '92"),
        (
            "a.csv",
            b"codon,count,freq,aa\nATG,1,1,M\nTTT,1,1,F\nTTC,1,1,F\nTTT,1,1,F\n",
            ": codon TTT of group 'all' is on line 3 and on line 5. Keep one of them.",
        ),
        ("a.csv", b"codon,count,freq,aa\nATG\n", ": line 2 has 1 value, the header has 4"),
        ("a.csv", b"codon,count,freq,aa\nATGA,1,1,M\n", ": line 2 has codon 'ATGA'"),
        (
            "a.csv",
            b"codon,count,freq,aa\nATG,1,1,M\naug,1,1,M\nATG,1,1,M\n",
            ": codon ATG of group 'all' is on line 2 and on line 3.",
        ),
        ("a.csv", b"codon,count,freq,aa,codon\nATG,1,1,M,ATG\n", " has 2 columns named codon. Keep one"),
        ("a.tsv", b"", " is empty."),
        ("a.tsv", b"\xff\xfe", " is empty."),
        ("a.tsv", HEADER + b"caf\xe9\tATG\tM\t1\t1\t1\t1\t1\n", ": line 2 is not UTF-8 text."),
        ("a.tsv", HEADER + b"all\n", ": line 2 has 1 value, the header has 8 (separated by tabs)"),
        ("a.tsv", HEADER + b"all\tATG\tM\t\t1\t1\t1\t1\n", ": line 2 has no count."),
        ("a.tsv", HEADER + b"\tATG\tM\t1\t1\t1\t1\t1\n", ": line 2 has no group."),
        ("a.xlsx", b"PK\x03\x04...", " is a spreadsheet or a zip archive. Save it as TSV or CSV"),
        ("a.tsv", b"\x1f\x8b\x08", " is compressed with gzip. Unpack it first."),
        ("a.parquet", b"PAR1", " cannot be read as Parquet"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFormatError) as caught:
        load_codon_frequencies(tmp_path / name)
    assert f"{name}{said}" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array(["ATG"]), "is no codon frequency table: it has the columns codon"),
        (None, "row 1 has no count"),
        (pa.array([1.5]), "column count of type double is not int64 (Float value 1.5"),
        (pa.array([[1]]), "column count of type list"),
        (pa.array([-1]), "row 1 has a count below 0"),
    ],
)
def test_a_wrong_parquet_table_is_refused_with_its_place(tmp_path, table, column, said):
    rows = table.slice(0, 1)
    at = rows.schema.get_field_index("count")
    if said.startswith("is no"):
        rows = pa.table({"codon": column})
    else:
        rows = rows.set_column(at, "count", pa.nulls(1, pa.int64()) if column is None else column)
    pq.write_table(rows, tmp_path / "a.parquet")
    with pytest.raises(InputFormatError) as caught:
        load_codon_frequencies(tmp_path / "a.parquet")
    assert "a.parquet" in str(caught.value)
    assert said in str(caught.value)


def test_the_place_of_a_wrong_parquet_row_is_its_number(tmp_path, table):
    rows = table.slice(0, 3)
    at = rows.schema.get_field_index("count")
    for values, said in (([1, 2, -3], "row 3 has a count below 0"), ([1, None, 3], "row 2 has no count")):
        pq.write_table(rows.set_column(at, "count", pa.array(values, pa.int64())), tmp_path / "a.parquet")
        with pytest.raises(InputFormatError, match=rf"a\.parquet: {said}"):
            load_codon_frequencies(tmp_path / "a.parquet")


def test_the_largest_count_and_none_at_all_are_read(tmp_path):
    (tmp_path / "a.csv").write_text(f"codon,count,freq,aa\nATG,{2**63 - 1},1,M\nTTT,0,0,F\n")
    found = load_codon_frequencies(tmp_path / "a.csv")
    assert found["count"].to_pylist() == [2**63 - 1, 0]
    assert found["per_thousand"].to_pylist() == [1000, 0]


def test_a_table_of_a_newer_format_is_refused(tmp_path, table):
    newer = {"opengenome_assets.format": "2", "opengenome_assets.provenance": "{}"}
    pq.write_table(table.replace_schema_metadata(newer), tmp_path / "a.parquet")
    with pytest.raises(InputFormatError, match=r"a\.parquet: written in format 2;"):
        load_codon_frequencies(tmp_path / "a.parquet")


def test_a_table_of_no_known_format_is_to_be_made_anew(tmp_path, table):
    pq.write_table(table.replace_schema_metadata({"opengenome_assets.format": "0"}), tmp_path / "a.parquet")
    with pytest.raises(
        InputFormatError, match=r"a\.parquet: .* Make it again with opengenome analyze codon\."
    ):
        load_codon_frequencies(tmp_path / "a.parquet")


def test_metadata_that_are_no_json_are_refused(tmp_path, table):
    damaged = table.replace_schema_metadata({"opengenome_assets.provenance": "{"})
    pq.write_table(damaged, tmp_path / "a.parquet")
    with pytest.raises(
        InputFormatError, match=r"a\.parquet: its metadata cannot be read \(Expecting .*\)\. Make it again"
    ):
        load_codon_frequencies(tmp_path / "a.parquet")


def german_excel(text: str) -> bytes:
    lines = [line.replace(".", ",").replace("\t", ";") for line in text.splitlines()]
    return "\r\n".join([*lines, ";;;", ""]).encode("utf-8-sig")


@pytest.fixture
def plain():
    """A table whose text has no letter that a delimiter could be."""
    return codon_frequencies(counts_table({"ATG": 3, "TTT": 5, "TGA": 1}, group="b"), TableParameters())


SAVED_AGAIN = {
    "crlf.tsv": lambda text: text.replace("\n", "\r\n").encode(),
    "cr.tsv": lambda text: text.replace("\n", "\r").encode(),
    "bom.tsv": lambda text: text.encode("utf-8-sig"),
    "utf16.TXT": lambda text: text.encode("utf-16"),
    "blank_last_line.tsv": lambda text: f"{text}\n \n".encode(),
    "no_last_line_end.tsv": lambda text: text.rstrip("\n").encode(),
    "upper.TSV": lambda text: text.encode(),
    "commas.csv": lambda text: text.replace("\t", ",").encode(),
    "german.csv": german_excel,
    "quoted.tsv": lambda text: "".join(
        "\t".join(f'"{value}"' for value in line.split("\t")) + "\n" for line in text.splitlines()
    ).encode(),
    "missing_words.tsv": lambda text: text.replace("\t\t", "\tNA\t").replace("\t\n", "\tNaN\n").encode(),
}


@pytest.mark.parametrize("name", SAVED_AGAIN)
def test_text_that_a_program_saved_again_is_read(tmp_path, plain, name):
    (tmp_path / name).write_bytes(SAVED_AGAIN[name](table_tsv(plain)))
    assert load_codon_frequencies(tmp_path / name).equals(plain)


@pytest.mark.parametrize("name", ["quotes.csv", "german.csv", "bom.csv"])
def test_four_columns_that_a_program_saved_again_are_read(tmp_path, plain, name):
    text = "".join(EXPORTS["opengenome"].write([plain], "b"))
    saved = {
        "quotes.csv": lambda: text.replace("ATG", '"ATG"').encode(),
        "german.csv": lambda: german_excel(text.replace(",", "\t")),
        "bom.csv": lambda: text.encode("utf-8-sig"),
    }
    (tmp_path / "first.csv").write_text(text)
    (tmp_path / name).write_bytes(saved[name]())
    assert load_codon_frequencies(tmp_path / name).equals(load_codon_frequencies(tmp_path / "first.csv"))


def as_pandas(table):
    return table.to_pandas()


@pytest.mark.parametrize(
    "change",
    [
        as_pandas,
        lambda table: as_pandas(table).astype({"group": "category", "count": "float64"}),
        lambda table: as_pandas(table)[as_pandas(table)["count"] >= 0].iloc[:, ::-1],
        lambda table: as_pandas(table).set_index(["group", "codon"]),
        lambda table: as_pandas(table).assign(mine=1),
    ],
    ids=["unchanged", "categories", "other_order", "index", "another_column"],
)
def test_parquet_through_pandas_is_read(tmp_path, table, change):
    change(table).to_parquet(tmp_path / "saved.parquet")
    assert load_codon_frequencies(tmp_path / "saved.parquet").equals(table)


def test_csv_of_pandas_with_its_index_is_read(tmp_path, plain):
    plain.to_pandas().to_csv(tmp_path / "saved.csv")
    assert load_codon_frequencies(tmp_path / "saved.csv").equals(plain)


def test_numbers_that_were_saved_as_text_are_read(tmp_path, table):
    rows = table.to_pylist()
    text = [{name: value if value is None else str(value) for name, value in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(text), tmp_path / "saved.parquet")
    assert load_codon_frequencies(tmp_path / "saved.parquet").equals(table)


def test_large_strings_are_read(tmp_path, table):
    large = [
        pa.field(each.name, pa.large_string()) if each.type == pa.string() else each for each in table.schema
    ]
    pq.write_table(table.cast(pa.schema(large)), tmp_path / "saved.parquet")
    assert load_codon_frequencies(tmp_path / "saved.parquet").equals(table)


def test_a_table_without_rows_reads_back(tmp_path, table):
    (tmp_path / "empty.tsv").write_text(table_tsv(table.slice(0, 0)))
    assert load_codon_frequencies(tmp_path / "empty.tsv").equals(table.slice(0, 0))


def test_what_a_table_says_of_its_making_is_kept(tmp_path, table):
    pq.write_table(table.replace_schema_metadata({"mine": "yes"}), tmp_path / "a.parquet")
    assert load_codon_frequencies(tmp_path / "a.parquet").schema.metadata[b"mine"] == b"yes"


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


def in_parts(*arguments):
    return pa.concat_tables(load_groups(*map(str, arguments)))


def test_parts_are_found_and_refused_as_the_whole(warehouse, tmp_path, table):
    assert in_parts("mine", warehouse).equals(table)
    assert in_parts(warehouse / "mine" / "codon_frequencies.tsv", "").equals(table)
    with pytest.raises(
        InputNotFoundError, match=f"^mime: no data set with this name is registered in {warehouse}"
    ):
        in_parts("mime", warehouse)
    (tmp_path / "a.tsv").write_text("codon\tcount\n")
    with pytest.raises(InputFormatError, match=r"a\.tsv is no codon frequency table"):
        in_parts(tmp_path / "a.tsv", "")


def test_parts_of_a_remote_table_are_read(table):
    system = fsspec.filesystem("memory")
    with system.open("/tables/a.parquet", "wb") as file:
        pq.write_table(table, file, row_group_size=50)
    try:
        assert in_parts("memory://tables/a.parquet", "").equals(table)
    finally:
        system.rm("/tables", recursive=True)


def test_a_path_to_nothing_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"absent\.tsv: there is no such file"):
        load_codon_frequencies(tmp_path / "absent.tsv")


def test_a_folder_without_a_table_is_named_with_what_to_do(tmp_path):
    with pytest.raises(InputNotFoundError) as refused:
        load_codon_frequencies(f"{tmp_path}/none//", warehouse=tmp_path)
    place = f"{tmp_path}/none/codon_frequencies.parquet"
    assert str(refused.value).startswith(f"{tmp_path}/none//: has no table at {place}. Make it with ")


def test_a_folder_that_is_named_like_a_table_is_refused(tmp_path):
    (tmp_path / "folder.tsv").mkdir()
    with pytest.raises(InputNotFoundError, match=r"folder\.tsv: cannot be read"):
        load_codon_frequencies(tmp_path / "folder.tsv")
