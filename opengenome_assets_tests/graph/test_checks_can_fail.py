"""Every check fails where it should: on real files that are tampered with behind their stamps' backs."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets.assets.graph import build_definitions
from opengenome_assets.batching.manifest import Manifest, load_manifest
from opengenome_assets.batching.registering import register
from opengenome_assets.batching.writing import write_batches
from opengenome_assets.checking import Outcome
from opengenome_assets.checking.counts import check_counts
from opengenome_assets.checking.frequencies import (
    check_complete,
    check_planted,
    check_sums,
    check_total,
)
from opengenome_assets.checking.recount import check_batch_recount, check_recount
from opengenome_assets.checking.sequences import check_sequences
from opengenome_assets.codons.alphabet import CODE_OF_BYTE
from opengenome_assets.counting.count_files import read_counts, write_counts
from opengenome_assets.counting.row_groups import WorkItem, count_work_item
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.settings import Settings, read_settings
from opengenome_assets.spark.jobs import BatchResult
from opengenome_assets.storage.stamps import stamped
from opengenome_assets.storage.warehouse import DatasetFolder, counts_path, sequences_path
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.table_file import make_table, write_table
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta

BATCH = "batch_0001"
PLAIN = TableParameters(frame=0, strand="+", genetic_code=1, skip_n=True, skip_stops=False, min_count=0)


@dataclass(frozen=True)
class Finished:
    """A data set with all of its files, to be tampered with."""

    folder: DatasetFolder
    manifest: Manifest

    def rewrite_sequences(self, change: Callable[[pa.Table], pa.Table], batch: str = BATCH) -> None:
        """Put changed rows at a batch's place, with the stamp that is asked for there."""
        path = Path(self.folder.location(sequences_path(batch)))
        schema = stamped(SEQUENCES, self.manifest.stamp(batch), self.manifest.provenance())
        changed = change(pq.read_table(path).replace_schema_metadata(None)).cast(SEQUENCES)
        pq.write_table(changed.replace_schema_metadata(schema.metadata), path, write_page_checksum=True)

    def rewrite_counts(self, change: Callable[[pa.Table], pa.Table], batch: str = BATCH) -> None:
        """The same for a batch's counts."""
        write_counts(
            self.folder, self.manifest, batch, change(read_counts(self.folder, self.manifest, batch))
        )

    def rewrite_table(self, change: Callable[[pa.Table], pa.Table], fingerprint: str = "") -> None:
        """The same for the final table."""
        table = change(pq.read_table(self.folder.location("codon_frequencies.parquet")))
        provenance = self.manifest.provenance() | ({"fingerprint": fingerprint} if fingerprint else {})
        write_table(self.folder, table, PLAIN, provenance)

    def sequences(self, name: str, batch: str = BATCH) -> Outcome:
        return check_sequences(self.folder, self.manifest, batch, None)[name]

    def counts(self) -> Outcome:
        return check_counts(self.folder, self.manifest, BATCH)


def finish(settings: Settings) -> Finished:
    """Register, write, count and tabulate, without Dagster and without Spark."""
    (dataset,) = resolve_datasets(settings)
    manifest = register(dataset, lambda _: None).manifest
    for written in write_batches(dataset.folder, manifest, manifest.plan.keys):
        assert written.error is None
        location = dataset.folder.location(sequences_path(written.batch))
        groups = pq.ParquetFile(location).metadata.num_row_groups
        item = WorkItem(location, manifest.stamp(written.batch), "count", 0, groups)
        write_counts(dataset.folder, manifest, written.batch, count_work_item(item).counts)
    make_table(dataset.folder, manifest, PLAIN)
    return Finished(dataset.folder, manifest)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("untouched")
    source = write_fasta(folder / "mine.fa", made_up_records(40))
    return finish(project(folder, source, batch_size=15).settings)


@pytest.fixture(scope="module")
def untouched_demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    warehouse = tmp_path_factory.mktemp("demo")
    return finish(read_settings({"OPENGENOME_WAREHOUSE": str(warehouse)}))


@pytest.fixture
def mine(untouched: Finished, tmp_path: Path) -> Finished:
    """A copy that a test may spoil."""
    shutil.copytree(untouched.folder.root, tmp_path / untouched.folder.dataset)
    folder = DatasetFolder(str(tmp_path), untouched.folder.dataset)
    return Finished(folder, load_manifest(folder))


