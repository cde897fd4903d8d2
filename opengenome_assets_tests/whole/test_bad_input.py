"""Bad input gives one clear error that says what to do, and existing results are kept."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta


def no_such_file(folder: Path) -> Path:
    return folder / "absent.fasta"


def an_empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def parquet_without_sequence(folder: Path) -> Path:
    pq.write_table(pa.table({"id": ["a"], "letters": ["ACG"]}), folder / "columns.parquet")
    return folder / "columns.parquet"


def truncated_gzip(folder: Path) -> Path:
    whole = gzip.compress(write_fasta(folder / "whole.txt", made_up_records(50)).read_bytes())
    (folder / "short.fasta.gz").write_bytes(whole[: len(whole) // 2])
    return folder / "short.fasta.gz"


def text_before_the_first_record(folder: Path) -> Path:
    (folder / "text.fasta").write_text("some words\n>a\nACGT\n")
    return folder / "text.fasta"


def proteins(folder: Path) -> Path:
    return write_fasta(folder / "proteins.fasta", {"kinase": "MKLVPQ"})


BAD = {
    no_such_file: r"absent\.fasta",
    an_empty_folder: r"empty.*FASTA",
    parquet_without_sequence: r"columns\.parquet.*sequence.*id.*letters",
    truncated_gzip: r"short\.fasta\.gz",
    text_before_the_first_record: r"text\.fasta.*line 1",
    proteins: r"proteins\.fasta: record 'kinase'.*position 3",
}


@pytest.mark.parametrize(("make", "message"), BAD.items(), ids=[make.__name__ for make in BAD])
def test_an_unreadable_input_fails_the_run_with_its_message(
    tmp_path: Path, make: object, message: str
) -> None:
    own = project(tmp_path, make(tmp_path))
    with pytest.raises(OpengenomeError, match=message) as caught:
        own.runner.register()
    assert "\n" not in str(caught.value)
    assert not Path(own.folder.location("manifest.json")).exists()


@pytest.fixture
def counted(tmp_path: Path) -> Project:
    """Three counted batches, and the table of them."""
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(30)), batch_size=10)
    write_and_count(own)
    make_table(own.files, TableParameters())
    return own


def test_a_missing_batch_is_named_and_the_old_table_stays(counted: Project) -> None:
    before = counted.table()
    Path(counted.folder.location("codon_counts/batch_0001.parquet")).unlink()
    with pytest.raises(OpengenomeError, match=r"1 of 3 batches cannot be used: batch_0001"):
        counted.runner.tabulate({})
    assert counted.table().equals(before)


def test_counts_of_another_batch_in_its_place_are_refused(counted: Project) -> None:
    counts = Path(counted.folder.location("codon_counts"))
    (counts / "batch_0001.parquet").write_bytes((counts / "batch_0000.parquet").read_bytes())
    with pytest.raises(
        OpengenomeError, match=r"batch_0001\.parquet: belongs to another batch or input \(batch 'batch_0000'"
    ):
        counted.runner.tabulate({})
    assert list(unfinished_batches(counted.files)) == ["batch_0001"]
