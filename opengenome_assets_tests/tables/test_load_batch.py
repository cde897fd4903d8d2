"""Loads one batch of a data set: its sequences and its counts."""

import re
from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets import batch_keys, load_codon_counts, load_sequences
from opengenome_assets.errors import BatchFileMissingError, InputNotFoundError, SettingError
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import (
    Project,
    counts_as_dict,
    made_up_records,
    naive_counts,
    project,
    write_fasta,
)
from opengenome_assets_tests.services import ROOT

RECORDS = made_up_records(10)
KEYS = ["batch_0000", "batch_0001", "batch_0002"]
OF_BATCH = {key: dict(list(RECORDS.items())[4 * n : 4 * n + 4]) for n, key in enumerate(KEYS)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("own")
    made = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=4)
    write_and_count(made)
    return made


@pytest.mark.parametrize("batch", KEYS)
def test_sequences_are_those_of_the_batch(own: Project, batch: str) -> None:
    table = load_sequences("mine", batch, warehouse=own.warehouse)
    assert table.schema.equals(SEQUENCES)
    assert (
        dict(zip(table["seq_id"].to_pylist(), table["sequence"].to_pylist(), strict=True)) == OF_BATCH[batch]
    )


@pytest.mark.parametrize("batch", KEYS)
def test_counts_are_those_of_the_batch(own: Project, batch: str) -> None:
    counts = load_codon_counts("mine", batch=batch, warehouse=own.warehouse)
    assert counts.schema.equals(CODON_COUNTS)
    assert counts_as_dict(counts) == naive_counts(list(OF_BATCH[batch].values()))


def test_only_chosen_columns_are_loaded(own: Project) -> None:
    table = load_sequences("mine", KEYS[1], warehouse=own.warehouse, columns=["length"])
    assert table.column_names == ["length"]
    assert table["length"].to_pylist() == [len(letters) for letters in OF_BATCH[KEYS[1]].values()]


def test_keys_are_the_partitions_of_the_graph(own: Project) -> None:
    partitions = build_definitions([own.dataset]).get_assets_def(dg.AssetKey(["mine", "sequences"]))
    assert partitions.partitions_def is not None
    keys = batch_keys("mine", warehouse=own.warehouse)
    assert keys == KEYS == list(partitions.partitions_def.get_partition_keys())


def test_a_data_set_has_no_keys_before_it_is_registered(tmp_path: Path) -> None:
    assert batch_keys("mine", warehouse=tmp_path) == []


def test_an_unknown_batch_or_column_is_refused(own: Project) -> None:
    with pytest.raises(
        SettingError, match=r"'batch_0003' is not a batch of mine. It has batch_0000 to batch_0002"
    ):
        load_sequences("mine", "batch_0003", warehouse=own.warehouse)
    with pytest.raises(SettingError, match=r"^batch: 'x' is not a batch of mine"):
        load_codon_counts("mine", batch="x", warehouse=own.warehouse)
    with pytest.raises(
        SettingError, match=r"^columns: 'letters' is no column of sequences. There are: row, seq_id"
    ):
        load_sequences("mine", KEYS[0], warehouse=own.warehouse, columns=["letters"])
    with pytest.raises(InputNotFoundError, match=r"^nine: no data set"):
        load_sequences("nine", KEYS[0], warehouse=own.warehouse)


def test_a_batch_that_is_not_written_is_named(tmp_path: Path) -> None:
    registered = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=4)
    registered.registered()
    for load in (
        lambda: load_sequences("mine", KEYS[2], warehouse=registered.warehouse),
        lambda: load_codon_counts("mine", batch=KEYS[2], warehouse=registered.warehouse),
    ):
        with pytest.raises(BatchFileMissingError, match=r"batch_0002\.parquet: missing. Materialize mine/"):
            load()


def test_the_documented_asset_reads_its_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project(tmp_path, write_fasta(tmp_path / "viruses.fa", RECORDS), dataset="viruses", batch_size=4)
    write_and_count(made)
    (tmp_path / "data").symlink_to(made.warehouse)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "dagster-project.md").read_text()
    (example,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "longest_record" in block
    )
    module: dict[str, dg.AssetsDefinition] = {}
    exec(example, module)  # noqa: S102 (the page's own code)
    graph = dg.Definitions.merge(
        build_definitions([made.dataset]), dg.Definitions(assets=[module["longest_record"]])
    )
    done = graph.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
        asset_selection=[dg.AssetKey("longest_record")],
        partition_key=KEYS[1],
    )
    (event,) = done.asset_materializations_for_node("longest_record")
    longest = max(OF_BATCH[KEYS[1]].items(), key=lambda record: len(record[1]))
    assert {name: value.value for name, value in event.metadata.items()} == {
        "seq_id": longest[0],
        "length": len(longest[1]),
        "codons_in_six_frames": sum(naive_counts(list(OF_BATCH[KEYS[1]].values())).values()),
    }
