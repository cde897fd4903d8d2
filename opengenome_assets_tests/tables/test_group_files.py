"""``opengenome export --all-groups``: a folder with a file for each group, and an index of them."""

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_codon_tables import python_codon_tables

from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.export import EXPORTS
from opengenome_assets.tables.frequencies import codon_frequencies
from opengenome_assets.tables.group_files import FileNames, write_group_files
from opengenome_assets.tables.text import table_tsv, unescaped
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.tables.skewed import skewed_counts
from opengenome_assets_tests.tables.tables import counts_table
from opengenome_assets_tests.tables.test_export import as_emboss_reads, needs_emboss

HOSTILE = [
    *(
        "..",
        ".",
        "../up",
        "/etc/passwd",
        "C:\\new",
        "-rf",
        ".hidden",
        "a\tb\nc\r\\n",
        "\x01\x7f",
        " ",
        "~",
        "index",
    ),
    *("CON", "con.txt", "nul", "COM1", "lpt9.x", "a/b", "a_b", "A_B", "a:b", "a-2", "end.", "end ", "ALL"),
    *(
        "日本",
        "日本語",
        "Poëceae",
        "Poe\u0308ceae",
        "Poeceae",
        "x" * 300,
        "x" * 300 + "y",
        "\u2044",
        "\uff0f..",
    ),
]


def table_of(*counts, **parameters):
    return codon_frequencies(pa.concat_tables(counts), TableParameters(**parameters))


def same_code_table(groups=("b/x", "a")):
    """Counts that differ between groups, under one genetic code."""
    skewed = skewed_counts()
    return table_of(
        *(
            counts_table({codon: count + place for codon, count in skewed.items()}, group=group)
            for place, group in enumerate(groups)
        )
    )


def stored(folder, table, row_group_size=None):
    pq.write_table(table, folder / "t.parquet", row_group_size=row_group_size)
    return folder / "t.parquet"


def index_of(folder):
    with (folder / "index.tsv").open(newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def files_of(folder):
    return {file.name for file in folder.iterdir()} - {"index.tsv"}


@pytest.mark.parametrize("name", EXPORTS)
def test_each_file_is_the_export_of_its_group_alone(name, tmp_path):
    # Row groups that cut through the groups.
    path = stored(tmp_path, same_code_table(), row_group_size=50)
    said = opengenome("export", "-d", path, "--format", name, "--all-groups", tmp_path / "out")
    assert (said.code, said.out, said.err) == (0, "", "")
    rows = index_of(tmp_path / "out")
    assert [row["group"] for row in rows] == ["all", "a", "b/x"]
    assert files_of(tmp_path / "out") == {row["file"] for row in rows}
    for row in rows:
        alone = opengenome("export", "-d", path, "--format", name, "--group", row["group"])
        assert (tmp_path / "out" / row["file"]).read_text() == alone.out
    assert len({(tmp_path / "out" / row["file"]).read_text() for row in rows}) == 3


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tsv", "b_x.tsv"),
        ("cut", "b_x.cut"),
        ("spsum", "b_x.spsum"),
        ("python_codon_tables", "b_x.csv"),
        ("opengenome", "b_x.csv"),
        ("matrix", "b_x.tsv"),
    ],
)
def test_files_are_named_by_group_and_format(name, file, tmp_path):
    write_group_files(EXPORTS[name], [same_code_table()], tmp_path)
    assert file in files_of(tmp_path)


@needs_emboss
def test_emboss_reads_the_files_of_all_groups(tmp_path):
    table = same_code_table()
    write_group_files(EXPORTS["cut"], [table], tmp_path / "groups")
    for row in index_of(tmp_path / "groups"):
        read = as_emboss_reads((tmp_path / "groups" / row["file"]).read_text(), "emboss", tmp_path)
        assert {codon: int(words[-1]) for codon, words in read.items()} == counts_of(table, row["group"])


def counts_of(table, group):
    return {row["codon"]: row["count"] for row in table.to_pylist() if row["group"] == group}


