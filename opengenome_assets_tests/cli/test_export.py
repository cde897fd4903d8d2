"""``opengenome export``: all formats, to stdout or to a file."""

import csv
from pathlib import Path

import pytest

from opengenome_assets import load_codon_frequencies
from opengenome_assets.tables.export import EXPORTS
from opengenome_assets_tests.cli.scenario import Analyzed, Said, opengenome


def test_every_format_stands_in_the_help_with_what_it_is() -> None:
    said = opengenome("export", "--help")
    words = said.out.split()
    assert all(name in words and export.summary in said.out for name, export in EXPORTS.items())


def test_a_format_that_is_not_known_ends_with_2(warehouse: Path) -> None:
    assert opengenome("export", "--format", "xls", "--warehouse", warehouse).code == 2


def test_exporting_without_a_table_exits_with_2_and_a_remedy(warehouse: Path) -> None:
    said = opengenome("export", "--dataset", "demo", "--warehouse", warehouse)
    assert said.code == 2
    assert said.err.startswith(f"Error: demo: has no table at {warehouse}/demo/")


def test_the_environments_data_set_is_meant_without_a_name(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_DATASET", "demo")
    assert "demo: has no table" in opengenome("export", "--warehouse", warehouse).err


def test_of_several_data_sets_one_has_to_be_named(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENGENOME_DATASET", "demo,organelle")
    said = opengenome("export", "--warehouse", warehouse)
    assert said.code == 2
    assert "one data set at a time, not on demo, organelle" in said.err


@pytest.fixture
def four_columns(tmp_path: Path) -> Path:
    path = tmp_path / "small.csv"
    path.write_text("codon,count,freq,aa\nAAA,3,0.75,K\nAAG,1,0.25,K\n")
    return path


def test_the_matrix_has_the_values_that_are_asked_for(four_columns: Path) -> None:
    said = opengenome("export", "-d", four_columns, "--format", "matrix", "--values", "frequency")
    header, row = (line.split("\t") for line in said.out.splitlines())
    values = dict(zip(header, row, strict=True))
    assert (said.code, values["group"], values["AAA"], values["AAG"]) == (0, "all", "0.75", "0.25")


def test_values_are_refused_for_other_formats(four_columns: Path) -> None:
    said = opengenome("export", "-d", four_columns, "--values", "count")
    assert said.code == 2
    assert "--values needs --format matrix." in said.err


def test_all_groups_are_written_into_a_folder(four_columns: Path, tmp_path: Path) -> None:
    said = opengenome("export", "-d", four_columns, "--all-groups", tmp_path / "groups")
    assert said.code == 0
    assert sorted(path.name for path in (tmp_path / "groups").iterdir()) == ["all.tsv", "index.tsv"]


@pytest.mark.spark
@pytest.mark.parametrize("name", EXPORTS)
def test_stdout_gets_what_the_formats_writer_makes(analyzed: Analyzed, name: str) -> None:
    said = opengenome("export", "--dataset", "mine", "--format", name, "--warehouse", analyzed.warehouse)
    table = load_codon_frequencies("mine", warehouse=analyzed.warehouse)
    assert (said.code, said.out) == (0, "".join(EXPORTS[name].write([table])))


@pytest.mark.spark
def test_without_a_format_it_is_tsv(analyzed: Analyzed) -> None:
    said = opengenome("export", "-d", "mine", "-w", analyzed.warehouse)
    assert said.out == (analyzed.folder("mine") / "codon_frequencies.tsv").read_text()


@pytest.mark.spark
def test_a_file_gets_it_and_stdout_nothing(analyzed: Analyzed, tmp_path: Path) -> None:
    target = tmp_path / "new" / "mine.cut"
    said = opengenome("export", "-d", analyzed.output, "--format", "cut", "--output", target)
    assert (said.code, said.out) == (0, "")
    assert target.read_text() == "".join(EXPORTS["cut"].write([load_codon_frequencies(analyzed.output)]))


@pytest.mark.spark
def test_a_file_that_cannot_be_written_ends_with_2(analyzed: Analyzed) -> None:
    inside_a_file = analyzed.input / "mine.tsv"
    said = opengenome("export", "-d", "mine", "-w", analyzed.warehouse, "-o", inside_a_file)
    assert said.code == 2
    assert f"--output {inside_a_file}: cannot be written" in said.err


@pytest.mark.spark
def test_a_group_is_exported_alone(analyzed: Analyzed, sampled: Said) -> None:
    del sampled
    said = opengenome("export", "-d", "mine@sample-20", "-w", analyzed.warehouse, "--group", "g1")
    assert {line.split("\t")[0] for line in said.out.splitlines()[1:]} == {"g1"}


@pytest.mark.spark
def test_a_group_that_is_not_there_ends_with_2(analyzed: Analyzed) -> None:
    said = opengenome("export", "-d", "mine", "-w", analyzed.warehouse, "--group", "none")
    assert said.code == 2
    assert "The table has no group 'none'. It has: all." in said.err


def test_csv_quotes_a_group_with_a_comma(tmp_path: Path) -> None:
    table = tmp_path / "codons.tsv"
    columns = "group\tcodon\tamino_acid\tcount\tfrequency\tper_thousand\tfraction\trscu\n"
    table.write_text(columns + "a, b\tAAA\tK\t3\t1.0\t1000.0\t\t\n")
    said = opengenome("export", "-d", table, "--format", "csv")
    assert list(csv.reader(said.out.splitlines())) == [
        columns.strip().split("\t"),
        ["a, b", "AAA", "K", "3", "1.0", "1000.0", "", ""],
    ]


@pytest.mark.parametrize("options", [("--format", "cut"), ("--all-groups", "folder")])
def test_by_sequence_is_refused_for_other_formats(four_columns: Path, options: tuple[str, str]) -> None:
    said = opengenome("export", "-d", four_columns, "--by-sequence", *options)
    assert (
        said.code,
        "--by-sequence is used with --format tsv or csv, without --all-groups" in said.err,
    ) == (2, True)
