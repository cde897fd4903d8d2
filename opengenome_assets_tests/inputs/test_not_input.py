"""What a folder holds besides the input: logged tables are refused, earlier results and archives left out."""

import os
import subprocess

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.register import register
from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.inputs.find import find_files
from opengenome_assets_tests.scenario import project, write_fasta, write_parquet

LOGS = {
    "_delta_log/00000000000000000000.json": ("a Delta table", 'format("delta").load'),
    ".hoodie/hoodie.properties": ("a Hudi table", 'format("hudi").load'),
    "metadata/v2.metadata.json": ("an Iceberg table", 'format("iceberg").load'),
    "_spark_metadata/0": ("the output of a Spark stream", "parquet"),
}
each_log = pytest.mark.parametrize("log", LOGS)


def logged_table(folder, log):
    """Two data files, of which the log would count one."""
    (folder / log).parent.mkdir(parents=True)
    (folder / log).write_text("{}")
    (folder / "day=1").mkdir()
    write_parquet(folder / "part-0.parquet", {"a": "ACG"})
    write_parquet(folder / "day=1" / "part-1.parquet", {"a": "ACG"})
    return folder


def lines_and_names(location):
    lines = []
    names = [os.path.relpath(file.uri, location) for file in find_files(str(location), lines.append)]
    return lines, names


@each_log
@pytest.mark.parametrize("location", ["", "/day=1", "/*.parquet", "/**/*.parquet", "/../table", "/.."])
def test_a_table_with_a_log_is_refused_with_how_to_read_it(tmp_path, log, location):
    folder = logged_table(tmp_path / "table", log)
    name, read = LOGS[log]
    with pytest.raises(InputFormatError) as error:
        find_files(f"{folder}{location}")
    assert str(error.value).startswith(f"{folder} is {name}")
    assert f'spark.read.{read}("{folder}")' in str(error.value)


@each_log
def test_a_remote_table_with_a_log_is_refused(log):
    store = fsspec.filesystem("memory")
    store.pipe(f"/tables/mine/{log}", b"{}")
    store.pipe("/tables/mine/part-0.parquet", b"PAR1")
    try:
        with pytest.raises(InputFormatError, match=LOGS[log][0]):
            find_files("memory://tables")
    finally:
        store.rm("/tables", recursive=True)


def test_one_file_of_a_table_with_a_log_is_read_by_name(tmp_path):
    folder = logged_table(tmp_path / "table", "_delta_log/0.json")
    assert len(find_files(str(folder / "part-0.parquet"))) == 1


def test_a_folder_named_metadata_is_no_table(tmp_path):
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "groups.json").write_text("{}")
    write_fasta(tmp_path / "a.fa", {"a": "ACG"})
    assert len(find_files(str(tmp_path))) == 1


def test_a_table_in_a_hidden_folder_is_left_out(tmp_path):
    logged_table(tmp_path / ".cache", "_delta_log/0.json")
    write_fasta(tmp_path / "a.fa", {"a": "ACG"})
    assert len(find_files(str(tmp_path))) == 1


@pytest.fixture
def with_results(tmp_path):
    """An input whose folder holds the warehouse, with a registered data set, and a table that was put there."""
    write_parquet(tmp_path / "a.parquet", {"a": "ACGACG"})
    register(project(tmp_path, tmp_path).runner.dataset, lambda line: None)
    results = tmp_path / "warehouse" / "mine"
    for folder in ("sequences", "rejected", "codon_counts"):
        (results / folder).mkdir()
        write_parquet(results / folder / "batch_0000.parquet", {"a": "ACGACG"})
    write_parquet(tmp_path / "codon_frequencies.parquet", {"a": "ACGACG"})
    return tmp_path


def test_earlier_results_are_left_out_with_a_line(with_results):
    lines, names = lines_and_names(with_results)
    assert names == ["a.parquet"]
    assert lines == [
        f"leaving out  1 file of earlier results in {with_results}",
        f"leaving out  4 files of earlier results in {with_results}/warehouse/mine",
    ]


def test_earlier_results_are_left_out_of_a_glob(with_results):
    assert [file.name for file in find_files(f"{with_results}/**/*.parquet")] == ["a.parquet"]


def test_registering_twice_with_the_warehouse_inside_agrees(with_results):
    again = project(with_results, with_results)
    assert not register(again.runner.dataset, lambda line: None).is_new


def test_a_folder_of_nothing_but_results_is_refused(with_results):
    with pytest.raises(InputNotFoundError, match=r"only .*batch_0000\.parquet"):
        find_files(str(with_results / "warehouse"))


def test_results_that_are_named_themselves_are_read(with_results):
    folder = with_results / "warehouse" / "mine" / "sequences"
    assert len(find_files(str(folder))) == len(find_files(f"{folder}/*.parquet")) == 1


def test_a_users_folder_beside_another_manifest_is_read(tmp_path):
    (tmp_path / "mine" / "sequences").mkdir(parents=True)
    (tmp_path / "mine" / "manifest.json").write_text('{"name": "an app"}')
    write_parquet(tmp_path / "mine" / "sequences" / "batch_0000.parquet", {"a": "ACG"})
    assert len(find_files(str(tmp_path))) == 1


def test_archives_beside_the_input_are_named_in_the_log(tmp_path):
    write_fasta(tmp_path / "a.fa", {"a": "ACG"})
    for name in ("b.fa.Z", "c.parquet.gz", "d.tar.lz", "e.rar", "f.fa.fai", "a.fa.md5", "README.md"):
        (tmp_path / name).write_bytes(b"x")
    lines, names = lines_and_names(tmp_path)
    assert names == ["a.fa"]
    assert len(lines) == 1
    assert lines[0].startswith("leaving out  b.fa.Z, c.parquet.gz, d.tar.lz, … (4 files)")


# How Python shows a byte that is no UTF-8.
CAFE = "caf\udce9"


@pytest.mark.parametrize("name", [f"{CAFE}.fa", f"{CAFE}/a.fa"])
@pytest.mark.parametrize("named", [False, True])
def test_a_name_that_is_not_utf_8_is_refused_escaped(tmp_path, name, named):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    write_fasta(path, {"a": "ACG"})
    with pytest.raises(InputFormatError) as error:
        find_files(str(path if named else tmp_path))
    said, _, command = str(error.value).partition(" Rename it: ")
    shown = str(path).replace(CAFE, "caf\\xe9")
    assert said == f"{shown}: its name is not UTF-8."
    subprocess.run(["bash", "-c", command], check=True)
    assert len(find_files(str(tmp_path))) == 1


def test_other_files_may_have_names_that_are_not_utf_8(tmp_path):
    (tmp_path / f"{CAFE}.txt").write_bytes(b"x")
    with pytest.raises(InputNotFoundError, match=r"only caf\\xe9\.txt"):
        find_files(str(tmp_path))
    write_fasta(tmp_path / "a.fa", {"a": "ACG"})
    assert len(find_files(str(tmp_path))) == 1


def test_a_table_put_beside_fasta_is_left_out(tmp_path):
    write_fasta(tmp_path / "a.fa", {"a": "ACG"})
    pq.write_table(pa.table({"codon": ["ACG"]}), tmp_path / "codon_frequencies.parquet")
    assert lines_and_names(tmp_path)[1] == ["a.fa"]


@pytest.mark.parametrize("name", [" a.fa", "a b.fa"])
def test_a_name_with_blanks_is_read(tmp_path, name):
    write_fasta(tmp_path / name, {"a": "ACG"})
    assert [file.name for file in find_files(str(tmp_path / name))] == [name]
