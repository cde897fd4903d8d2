"""The sidecar table: what it may say, and what is refused."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batching.registering import register
from opengenome_assets.batching.sidecar import read_sidecar
from opengenome_assets.errors import OpengenomeError, PlanConflictError
from opengenome_assets_tests.scenario import project, write_fasta


def table(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_records_get_group_and_code_and_the_others_are_unassigned(tmp_path: Path) -> None:
    sidecar = read_sidecar(
        table(tmp_path / "s.tsv", "seq_id\tgroup\tgenetic_code\na\tmammal\t2\nb\tplant\t\n")
    )
    groups, codes = sidecar.look_up(pa.array(["b", "x", "a", None]))
    assert groups.to_pylist() == ["plant", "unassigned", "mammal", "unassigned"]
    assert codes.to_pylist() == [None, None, 2, None]


def test_tsv_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = {"seq_id": ["007", "NA"], "group": ["x", "y"]}
    pq.write_table(pa.table(rows), tmp_path / "s.parquet")
    read = [
        read_sidecar(table(tmp_path / "s.tsv", "seq_id\tgroup\n007\tx\nNA\ty\n")),
        read_sidecar(table(tmp_path / "s.csv", "seq_id,group\n007,x\nNA,y\n")),
        read_sidecar(str(tmp_path / "s.parquet")),
    ]
    assert all(each.ids.to_pylist() == rows["seq_id"] for each in read)
    assert len({each.sha256 for each in read}) == 1


def test_a_table_of_codes_alone_puts_its_records_into_one_group(tmp_path: Path) -> None:
    sidecar = read_sidecar(table(tmp_path / "s.csv", "seq_id,genetic_code\na,2\n"))
    assert [each.to_pylist() for each in sidecar.look_up(pa.array(["a"]))] == [["all"], [2]]


def test_ids_that_match_nothing_are_told(tmp_path: Path) -> None:
    sidecar = read_sidecar(table(tmp_path / "s.csv", "seq_id,group\na,x\nb,y\nc,z\n"))
    sidecar.meet(pa.array(["b", "unknown"]))
    assert sidecar.unmatched() == (2, ["a", "c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tgroup\na\tx\n", "has the columns id, group. It needs a column seq_id"),
        ("seq_id\tspecies\na\tx\n", "It needs a column seq_id, and group and/or genetic_code"),
        ("seq_id\tgroup\na\tall\n", "the group name 'all' is reserved"),
        ("seq_id\tgroup\na\tunassigned\n", "the group name 'unassigned' is reserved"),
        ("seq_id\tgroup\na\tx\na\ty\n", "1 ids stand on several rows, 'a' among them"),
        ("seq_id\tgroup\na\tx\n\ty\n", "row 2 has no seq_id"),
        ("seq_id\tgenetic_code\na\t7\n", "genetic_code 7 is none of NCBI's: 1, 2, 3"),
        ("seq_id\tgenetic_code\na\tvertebrate\n", "column genetic_code"),
        ("", "is no table"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OpengenomeError, match="OPENGENOME_METADATA: ") as caught:
        read_sidecar(table(tmp_path / "s.tsv", text))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["absent.tsv", "table.xlsx"])
def test_a_table_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "table.xlsx").write_bytes(b"not this")
    with pytest.raises(OpengenomeError, match=f"OPENGENOME_METADATA: .*{name}"):
        read_sidecar(str(tmp_path / name))


def test_another_table_under_a_registered_name_is_refused(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACG"})
    first = table(tmp_path / "first.tsv", "seq_id\tgroup\na\tx\n")
    register(project(tmp_path, fasta, metadata=first).runner.dataset, lambda line: None)
    other = table(tmp_path / "other.tsv", "seq_id\tgroup\na\ty\n")
    with pytest.raises(PlanConflictError, match=r"another sidecar table.*OPENGENOME_METADATA"):
        register(project(tmp_path, fasta, metadata=other).runner.dataset, lambda line: None)


def test_ids_without_a_record_are_told_when_the_input_is_registered(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACG"})
    sidecar = table(tmp_path / "s.tsv", "seq_id\tgroup\na\tx\nghost\ty\n")
    said: list[str] = []
    own = project(tmp_path, fasta, metadata=sidecar)
    register(own.runner.dataset, said.append)
    assert own.manifest.unmatched_ids == 1
    assert any("1 ids of" in line and "ghost" in line for line in said)
