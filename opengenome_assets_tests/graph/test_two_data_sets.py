"""Two data sets in one instance and one warehouse do not mix their batches."""

from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.datasets.catalogue import Dataset, resolve_datasets
from opengenome_assets.errors import SettingError
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.running.runner import Runner
from opengenome_assets.settings import read_settings
from opengenome_assets_tests.scenario import Quiet, made_up_records, naive_counts, write_fasta

# The same keys in both, and more in the second.
BATCHES = {"first": ["batch_0000", "batch_0001"], "second": ["batch_0000", "batch_0001", "batch_0002"]}
ROWS = {"first": 8, "second": 11}


@dataclass(frozen=True)
class Both:
    """A warehouse and an instance with both data sets registered."""

    folder: Path
    instance: dg.DagsterInstance

    def datasets(self, names: str) -> tuple[Dataset, ...]:
        environment = {"OPENGENOME_WAREHOUSE": str(self.folder), "OPENGENOME_DATASET": names}
        return resolve_datasets(read_settings(environment))

    def run(self, name: str, *assets: str) -> dg.ExecuteInProcessResult:
        """Run assets of one data set over all of its batches, with both data sets loaded."""
        keys = [dg.AssetKey([name, asset]) for asset in assets]
        job = build_definitions(self.datasets("first,second")).resolve_implicit_global_asset_job_def()
        tags = {
            "dagster/asset_partition_range_start": BATCHES[name][0],
            "dagster/asset_partition_range_end": BATCHES[name][-1],
        }
        return job.execute_in_process(instance=self.instance, asset_selection=keys, tags=tags)

    def materialized(self, name: str, asset: str) -> list[str]:
        return sorted(self.instance.get_materialized_partitions(dg.AssetKey([name, asset])))


def registered(folder: Path) -> Both:
    """Register both inputs, without running a batch."""
    both = Both(folder / "warehouse", dg.DagsterInstance.ephemeral(tempdir=str(folder)))
    for seed, (name, rows) in enumerate(ROWS.items()):
        source = write_fasta(folder / f"{name}.fa", made_up_records(rows, seed=seed))
        settings = read_settings(
            {
                "OPENGENOME_WAREHOUSE": str(both.folder),
                "OPENGENOME_INPUT": str(source),
                "OPENGENOME_BATCH_SIZE": "4",
            }
        )
        (dataset,) = resolve_datasets(settings)
        Runner(dataset, both.instance, Quiet()).register()
    return both


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return registered(tmp_path_factory.mktemp("both"))


@pytest.fixture(scope="module")
def first_written(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The sequences of the first are written, and nothing of the second is."""
    made = registered(tmp_path_factory.mktemp("first_written"))
    made.run("first", "sequences")
    return made


def test_each_has_its_own_partitions(both: Both) -> None:
    graph = build_definitions(both.datasets("first,second"))
    found = {}
    for name in BATCHES:
        partitions = graph.get_assets_def(dg.AssetKey([name, "sequences"])).partitions_def
        assert partitions is not None
        found[name] = list(partitions.get_partition_keys())
    assert found == BATCHES


def test_batches_of_one_leave_the_others_unmaterialized(first_written: Both) -> None:
    found = [first_written.materialized(name, "sequences") for name in BATCHES]
    assert found == [BATCHES["first"], []]


def test_batches_of_one_leave_no_file_in_the_others_folder(first_written: Both) -> None:
    assert (first_written.folder / "first" / "sequences").exists()
    assert not (first_written.folder / "second" / "sequences").exists()


def test_each_writes_its_own_rows(both: Both) -> None:
    for name in BATCHES:
        both.run(name, "sequences")
    rows = {
        name: sum(pq.read_metadata(path).num_rows for path in (both.folder / name / "sequences").iterdir())
        for name in BATCHES
    }
    assert rows == ROWS


def test_a_check_of_one_is_none_of_the_others(first_written: Both) -> None:
    history = first_written.instance.event_log_storage.get_asset_check_execution_history
    keys = [dg.AssetCheckKey(dg.AssetKey([name, "sequences"]), "rows_as_planned") for name in BATCHES]
    assert [bool(history(key, limit=10)) for key in keys] == [True, False]


def test_the_order_of_the_names_does_not_matter(both: Both) -> None:
    keys = [
        build_definitions(both.datasets(names)).resolve_asset_graph().get_all_asset_keys()
        for names in ("first,second", "second,first")
    ]
    assert keys[0] == keys[1]


def test_the_first_of_two_names_takes_the_input(tmp_path: Path) -> None:
    source = write_fasta(tmp_path / "mine.fa", made_up_records(3))
    settings = read_settings({"OPENGENOME_INPUT": str(source), "OPENGENOME_DATASET": "mine,demo"})
    assert [dataset.locations for dataset in resolve_datasets(settings)] == [(str(source),), ()]


def test_two_names_that_dagster_would_take_for_one_are_refused(both: Both) -> None:
    with pytest.raises(SettingError, match=r"'a\.b' and 'a-b' cannot be loaded together"):
        build_definitions(both.datasets("a.b,a-b"))


@pytest.mark.spark
def test_each_makes_its_own_table(spark: object, tmp_path: Path) -> None:
    both = registered(tmp_path)
    for name in BATCHES:
        both.run(name, "sequences", "codon_counts", "codon_frequencies")
    for seed, (name, rows) in enumerate(ROWS.items()):
        expected = naive_counts(list(made_up_records(rows, seed=seed).values()))
        table = pq.read_table(both.folder / name / "codon_frequencies.parquet")
        found = dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True))
        assert found == {codon: expected.get(("+", 0, codon), 0) for codon in CODONS}
