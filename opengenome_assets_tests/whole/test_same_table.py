"""The same records give the same table for all batch sizes and file formats."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from opengenome_assets_tests.scenario import made_up_records, project, write_fasta, write_parquet

pytestmark = pytest.mark.spark

RECORDS = made_up_records(60)


def as_fasta(folder: Path) -> Path:
    return write_fasta(folder / "mine.fasta", RECORDS)


def as_crlf(folder: Path) -> Path:
    path = as_fasta(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return path


def as_gzip_of_two_members(folder: Path) -> Path:
    content = as_fasta(folder).read_bytes()
    half = len(content) // 2
    path = folder / "mine.fasta.gz"
    path.write_bytes(gzip.compress(content[:half]) + gzip.compress(content[half:]))
    return path


def as_parquet(folder: Path) -> Path:
    return write_parquet(folder / "mine.parquet", RECORDS, row_group_size=7)


def as_many_parquets(folder: Path) -> Path:
    names = list(RECORDS)
    many = folder / "many"
    many.mkdir()
    for number in range(0, len(names), 11):
        part = {name: RECORDS[name] for name in names[number : number + 11]}
        write_parquet(many / f"part_{number:03d}.parquet", part)
    return many


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, spark: object) -> pa.Table:
    del spark
    folder = tmp_path_factory.mktemp("reference")
    own = project(folder, as_fasta(folder))
    own.run()
    return own.table()


@pytest.mark.parametrize("size", [1, 7, 100])
def test_any_batch_size_gives_the_identical_table(tmp_path: Path, reference: pa.Table, size: int) -> None:
    own = project(tmp_path, as_fasta(tmp_path), batch_size=size)
    own.run()
    assert len(own.manifest.plan.keys) == -(-60 // size)
    assert own.table().equals(reference)


@pytest.mark.parametrize("store", [as_crlf, as_gzip_of_two_members, as_parquet, as_many_parquets])
def test_any_way_of_storing_gives_the_identical_table(
    tmp_path: Path, reference: pa.Table, store: Callable[[Path], Path]
) -> None:
    own = project(tmp_path, store(tmp_path))
    own.run()
    assert own.table().equals(reference)