def with_value(table: pa.Table, column: str, row: int, change: Callable[[Any], Any]) -> pa.Table:
    """A table with one value changed."""
    values = table[column].to_pylist()
    values[row] = change(values[row])
    number = table.column_names.index(column)
    return table.set_column(
        number, table.schema.field(number), pa.array(values, table.schema.field(number).type)
    )


def column_changer(column: str, change: Callable[[Any], Any], row: int = 3) -> Callable[[pa.Table], pa.Table]:
    return lambda table: with_value(table, column, row, change)


CLEAN: Mapping[str, Callable[[Finished], Outcome]] = {
    "rows_as_planned": lambda mine: mine.sequences("rows_as_planned"),
    "only_nucleotide_letters": lambda mine: mine.sequences("only_nucleotide_letters"),
    "unique_ids": lambda mine: mine.sequences("unique_ids"),
    "total_codon_count": lambda mine: mine.counts(),
    "total_equals_batches": lambda mine: check_total(mine.folder, mine.manifest),
    "frequencies_sum_to_one": lambda mine: check_sums(mine.folder, mine.manifest),
    "batches_complete": lambda mine: check_complete(mine.folder, mine.manifest),
    "recount_agrees": lambda mine: check_recount(mine.folder, mine.manifest, seed=1),
    "batch_recount_agrees": lambda mine: check_batch_recount(mine.folder, mine.manifest, PLAIN, seed=1),
}


@pytest.mark.parametrize("check", CLEAN)
def test_a_check_passes_on_what_nobody_touched(untouched: Finished, check: str) -> None:
    assert CLEAN[check](untouched).passed


def test_matches_planted_passes_on_what_nobody_touched(untouched_demo: Finished) -> None:
    assert check_planted(untouched_demo.folder).passed


# rows_as_planned


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda table: table.slice(1), id="first_row_lost"),
        pytest.param(lambda table: table.slice(0, table.num_rows - 1), id="last_row_lost"),
        pytest.param(lambda table: pa.concat_tables([table, table.slice(0, 1)]), id="row_twice"),
        pytest.param(lambda table: table.take(list(range(table.num_rows))[::-1]), id="rows_reversed"),
        pytest.param(column_changer("row", lambda row: row + 1), id="row_number_wrong"),
        pytest.param(column_changer("length", lambda length: length + 1), id="length_wrong"),
        pytest.param(column_changer("sequence", lambda letters: letters + "A"), id="a_letter_more"),
    ],
)
def test_rows_as_planned_fails(mine: Finished, change: Callable[[pa.Table], pa.Table]) -> None:
    mine.rewrite_sequences(change)
    assert not mine.sequences("rows_as_planned").passed


def test_rows_as_planned_fails_where_two_wrong_lengths_add_up(mine: Finished) -> None:
    one_more = column_changer("length", lambda length: length + 1, row=3)
    one_less = column_changer("length", lambda length: length - 1, row=4)
    mine.rewrite_sequences(lambda table: one_less(one_more(table)))
    assert not mine.sequences("rows_as_planned").passed


def test_rows_as_planned_fails_where_the_file_is_missing(mine: Finished) -> None:
    Path(mine.folder.location(sequences_path(BATCH))).unlink()
    assert not mine.sequences("rows_as_planned").passed


def test_rows_as_planned_fails_on_another_batchs_file(mine: Finished) -> None:
    shutil.copy(
        mine.folder.location(sequences_path("batch_0000")), mine.folder.location(sequences_path(BATCH))
    )
    assert not mine.sequences("rows_as_planned").passed


# only_nucleotide_letters


@pytest.mark.parametrize("letter", ["E", "*", "-", " ", "\x00", "é"])
def test_only_nucleotide_letters_fails(mine: Finished, letter: str) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letter + letters[1:]))
    assert not mine.sequences("only_nucleotide_letters").passed


def test_only_nucleotide_letters_names_what_it_found(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: "*" + letters[1:]))
    assert mine.sequences("only_nucleotide_letters").figures == {"foreign_letters": 1, "which": "*"}


def test_only_nucleotide_letters_finds_one_in_the_last_record(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letters[:-1] + "E", row=14))
    assert not mine.sequences("only_nucleotide_letters").passed


# unique_ids


def test_unique_ids_fails(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "record_16"))
    assert not mine.sequences("unique_ids").passed


def test_unique_ids_shows_an_example(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "record_16"))
    assert mine.sequences("unique_ids").figures["examples"] == "record_16"


# total_codon_count


