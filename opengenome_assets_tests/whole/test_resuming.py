"""The next run completes a failed or interrupted one, and processes only the missing batches."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.errors import RunFailedError
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


@pytest.fixture
def own(tmp_path: Path) -> Project:
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(40)), batch_size=10)
    made.runner.register()
    return made


def done_in(own: Project) -> list[tuple[str, str]]:
    own.listener.batches.clear()
    own.runner.count(own.runner.missing_batches())
    return sorted(own.listener.batches)


def test_what_is_finished_is_not_done_again(own: Project) -> None:
    own.runner.count(["batch_0000", "batch_0001"])
    assert done_in(own) == [
        (asset, batch) for asset in ("codon_counts", "sequences") for batch in ("batch_0002", "batch_0003")
    ]


def test_a_failed_batch_does_not_stop_the_others(own: Project) -> None:
    blocked = Path(own.folder.location("sequences/batch_0001.parquet"))
    (blocked / "in_the_way").mkdir(parents=True)
    with pytest.raises(RunFailedError, match="1 of 4 batches failed: batch_0001"):
        own.runner.count(own.runner.missing_batches())
    assert own.runner.missing_batches() == ["batch_0001"]
    (blocked / "in_the_way").rmdir()
    blocked.rmdir()
    assert done_in(own) == [("codon_counts", "batch_0001"), ("sequences", "batch_0001")]


def test_lost_counts_are_made_again_without_reading_the_input(own: Project, tmp_path: Path) -> None:
    own.run()
    before = own.table()
    Path(own.folder.location("codon_counts/batch_0002.parquet")).unlink()
    (tmp_path / "mine.fa").rename(tmp_path / "away.fa")
    assert done_in(own) == [("codon_counts", "batch_0002")]
    own.runner.tabulate({})
    assert own.table().equals(before)


def test_a_damaged_batch_of_sequences_is_written_anew(own: Project) -> None:
    own.run()
    before = own.table()
    damaged = Path(own.folder.location("sequences/batch_0003.parquet"))
    content = bytearray(damaged.read_bytes())
    letters = pq.read_metadata(damaged).row_group(0).column(4)
    assert letters.path_in_schema == "sequence"
    middle = letters.data_page_offset + letters.total_compressed_size // 2
    content[middle : middle + 40] = bytes(40)
    damaged.write_bytes(bytes(content))
    Path(own.folder.location("codon_counts/batch_0003.parquet")).unlink()
    assert done_in(own) == [("codon_counts", "batch_0003"), ("sequences", "batch_0003")]
    own.runner.tabulate({})
    assert own.table().equals(before)


def test_a_new_dagster_home_makes_all_batches_and_the_same_table(own: Project, tmp_path: Path) -> None:
    own.run()
    before = own.table()
    again = Project(own.warehouse, own.environment, home=tmp_path / "new home")
    again.run()
    assert again.instance is not own.instance
    assert sorted(again.listener.batches) == [
        (asset, batch) for asset in ("codon_counts", "sequences") for batch in own.manifest.plan.keys
    ]
    assert again.table().equals(before)
    assert again.runner.missing_batches() == []
