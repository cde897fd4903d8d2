"""The codon matrix, compared with what pandas pivots out of the long table."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import opengenome_assets
from opengenome_assets import load_codon_frequencies, load_codon_matrix
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import InputFormatError, InputNotFoundError, SettingError
from opengenome_assets.schemas import CODON_MATRIX
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.matrix import VALUES
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.tables.skewed import skewed_counts
from opengenome_assets_tests.tables.tables import counts_table

COUNTS = pa.concat_tables(
    [
        counts_table(skewed_counts(), group="skewed"),
        counts_table({"TGA": 7, "ATG": 3, "NNN": 2, "ARG": 4}, group="mammals", genetic_code=2),
        counts_table({"TTT": 2**60 + 1}, group="odd\tname", genetic_code=11),
        counts_table({}, group="none"),
    ]
)
PARAMETERS = [{}, {"skip_n": False}, {"skip_stops": True}, {"min_count": 8}]


@pytest.fixture
def stored(tmp_path):
    def store(row_group_size=None, **parameters):
        table = codon_frequencies(COUNTS, TableParameters(**parameters))
        pq.write_table(table, tmp_path / "t.parquet", row_group_size=row_group_size)
        return tmp_path / "t.parquet"

    return store


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
@pytest.mark.parametrize("row_group_size", [None, 70])
def test_the_matrix_is_the_pivot_of_the_table(stored, values, parameters, row_group_size):
    path = stored(row_group_size, **parameters)
    # Objects, since counts above 2^53 are not exact as floats.
    long = load_codon_frequencies(path).to_pandas(integer_object_nulls=True).astype({values: object})
    pivot = long.pivot(index="group", columns="codon", values=values).reindex(columns=CODONS)
    matrix = load_codon_matrix(path, values=values)
    assert matrix["group"].to_pylist() == list(dict.fromkeys(long["group"]))
    for row in matrix.to_pylist():
        expected = [None if pd.isna(value) else value for value in pivot.loc[row["group"]]]
        assert [row[codon] for codon in CODONS] == expected


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_totals_are_those_of_the_table(stored, parameters):
    path = stored(**parameters)
    long = load_codon_frequencies(path).to_pandas()
    is_plain = long["codon"].isin(CODONS)
    for row in load_codon_matrix(path).to_pylist():
        of_group = long["group"] == row["group"]
        assert row["codons"] == long.loc[of_group & is_plain, "count"].sum()
        assert row["ambiguous_codons"] == long.loc[of_group & ~is_plain, "count"].sum()


def test_ambiguous_codons_are_counted_apart(stored):
    rows = {row["group"]: row for row in load_codon_matrix(stored(skip_n=False)).to_pylist()}
    assert (rows["mammals"]["codons"], rows["mammals"]["ambiguous_codons"]) == (10, 6)


def test_codons_that_are_left_out_are_null(stored):
    (row,) = (
        load_codon_matrix(stored(skip_stops=True)).filter(pa.compute.field("group") == "skewed").to_pylist()
    )
    assert {codon for codon in CODONS if row[codon] is None} == {"TAA", "TAG", "TGA"}


def test_a_data_frame_has_a_row_per_group(stored):
    frame = load_codon_matrix(stored()).to_pandas().set_index("group")
    assert list(frame.columns) == ["codons", "ambiguous_codons", *CODONS]
    assert frame.loc["mammals", "TGA"] == 7
    assert frame["ATG"].dtype == np.int64


def test_counts_are_whole_numbers_and_other_values_floats(stored):
    path = stored()
    assert load_codon_matrix(path).schema.equals(CODON_MATRIX)
    assert {load_codon_matrix(path, values="rscu").schema.field(codon).type for codon in CODONS} == {
        pa.float64()
    }


def test_every_column_and_value_is_in_the_docstring():
    text = opengenome_assets.load_codon_matrix.__doc__
    assert all(f"``{name}``" in text for name in (*VALUES, *CODON_MATRIX.names[:3], "AAA", "TTT"))


@pytest.mark.parametrize("values", VALUES)
def test_parquet_tsv_and_python_give_the_same_matrix(stored, values, tmp_path):
    path, target = stored(70, skip_n=False, min_count=2), tmp_path / "m.parquet"
    asked = ("export", "-d", path, "--format", "matrix", "--values", values)
    assert opengenome(*asked, "-o", target).code == 0
    matrix = load_codon_matrix(path, values=values)
    assert pq.read_table(target).equals(matrix)
    text = pd.read_csv(io.StringIO(opengenome(*asked).out), sep="\t", keep_default_na=False, dtype=str)
    assert list(text.columns) == matrix.column_names
    for codon in CODONS:
        written = ["" if value is None else repr(value) for value in matrix[codon].to_pylist()]
        assert text[codon].to_list() == written


def test_parquet_has_a_row_group_for_each_of_the_table(tmp_path):
    counts = pa.concat_tables([counts_table({"ATG": 1}, group=f"g{n:02}") for n in range(29)])
    table = codon_frequencies(counts, TableParameters())
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=640)
    assert (
        opengenome(
            "export", "-d", tmp_path / "t.parquet", "--format", "matrix", "-o", tmp_path / "m.parquet"
        ).code
        == 0
    )
    metadata = pq.read_metadata(tmp_path / "m.parquet")
    # The last group of a row group is held until the next one is read.
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [9, 10, 10, 1]


def test_the_matrix_of_a_group_has_one_row(stored, tmp_path):
    path = stored()
    said = opengenome("export", "-d", path, "--format", "matrix", "--group", "mammals")
    assert [line.split("\t")[0] for line in said.out.splitlines()] == ["group", "mammals"]
    opengenome("export", "-d", path, "--format", "matrix", "--group", "mammals", "-o", tmp_path / "m.parquet")
    assert pq.read_table(tmp_path / "m.parquet")["group"].to_pylist() == ["mammals"]


def test_a_matrix_in_parquet_keeps_the_provenance(stored, tmp_path):
    table = pq.read_table(stored())
    keys = {b"opengenome_assets.provenance": b'{"dataset": "mine"}', b"opengenome_assets.parameters": b"{}"}
    pq.write_table(
        table.replace_schema_metadata({**keys, b"opengenome_assets.format": b"1"}), tmp_path / "t.parquet"
    )
    assert load_codon_matrix(tmp_path / "t.parquet").schema.metadata == keys


def test_values_need_the_matrix(stored):
    said = opengenome("export", "-d", stored(), "--values", "rscu")
    assert said.code == 2
    assert "--values needs --format matrix." in said.err


def test_unknown_values_are_refused(stored):
    with pytest.raises(
        SettingError, match=r"values 'amino_acid' is not allowed\. Allowed: count, frequency, "
    ):
        load_codon_matrix(stored(), values="amino_acid")


def test_a_matrix_of_no_table_is_refused(tmp_path):
    with pytest.raises(InputNotFoundError, match="there is no such file"):
        load_codon_matrix(tmp_path / "none.parquet")


def test_a_text_table_in_any_order_gives_the_matrix(stored, tmp_path):
    path = stored()
    long = load_codon_frequencies(path).to_pandas().sample(frac=1, random_state=1)
    long.to_csv(tmp_path / "t.csv", index=False)
    found = load_codon_matrix(tmp_path / "t.csv").to_pandas().set_index("group").sort_index()
    expected = load_codon_matrix(path).to_pandas().set_index("group").sort_index()
    pd.testing.assert_frame_equal(found, expected)


def test_scattered_groups_keep_the_order_of_the_file(tmp_path):
    rows = [("b", "TTT"), ("a", "ATG"), ("b", "AAA"), ("a", "CCC")]
    header = "group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu\n"
    lines = [f"{group}\t{codon}\t\t1\t\t\t\t\n" for group, codon in rows]
    (tmp_path / "t.tsv").write_text(header + "".join(lines))
    said = opengenome("export", "-d", tmp_path / "t.tsv")
    assert said.out == header + "".join(lines[at] for at in (0, 2, 1, 3))


def test_a_group_in_distant_row_groups_is_refused(stored, tmp_path):
    table = pq.read_table(stored()).sort_by("codon")
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=100)
    with pytest.raises(
        InputFormatError, match=r"t\.parquet: group '.*' is in row group 2 and, after .*Sort the table"
    ):
        load_codon_matrix(tmp_path / "t.parquet")


def test_a_wrong_row_is_named_by_its_row_in_the_file(stored, tmp_path):
    rows = pq.read_table(stored()).to_pylist()
    rows[149]["count"] = -1
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet", row_group_size=70)
    with pytest.raises(InputFormatError, match="row 150 has a count below 0"):
        load_codon_matrix(tmp_path / "t.parquet")


def test_empty_text_in_parquet_is_null(stored, tmp_path):
    rows = pq.read_table(stored()).to_pylist()
    rows[3]["amino_acid"] = ""
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    assert load_codon_frequencies(tmp_path / "t.parquet")["amino_acid"][3].as_py() is None


def test_a_codon_twice_across_row_groups_is_refused(stored, tmp_path):
    table = pq.read_table(stored())
    pq.write_table(
        pa.concat_tables([table, table.slice(table.num_rows - 1)]),
        tmp_path / "t.parquet",
        row_group_size=table.num_rows,
    )
    with pytest.raises(InputFormatError, match="codon TTT of group 'skewed' has two rows"):
        load_codon_matrix(tmp_path / "t.parquet")


def test_a_damaged_row_group_is_one_error_and_no_file(stored, tmp_path):
    path = stored(70)
    column = pq.read_metadata(path).row_group(2).column(3)
    content = bytearray(path.read_bytes())
    content[column.data_page_offset : column.data_page_offset + 20] = b"\xff" * 20
    path.write_bytes(content)
    said = opengenome("export", "-d", path, "--format", "matrix", "-o", tmp_path / "m.parquet")
    assert said.code == 2
    assert f"{path} cannot be read as Parquet" in said.err
    assert not (tmp_path / "m.parquet").exists()
