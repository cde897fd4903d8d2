"""The missing batches of a run, by files and by the Dagster instance's records."""

from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

BATCHES = ["batch_0000", "batch_0001", "batch_0002", "batch_0003"]


@pytest.fixture
def own(tmp_path: Path) -> Project:
    """All files of four batches, of which a new Dagster instance knows nothing."""
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=5)
    write_and_count(made)
    return made


def materialize(own: Project, *batches: str, asset: str = "codon_counts") -> None:
    for batch in batches:
        event = dg.AssetMaterialization(dg.AssetKey(["mine", asset]), partition=batch)
        own.instance.report_runless_asset_event(event)


def test_a_new_dagster_home_has_all_batches_left(own: Project) -> None:
    assert own.runner.missing_batches() == BATCHES


def test_a_batch_is_done_if_file_and_instance_say_so(own: Project) -> None:
    materialize(own, "batch_0000", "batch_0001", "batch_0003")
    materialize(own, *BATCHES, asset="sequences")
    assert own.runner.missing_batches() == ["batch_0002"]
    Path(own.folder.location("codon_counts/batch_0001.parquet")).unlink()
    assert own.runner.missing_batches() == ["batch_0001", "batch_0002"]


def test_a_batch_of_another_data_set_is_not_done(own: Project) -> None:
    for batch in BATCHES:
        event = dg.AssetMaterialization(dg.AssetKey(["yours", "codon_counts"]), partition=batch)
        own.instance.report_runless_asset_event(event)
    assert own.runner.missing_batches() == BATCHES


def test_counts_of_another_batch_are_not_done(own: Project) -> None:
    materialize(own, *BATCHES)
    folder = Path(own.folder.location("codon_counts"))
    (folder / "batch_0003.parquet").write_bytes((folder / "batch_0000.parquet").read_bytes())
    assert own.runner.missing_batches() == ["batch_0003"]