def without(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.filter(pc.field(column) != value)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(column_changer("count", lambda count: count + 1), id="one_codon_more"),
        pytest.param(column_changer("count", lambda count: count - 1), id="one_codon_less"),
        pytest.param(lambda table: table.slice(1), id="a_codon_lost"),
        pytest.param(without("frame", 2), id="a_frame_lost"),
        pytest.param(without("strand", "-"), id="a_strand_lost"),
        pytest.param(column_changer("frame", lambda _: 3), id="a_frame_that_is_none"),
        pytest.param(column_changer("strand", lambda _: "?"), id="a_strand_that_is_none"),
        pytest.param(lambda table: table.slice(0, 0), id="nothing_counted"),
    ],
)
def test_total_codon_count_fails(mine: Finished, change: Callable[[pa.Table], pa.Table]) -> None:
    mine.rewrite_counts(change)
    assert not mine.counts().passed


def test_total_codon_count_fails_where_two_frames_make_up_for_each_other(mine: Finished) -> None:
    def change(table: pa.Table) -> pa.Table:
        first = table["frame"].to_pylist().index(0)
        second = table["frame"].to_pylist().index(1)
        more = with_value(table, "count", first, lambda count: count + 1)
        return with_value(more, "count", second, lambda count: count - 1)

    mine.rewrite_counts(change)
    assert not mine.counts().passed


def test_total_codon_count_names_the_frame(mine: Finished) -> None:
    mine.rewrite_counts(without("frame", 2))
    assert "frame -2: 0 counted" in mine.counts().description


def test_total_codon_count_fails_where_the_sequences_changed_since(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("length", lambda length: length + 3))
    assert not mine.counts().passed


# total_equals_batches


def test_total_equals_batches_fails_on_another_table(mine: Finished) -> None:
    mine.rewrite_table(column_changer("count", lambda count: count + 1))
    assert not check_total(mine.folder, mine.manifest).passed


def test_total_equals_batches_fails_on_another_batch(mine: Finished) -> None:
    def change(table: pa.Table) -> pa.Table:
        found = zip(*(table[name].to_pylist() for name in ("strand", "frame", "codon")), strict=True)
        return with_value(table, "count", list(found).index(("+", 0, "AAA")), lambda count: count - 1)

    mine.rewrite_counts(change)
    assert not check_total(mine.folder, mine.manifest).passed


# frequencies_sum_to_one


def test_frequencies_sum_to_one_fails_just_beyond_the_tolerance(mine: Finished) -> None:
    mine.rewrite_table(column_changer("frequency", lambda frequency: frequency + 2e-9))
    assert not check_sums(mine.folder, mine.manifest).passed


def test_frequencies_sum_to_one_passes_within_the_tolerance(mine: Finished) -> None:
    mine.rewrite_table(column_changer("frequency", lambda frequency: frequency + 5e-10))
    assert check_sums(mine.folder, mine.manifest).passed


def test_frequencies_sum_to_one_fails_where_a_codon_is_lost(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table.slice(1))
    assert not check_sums(mine.folder, mine.manifest).passed


def test_frequencies_sum_to_one_fails_on_a_table_without_rows(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table.slice(0, 0))
    assert not check_sums(mine.folder, mine.manifest).passed


@pytest.mark.parametrize("check", [check_total, check_sums])
def test_a_codon_lost_from_a_table_with_hidden_rows_is_noticed(
    mine: Finished, check: Callable[[DatasetFolder, Manifest], Outcome]
) -> None:
    make_table(mine.folder, mine.manifest, replace(PLAIN, min_count=5))
    assert check(mine.folder, mine.manifest).passed
    table = pq.read_table(mine.folder.location("codon_frequencies.parquet"))
    write_table(mine.folder, table.slice(1), replace(PLAIN, min_count=5), mine.manifest.provenance())
    assert not check(mine.folder, mine.manifest).passed


# batches_complete


def test_batches_complete_fails_where_a_batch_is_missing(mine: Finished) -> None:
    Path(mine.folder.location(counts_path(BATCH))).unlink()
    assert not check_complete(mine.folder, mine.manifest).passed


def test_batches_complete_names_the_missing_batch(mine: Finished) -> None:
    Path(mine.folder.location(counts_path(BATCH))).unlink()
    assert check_complete(mine.folder, mine.manifest).figures["missing"] == BATCH


def test_batches_complete_fails_on_a_table_of_another_plan(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table, fingerprint="of another plan")
    assert not check_complete(mine.folder, mine.manifest).passed