def test_python_codon_tables_reads_the_files_of_all_groups(tmp_path):
    table = same_code_table()
    write_group_files(EXPORTS["python_codon_tables"], [table], tmp_path)
    for row in index_of(tmp_path):
        read = python_codon_tables.csv_string_to_codons_dict((tmp_path / row["file"]).read_text())
        counts = counts_of(table, row["group"])
        for codons in read.values():
            total = sum(counts[codon] for codon in codons)
            assert codons == pytest.approx({codon: counts[codon] / total for codon in codons}, rel=1e-12)


def test_the_index_counts_the_codons_of_each_group(tmp_path):
    table = table_of(
        counts_table({"ATG": 3, "NNN": 2}, group="a"), counts_table({"TTT": 5}, group="b"), skip_n=False
    )
    write_group_files(EXPORTS["tsv"], [table], tmp_path)
    found = [
        (row["group"], row["codons"], row["ambiguous_codons"], row["refusal"]) for row in index_of(tmp_path)
    ]
    assert found == [("all", "8", "2", ""), ("a", "3", "2", ""), ("b", "5", "0", "")]


def mixed_codes(folder):
    counts = (counts_table({"TGA": 3}, group=str(code), genetic_code=code) for code in (2, 11))
    return stored(folder, table_of(*counts))


def test_refused_groups_are_listed_and_the_others_written(tmp_path):
    folder = tmp_path / "new" / "out"
    said = opengenome("export", "-d", mixed_codes(tmp_path), "--format", "cut", "--all-groups", folder)
    assert said.code == 1
    assert said.lines()[0].startswith("Not written: 'all'. The format cut needs one amino acid per codon")
    assert said.lines()[1:] == [f"1 of 3 groups not written. {folder}/index.tsv lists all groups."]
    rows = index_of(folder)
    assert [(row["file"], row["group"]) for row in rows] == [("", "all"), ("11.cut", "11"), ("2.cut", "2")]
    assert said.lines()[0] == f"Not written: 'all'. {rows[0]['refusal']}"
    assert [row["refusal"] for row in rows[1:]] == ["", ""]
    assert files_of(folder) == {"11.cut", "2.cut"}


def test_stderr_lists_the_first_twenty_refused_groups(tmp_path):
    table = table_of(*(counts_table({"ATG": 1}, group=f"g{n:02}") for n in range(29)), skip_stops=True)
    command = ("export", "-d", stored(tmp_path, table), "--format", "spsum", "--all-groups", tmp_path / "out")
    said = opengenome(*command)
    assert said.code == 1
    assert len([line for line in said.lines() if line.startswith("Not written: ")]) == 20
    assert "30 of 30 groups not written." in said.err
    assert all(row["refusal"] for row in index_of(tmp_path / "out"))


def test_hostile_names_are_files_of_the_folder(tmp_path):
    groups = sorted(set(HOSTILE))
    table = table_of(*(counts_table({"ATG": n + 1}, group=group) for n, group in enumerate(groups)))
    before = set(tmp_path.iterdir())
    write_group_files(EXPORTS["opengenome"], [table], tmp_path / "out")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "out"}
    rows = index_of(tmp_path / "out")
    assert [unescaped(row["group"]) for row in rows] == ["all", *groups]
    assert files_of(tmp_path / "out") == {row["file"] for row in rows}
    for row in rows[1:]:
        count = groups.index(unescaped(row["group"])) + 1
        assert f"ATG,{count},1.0,M\n" in (tmp_path / "out" / row["file"]).read_text()


def test_names_are_portable_and_unique_in_lower_case():
    names = FileNames()
    made = [names.new(group) for group in ["all", *HOSTILE]]
    assert len({name.lower() for name in [*made, "index"]}) == len(made) + 1
    for name in made:
        assert len(name) <= 90
        assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
        assert name[0] not in ".-_"
        assert name[-1] not in ".-_"
        assert name.lower().split(".")[0] not in {"con", "nul", "com1", "lpt9"}


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("mitochondrion/Chordata", "mitochondrion_Chordata"),
        ("Homo sapiens", "Homo_sapiens"),
        ("E. coli K-12", "E._coli_K-12"),
        ("Poëceae", "Poeceae"),
        ("X. campestris X", "X._campestris_X"),
        ("β-lineage", "lineage"),
        ("..", "group"),
        ("aux.x", "group_aux.x"),
        ("index", "index-2"),
    ],
)
def test_names_are_readable_where_possible(group, name):
    assert FileNames().new(group) == name


def test_groups_with_the_same_name_get_numbers():
    names = FileNames()
    assert [names.new(group) for group in ("a b", "a/b", "A:B", "a_b-2")] == [
        "a_b",
        "a_b-2",
        "A_B-3",
        "a_b-2-2",
    ]


def test_a_folder_with_files_is_refused_unchanged(tmp_path):
    path = stored(tmp_path, same_code_table())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes").touch()
    said = opengenome("export", "-d", path, "--all-groups", tmp_path / "out")
    assert said.code == 2
    assert f"--all-groups {tmp_path / 'out'}: the folder is not empty. Name a new" in said.err
    assert files_of(tmp_path / "out") == {"notes"}


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "out").mkdir()
    assert (
        opengenome("export", "-d", stored(tmp_path, same_code_table()), "--all-groups", tmp_path / "out").code
        == 0
    )


def test_a_folder_that_cannot_be_made_ends_with_2(tmp_path):
    path = stored(tmp_path, same_code_table())
    said = opengenome("export", "-d", path, "--all-groups", path / "inside")
    assert said.code == 2
    assert f"--all-groups {path / 'inside'}: cannot be written" in said.err


def test_a_table_without_rows_has_an_index_of_no_groups(tmp_path):
    path = stored(tmp_path, same_code_table().slice(0, 0))
    assert opengenome("export", "-d", path, "--all-groups", tmp_path / "out").code == 0
    assert (index_of(tmp_path / "out"), files_of(tmp_path / "out")) == ([], set())


def test_a_wrong_table_is_refused_with_its_path(tmp_path):
    table = same_code_table()
    at = table.schema.get_field_index("count")
    path = stored(tmp_path, table.set_column(at, "count", pa.array([-1] * table.num_rows)))
    said = opengenome("export", "-d", path, "--all-groups", tmp_path / "out")
    assert (said.code, said.err) == (2, f"Error: {path}: row 1 has a count below 0. Correct it.\n")


def test_without_a_table_no_folder_is_made(tmp_path):
    assert opengenome("export", "-d", tmp_path / "none.tsv", "--all-groups", tmp_path / "out").code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("other", [("--group", "a"), ("--output", "file")])
def test_all_groups_exclude_a_group_and_an_output(other, tmp_path):
    said = opengenome(
        "export", "-d", stored(tmp_path, same_code_table()), "--all-groups", tmp_path / "out", *other
    )
    assert said.code == 2
    assert "--all-groups is not used with --group or --output." in said.err


def test_an_interrupted_export_leaves_no_index(tmp_path):
    table = same_code_table()

    def parts():
        yield table
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_group_files(EXPORTS["tsv"], parts(), tmp_path)
    assert files_of(tmp_path) == {"all.tsv", "a.tsv", "b_x.tsv"}
    assert not (tmp_path / "index.tsv").exists()


def test_many_groups_come_row_group_by_row_group(tmp_path):
    counts = [{"group": f"g{n:03}", "codon": "ATG", "count": n + 1} for n in range(599)]
    plain = {"genetic_code": None, "strand": "+", "frame": 0}
    table = table_of(pa.Table.from_pylist([row | plain for row in counts], schema=CODON_COUNTS))
    path, folder = stored(tmp_path, table, row_group_size=12_800), tmp_path / "out"
    assert opengenome("export", "-d", path, "--format", "opengenome", "--all-groups", folder).code == 0
    assert len(files_of(folder)) == 600
    for n in range(599):
        assert f"ATG,{n + 1},1.0,M\n" in (folder / f"g{n:03}.csv").read_text()


@pytest.mark.parametrize("name", ["tsv", "spsum", "matrix"])
def test_a_table_in_parts_is_the_table_as_a_whole(name, tmp_path):
    table = same_code_table()
    path = stored(tmp_path, table, row_group_size=50)
    whole = "".join(EXPORTS[name].write([table]))
    assert opengenome("export", "-d", path, "--format", name).out == whole
    if name == "tsv":
        assert whole == table_tsv(table)