def test_batches_complete_fails_where_the_plan_changed_under_the_batches(mine: Finished) -> None:
    assert not check_complete(mine.folder, replace(mine.manifest, fingerprint="another")).passed


def test_batches_complete_fails_on_an_empty_plan(mine: Finished) -> None:
    assert not check_complete(mine.folder, replace(mine.manifest, boundaries=(0,), batch_bases=())).passed


# recount_agrees


def test_recount_agrees_fails_where_the_kernel_takes_one_letter_for_another(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = CODE_OF_BYTE.copy()
    broken[ord("G")] = broken[ord("C")]
    monkeypatch.setattr("opengenome_assets.counting.row_groups.CODE_OF_BYTE", broken)
    assert not check_recount(untouched.folder, untouched.manifest, seed=1).passed


def test_recount_agrees_fails_where_the_other_strand_is_read_wrong(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opengenome_assets.codons.kernel.REVERSE_COMPLEMENT", np.arange(4096))
    assert not check_recount(untouched.folder, untouched.manifest, seed=1).passed


def test_recount_agrees_refuses_batches_that_cannot_be_read(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        Path(mine.folder.location(sequences_path(batch))).write_bytes(b"PAR1 no more")
    with pytest.raises(BatchFileError, match="not a whole Parquet file"):
        check_recount(mine.folder, mine.manifest, seed=1)


# batch_recount_agrees


def test_batch_recount_agrees_fails_where_two_codons_of_a_batch_are_swapped(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        counts = read_counts(mine.folder, mine.manifest, batch)
        names = {"AAA": "CCC", "CCC": "AAA"}
        codons = [names.get(codon, codon) for codon in counts["codon"].to_pylist()]
        place = counts.schema.get_field_index("codon")
        write_counts(mine.folder, mine.manifest, batch, counts.set_column(place, "codon", pa.array(codons)))
    outcome = check_batch_recount(mine.folder, mine.manifest, PLAIN, seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == "AAA, CCC"


# matches_planted


def test_matches_planted_fails(untouched_demo: Finished, tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    spoilt = with_value(table, "count", 3, lambda count: count + 1)
    write_table(folder, spoilt, PLAIN, untouched_demo.manifest.provenance())
    assert check_planted(folder).figures["differing"] == table["codon"][3].as_py()


def test_matches_planted_fails_where_a_codon_is_lost(untouched_demo: Finished, tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    write_table(folder, table.slice(1), PLAIN, untouched_demo.manifest.provenance())
    assert not check_planted(folder).passed


# What Dagster makes of it


@dataclass(frozen=True)
class Checked:
    """A Dagster run in which the counts of one batch were tampered with before they were checked."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance

    def stored(self, *path: str, name: str) -> dict[str | None, list[str]]:
        """Partition → the stored outcomes of a check."""
        key = dg.AssetCheckKey(dg.AssetKey(path), name)
        found: dict[str | None, list[str]] = {}
        for record in self.instance.event_log_storage.get_asset_check_execution_history(key, limit=100):
            found.setdefault(record.partition, []).append(record.status.value)
        return found

    def steps(self) -> list[str]:
        """Steps that ran, in order."""
        return [event.step_key or "" for event in self.result.all_events if event.is_step_start]


def run_tampered(folder: Path, monkeypatch: pytest.MonkeyPatch, *, partition: str | None) -> Checked:
    """Run everything, one partition or the whole range, and spoil the counts of ``BATCH`` on the way."""
    from opengenome_assets.spark import counting

    mine = project(folder, write_fasta(folder / "mine.fa", made_up_records(40)), batch_size=15)
    mine.runner.register()
    finished = Finished(mine.folder, mine.manifest)
    count = counting.count_batches

    def count_and_spoil(*arguments: Any) -> Iterable[BatchResult]:
        for done in count(*arguments):
            if done.batch == BATCH:
                finished.rewrite_counts(column_changer("count", lambda counted: counted + 1))
            yield done

    monkeypatch.setattr(counting, "count_batches", count_and_spoil)
    whole_range = {
        "dagster/asset_partition_range_start": "batch_0000",
        "dagster/asset_partition_range_end": "batch_0002",
    }
    result = (
        build_definitions(mine.settings)
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=mine.instance,
            partition_key=partition,
            tags=None if partition else whole_range,
            raise_on_error=False,
        )
    )
    return Checked(result, mine.instance)


def run_checks_of_the_table(mine: Finished) -> Checked:
    """Run the table's checks by themselves, as from their page in the UI."""
    environment = {"OPENGENOME_WAREHOUSE": mine.folder.warehouse, "OPENGENOME_DATASET": mine.folder.dataset}
    graph = build_definitions(read_settings(environment))
    table = dg.AssetKey([mine.folder.dataset, "codon_frequencies"])
    job = dg.define_asset_job("checks", dg.AssetSelection.checks_for_assets(table))
    instance = dg.DagsterInstance.ephemeral(tempdir=mine.folder.warehouse)
    result = (
        dg.Definitions.merge(graph, dg.Definitions(jobs=[job]))
        .resolve_job_def("checks")
        .execute_in_process(instance=instance, raise_on_error=False)
    )
    return Checked(result, instance)


def outcomes_of(checked: Checked) -> dict[str, bool]:
    return {check.check_name: check.passed for check in checked.result.get_asset_check_evaluations()}


def test_checks_of_the_table_pass_when_run_by_themselves(mine: Finished) -> None:
    assert set(outcomes_of(run_checks_of_the_table(mine)).values()) == {True}


def test_a_batch_that_is_lost_later_fails_the_checks_and_not_their_step(mine: Finished) -> None:
    Path(mine.folder.location(counts_path(BATCH))).unlink()
    found = outcomes_of(run_checks_of_the_table(mine))
    # Which batch this one draws is chance: it may be the lost one.
    found.pop("batch_recount_agrees")
    assert found == {
        "batches_complete": False,
        "frequencies_sum_to_one": True,
        "recount_agrees": True,
        "total_equals_batches": False,
    }


def test_a_table_that_is_lost_later_fails_the_checks_and_not_their_step(mine: Finished) -> None:
    Path(mine.folder.location("codon_frequencies.parquet")).unlink()
    found = outcomes_of(run_checks_of_the_table(mine))
    assert [name for name, passed in found.items() if passed] == ["recount_agrees"]


@pytest.fixture(scope="module")
def in_a_range(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterable[Checked]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield run_tampered(tmp_path_factory.mktemp("range"), monkeypatch, partition=None)


@pytest.fixture(scope="module")
def alone(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterable[Checked]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield run_tampered(tmp_path_factory.mktemp("alone"), monkeypatch, partition=BATCH)


@pytest.mark.spark
def test_a_failing_batch_keeps_the_table_from_being_made_in_the_same_run(in_a_range: Checked) -> None:
    assert "mine__codon_frequencies" not in in_a_range.steps()


@pytest.mark.spark
def test_a_run_with_a_failing_batch_fails(in_a_range: Checked) -> None:
    assert not in_a_range.result.success


@pytest.mark.spark
def test_a_failing_check_is_stored_for_exactly_its_partition(in_a_range: Checked) -> None:
    stored = in_a_range.stored("mine", "codon_counts", name="total_codon_count")
    assert {batch: status for batch, status in stored.items() if batch} == {
        "batch_0000": ["SUCCEEDED"],
        "batch_0001": ["FAILED"],
        "batch_0002": ["SUCCEEDED"],
    }


@pytest.mark.spark
def test_the_outcomes_of_batches_are_of_their_latest_materialization(in_a_range: Checked) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(["mine", "codon_counts"]), "total_codon_count")
    infos = in_a_range.instance.event_log_storage.get_asset_check_partition_info([key])
    assert [info.is_current for info in infos if info.partition_key] == [True] * 3


@pytest.mark.spark
def test_checks_before_the_failing_one_are_stored_for_every_partition(in_a_range: Checked) -> None:
    for name in ("rows_as_planned", "only_nucleotide_letters", "unique_ids"):
        stored = in_a_range.stored("mine", "sequences", name=name)
        assert [stored[f"batch_000{number}"] for number in range(3)] == [["SUCCEEDED"]] * 3


@pytest.mark.spark
def test_a_batch_whose_check_failed_is_materialized_all_the_same(in_a_range: Checked) -> None:
    done = in_a_range.instance.get_materialized_partitions(dg.AssetKey(["mine", "codon_counts"]))
    assert BATCH in done


@pytest.mark.spark
def test_a_failing_check_of_a_run_of_one_partition_is_stored_for_it(alone: Checked) -> None:
    stored = alone.stored("mine", "codon_counts", name="total_codon_count")
    assert stored[BATCH] == ["FAILED"]


@pytest.mark.spark
def test_a_failing_check_of_a_run_of_one_partition_stops_what_follows(alone: Checked) -> None:
    assert "mine__codon_frequencies" not in alone.steps()
