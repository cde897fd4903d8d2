"""Every check fails where it should: on real files that are tampered with behind their stamps' backs."""

import re
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
from opengenome_assets.counting.count_files import read_all_counts, read_counts, write_counts
from opengenome_assets.counting.row_groups import WorkItem, count_work_item
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets.settings import Settings, read_settings
from opengenome_assets.spark.jobs import BatchResult
from opengenome_assets.storage.stamps import stamped
from opengenome_assets.storage.warehouse import DatasetFolder, counts_path, sequences_path
from opengenome_assets.tabulating.frequencies import codon_frequencies
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.table_file import make_table, write_table
from opengenome_assets_tests.reporting.parsed import Page
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta
from opengenome_assets_tests.tabulating.tables import counts_table

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
        item = WorkItem(location, manifest.stamp(written.batch), manifest.settings.soft_mask, 0, groups)
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
    "rows_assigned": lambda mine: mine.sequences("rows_assigned"),
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


def changed(before: Outcome, after: Outcome) -> set[str]:
    """Names of the figures that are not what they were."""
    assert before.figures.keys() == after.figures.keys()
    return {name for name in before.figures if before.figures[name] != after.figures[name]}


# rows_as_planned


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        pytest.param(
            lambda table: table.slice(1), {"rows", "bases", "row_numbers_as_planned"}, id="first_row_lost"
        ),
        pytest.param(
            lambda table: table.slice(0, table.num_rows - 1),
            {"rows", "bases", "row_numbers_as_planned"},
            id="last_row_lost",
        ),
        pytest.param(
            lambda table: pa.concat_tables([table, table.slice(0, 1)]),
            {"rows", "bases", "row_numbers_as_planned"},
            id="row_twice",
        ),
        pytest.param(
            lambda table: table.take(list(range(table.num_rows))[::-1]),
            {"row_numbers_as_planned"},
            id="rows_reversed",
        ),
        pytest.param(
            column_changer("row", lambda row: row + 1), {"row_numbers_as_planned"}, id="row_number_wrong"
        ),
        pytest.param(
            column_changer("length", lambda length: length + 1),
            {"bases", "rows_whose_length_disagrees"},
            id="length_wrong",
        ),
        pytest.param(
            column_changer("sequence", lambda letters: letters + "A"),
            {"rows_whose_length_disagrees"},
            id="a_letter_more",
        ),
        pytest.param(
            lambda table: column_changer("length", lambda length: length - 1, row=4)(
                column_changer("length", lambda length: length + 1, row=3)(table)
            ),
            {"rows_whose_length_disagrees"},
            id="two_wrong_lengths_add_up",
        ),
        pytest.param(
            lambda table: column_changer("length", lambda length: length + 1)(
                column_changer("sequence", lambda letters: letters + "A")(table)
            ),
            {"bases"},
            id="letter_and_length_more",
        ),
    ],
)
def test_rows_as_planned_fails(
    mine: Finished, change: Callable[[pa.Table], pa.Table], figures: set[str]
) -> None:
    before = mine.sequences("rows_as_planned")
    mine.rewrite_sequences(change)
    after = mine.sequences("rows_as_planned")
    assert (before.passed, after.passed) == (True, False)
    assert changed(before, after) == figures
    assert mine.sequences("only_nucleotide_letters").passed


def test_rows_as_planned_fails_where_the_file_is_missing(mine: Finished) -> None:
    Path(mine.folder.location(sequences_path(BATCH))).unlink()
    outcome = mine.sequences("rows_as_planned")
    assert not outcome.passed
    assert ": missing. Materialize mine/sequences for batch_0001." in outcome.description


def test_rows_as_planned_fails_on_another_batchs_file(mine: Finished) -> None:
    shutil.copy(
        mine.folder.location(sequences_path("batch_0000")), mine.folder.location(sequences_path(BATCH))
    )
    outcome = mine.sequences("rows_as_planned")
    assert not outcome.passed
    assert "batch_0000" in outcome.description


# only_nucleotide_letters


@pytest.mark.parametrize("letter", "ACGTURYSWKMBDHVNacgturyswkmbdhvn")
def test_every_nucleotide_letter_passes(mine: Finished, letter: str) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letter + letters[1:]))
    assert mine.sequences("only_nucleotide_letters").passed


@pytest.mark.parametrize(
    ("letter", "named"),
    [
        ("E", "E"),
        ("*", "*"),
        ("-", "-"),
        (" ", "byte 0x20"),
        ("\x00", "byte 0x00"),
        ("\x7f", "byte 0x7f"),
        ("é", "byte 0xa9, byte 0xc3"),
    ],
)
def test_only_nucleotide_letters_fails(mine: Finished, letter: str, named: str) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letter + letters[1:]))
    outcome = mine.sequences("only_nucleotide_letters")
    assert not outcome.passed
    assert outcome.figures == {"foreign_letters": len(letter.encode()), "which": named}


def test_only_nucleotide_letters_finds_one_in_the_last_record(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("sequence", lambda letters: letters[:-1] + "E", row=14))
    assert not mine.sequences("only_nucleotide_letters").passed


# unique_ids


def test_unique_ids_fails(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "record_16"))
    outcome = mine.sequences("unique_ids")
    assert not outcome.passed
    assert outcome.figures == {"repeated_ids": 1, "rows_with_a_repeated_id": 2, "examples": "record_16"}


def test_unique_ids_passes_where_only_the_case_differs(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("seq_id", lambda _: "RECORD_16"))
    assert mine.sequences("unique_ids").passed


# rows_assigned


def test_rows_assigned_fails_on_one_row_without_an_entry(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "unassigned"))
    outcome = mine.sequences("rows_assigned")
    assert not outcome.passed
    assert outcome.figures == {"unassigned_rows": 1, "groups": 2}


def test_rows_assigned_passes_on_a_group_of_a_like_name(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "Unassigned"))
    assert mine.sequences("rows_assigned").figures == {"unassigned_rows": 0, "groups": 2}
    assert mine.sequences("rows_assigned").passed


# total_codon_count


def without(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.filter(pc.field(column) != value)


def extra_row(**values: object) -> Callable[[pa.Table], pa.Table]:
    """Adds the first row once more, with other values."""

    def change(table: pa.Table) -> pa.Table:
        row = table.slice(0, 1).to_pylist()[0] | values
        return pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])

    return change


def two_frames(table: pa.Table) -> pa.Table:
    """One codon more in one frame, and one less in another."""
    first, second = (table["frame"].to_pylist().index(frame) for frame in (0, 1))
    more = with_value(table, "count", first, lambda count: count + 1)
    return with_value(more, "count", second, lambda count: count - 1)


ALL_FRAMES = {f"{strand}{frame}" for strand in "+-" for frame in range(3)}


@pytest.mark.parametrize(
    ("change", "frames", "rows_of_no_frame"),
    [
        pytest.param(column_changer("count", lambda count: count + 1), {"+0"}, 0, id="one_codon_more"),
        pytest.param(column_changer("count", lambda count: count - 1), {"+0"}, 0, id="one_codon_less"),
        pytest.param(lambda table: table.slice(1), {"+0"}, 0, id="a_codon_lost"),
        pytest.param(without("frame", 2), {"+2", "-2"}, 0, id="a_frame_lost"),
        pytest.param(without("strand", "-"), {"-0", "-1", "-2"}, 0, id="a_strand_lost"),
        pytest.param(column_changer("frame", lambda _: 3), {"+0"}, 1, id="a_frame_that_is_none"),
        pytest.param(column_changer("strand", lambda _: "?"), {"+0"}, 1, id="a_strand_that_is_none"),
        pytest.param(extra_row(frame=3), set(), 1, id="a_row_more_of_no_frame"),
        pytest.param(extra_row(strand="?"), set(), 1, id="a_row_more_of_no_strand"),
        pytest.param(extra_row(), {"+0"}, 0, id="a_row_twice"),
        pytest.param(extra_row(group="other"), {"+0"}, 0, id="a_row_more_of_another_group"),
        pytest.param(two_frames, {"+0", "+1"}, 0, id="two_frames_make_up_for_each_other"),
        pytest.param(lambda table: table.slice(0, 0), ALL_FRAMES, 0, id="nothing_counted"),
    ],
)
def test_total_codon_count_fails(
    mine: Finished, change: Callable[[pa.Table], pa.Table], frames: set[str], rows_of_no_frame: int
) -> None:
    before = mine.counts()
    mine.rewrite_counts(change)
    after = mine.counts()
    assert (before.passed, after.passed) == (True, False)
    assert changed(before, after) - {"difference"} == {f"counted {frame}" for frame in frames}
    assert set(re.findall(r"frame (..): [\d,]+ counted", after.description)) == frames
    assert ("1 row of no frame at all" in after.description) == bool(rows_of_no_frame)


def test_total_codon_count_passes_where_a_row_is_split(mine: Finished) -> None:
    def split(table: pa.Table) -> pa.Table:
        row = table["count"].to_pylist().index(max(table["count"].to_pylist()))
        one = table.slice(row, 1)
        less = with_value(table, "count", row, lambda count: count - 1)
        return pa.concat_tables([less, with_value(one, "count", 0, lambda _: 1)])

    mine.rewrite_counts(split)
    assert mine.counts().passed


def test_total_codon_count_fails_where_the_sequences_changed_since(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("length", lambda length: length + 3))
    assert not mine.counts().passed


# total_equals_batches


def test_total_equals_batches_fails_on_another_table(mine: Finished) -> None:
    mine.rewrite_table(column_changer("count", lambda count: count + 1))
    outcome = check_total(mine.folder, mine.manifest)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (1, "AAT")


def test_total_equals_batches_fails_on_another_batch(mine: Finished) -> None:
    def change(table: pa.Table) -> pa.Table:
        found = zip(*(table[name].to_pylist() for name in ("strand", "frame", "codon")), strict=True)
        return with_value(table, "count", list(found).index(("+", 0, "AAA")), lambda count: count - 1)

    mine.rewrite_counts(change)
    outcome = check_total(mine.folder, mine.manifest)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (1, "AAA")


def test_total_equals_batches_fails_where_two_codons_are_exchanged(mine: Finished) -> None:
    def exchange(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("count")
        counts = table["count"].to_pylist()
        assert counts[0] != counts[5]
        counts[0], counts[5] = counts[5], counts[0]
        return table.set_column(place, table.schema.field(place), pa.array(counts, pa.int64()))

    mine.rewrite_table(exchange)
    outcome = check_total(mine.folder, mine.manifest)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (0, "AAA, ACC")


def test_total_equals_batches_passes_where_another_frame_changed(mine: Finished) -> None:
    mine.rewrite_counts(lambda table: pa.concat_tables([table, table.filter(pc.field("frame") == 1)]))
    assert check_total(mine.folder, mine.manifest).passed


# Codes 2 and 11 differ in TGA (W, stop) and AGA (stop, R); the stops of code 28 are amino acids too.
SEVERAL_CODES = {
    "batch_0000": counts_table({"TGA": 5, "TAA": 7, "AAA": 11, "AGA": 13}, group="p", genetic_code=11),
    "batch_0001": counts_table({"TGA": 17, "TAA": 29, "AAA": 23, "AGA": 19}, group="m", genetic_code=2),
    "batch_0002": pa.concat_tables(
        [
            counts_table({"TGA": 31, "AAA": 37, "NNN": 41}, group="u"),
            counts_table({"TAA": 43}, group="d", genetic_code=28),
            counts_table({"AAA": 1000, "TAA": 1000}, group="u", frame=1),
        ]
    ),
}
ANY = sum(pc.sum(table.filter(pc.field("frame") == 0)["count"]).as_py() for table in SEVERAL_CODES.values())
STOPS_OF_CODES = 5 + 7 + 29 + 19


@pytest.fixture
def coded(mine: Finished) -> Finished:
    """Counts of several groups and codes."""
    for batch, counts in SEVERAL_CODES.items():
        write_counts(mine.folder, mine.manifest, batch, counts)
    return mine


@pytest.mark.parametrize(
    ("parameters", "codons"),
    [
        ({"skip_stops": True}, ANY - 41 - STOPS_OF_CODES - 31),
        ({"skip_stops": True, "genetic_code": 2}, ANY - 41 - STOPS_OF_CODES),
        ({"skip_stops": True, "skip_n": False}, ANY - STOPS_OF_CODES - 31),
        ({"skip_stops": True, "min_count": 14}, ANY - 41 - STOPS_OF_CODES - 31 - 13),
        ({"skip_n": False}, ANY),
        ({"skip_stops": True, "frame": 1}, 1000),
    ],
)
def test_total_equals_batches_leaves_out_each_codes_stops(
    coded: Finished, parameters: dict[str, Any], codons: int
) -> None:
    chosen = replace(PLAIN, **parameters)
    make_table(coded.folder, coded.manifest, chosen)
    outcome = check_total(coded.folder, coded.manifest)
    assert (outcome.passed, outcome.figures["table_codons"], outcome.figures["batch_codons"]) == (
        True,
        codons,
        codons,
    )


@pytest.mark.parametrize(
    ("parameters", "left_out"),
    [
        ({"skip_stops": True}, 41 + STOPS_OF_CODES + 31),
        ({"skip_stops": True, "genetic_code": 2}, 41 + STOPS_OF_CODES),
        ({"skip_stops": True, "skip_n": False}, STOPS_OF_CODES + 31),
        ({"min_count": 14}, 41),
        ({"skip_n": False}, 0),
    ],
)
def test_the_made_table_states_what_it_left_out(
    coded: Finished, parameters: dict[str, Any], left_out: int
) -> None:
    made = make_table(coded.folder, coded.manifest, replace(PLAIN, **parameters))
    assert (made.codons, made.skipped) == (ANY - left_out, left_out)


@pytest.mark.parametrize(
    ("fault", "difference", "differing"),
    [
        pytest.param({"skip_stops": False}, STOPS_OF_CODES + 31, "AGA, TAA, TGA", id="stops_left_in"),
        pytest.param({"genetic_code": 2}, 31, "TGA", id="another_default_code"),
        pytest.param({"skip_n": False}, 41, "NNN", id="ambiguous_left_in"),
        pytest.param({"min_count": 14}, -13, "AGA", id="a_codon_hidden"),
    ],
)
def test_total_equals_batches_fails_where_another_codon_is_left_out(
    coded: Finished, fault: dict[str, Any], difference: int, differing: str
) -> None:
    stated = replace(PLAIN, skip_stops=True)
    made = make_table(coded.folder, coded.manifest, replace(stated, **fault))
    write_table(coded.folder, made.table, stated, coded.manifest.provenance())
    outcome = check_total(coded.folder, coded.manifest)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (difference, differing)


def test_total_equals_batches_fails_where_one_code_reads_all(coded: Finished) -> None:
    stated = replace(PLAIN, skip_stops=True)
    place = CODON_COUNTS.get_field_index("genetic_code")
    counts = pa.concat_tables(SEVERAL_CODES.values())
    one_code = counts.set_column(place, CODON_COUNTS.field(place), pa.nulls(counts.num_rows, pa.int32()))
    write_table(coded.folder, codon_frequencies(one_code, stated), stated, coded.manifest.provenance())
    outcome = check_total(coded.folder, coded.manifest)
    assert not outcome.passed
    # TGA of code 2 and TAA of code 28 are lost, and AGA of code 2 is kept.
    assert outcome.figures["difference"] == 19 - 17 - 43


# frequencies_sum_to_one


@pytest.mark.parametrize(("more", "passes"), [(2e-9, False), (-2e-9, False), (5e-10, True), (-5e-10, True)])
def test_frequencies_sum_to_one_within_the_tolerance(mine: Finished, *, more: float, passes: bool) -> None:
    mine.rewrite_table(column_changer("frequency", lambda frequency: frequency + more))
    outcome = check_sums(mine.folder, mine.manifest)
    assert outcome.passed == passes
    assert outcome.figures["largest_deviation"] == pytest.approx(abs(more), rel=1e-3)


def test_frequencies_sum_to_one_fails_where_a_codon_is_lost(mine: Finished) -> None:
    lost = pq.read_table(mine.folder.location("codon_frequencies.parquet"))["frequency"][0].as_py()
    mine.rewrite_table(lambda table: table.slice(1))
    outcome = check_sums(mine.folder, mine.manifest)
    assert not outcome.passed
    assert outcome.figures["largest_deviation"] == pytest.approx(lost, rel=1e-9)


def test_frequencies_sum_to_one_fails_on_a_table_without_rows(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table.slice(0, 0))
    outcome = check_sums(mine.folder, mine.manifest)
    assert not outcome.passed
    assert outcome.figures == {"largest_deviation": 0.0, "groups": 0, "empty_groups": 0}


def test_frequencies_sum_to_one_fails_on_one_group_alone(coded: Finished) -> None:
    make_table(coded.folder, coded.manifest, PLAIN)
    assert check_sums(coded.folder, coded.manifest).figures["groups"] == 5
    row = pq.read_table(coded.folder.location("codon_frequencies.parquet"))["group"].to_pylist().index("m")
    coded.rewrite_table(column_changer("frequency", lambda frequency: frequency + 0.25, row=row))
    outcome = check_sums(coded.folder, coded.manifest)
    assert not outcome.passed
    assert outcome.figures["largest_deviation"] == pytest.approx(0.25)


def without_frequencies(table: pa.Table) -> pa.Table:
    """As it is where there are no codons."""
    place = table.schema.get_field_index("frequency")
    return table.set_column(place, table.schema.field(place), pa.nulls(table.num_rows, pa.float64()))


def test_frequencies_sum_to_one_passes_without_any_codon(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        write_counts(mine.folder, mine.manifest, batch, counts_table({"AAA": 3}, frame=1))
    make_table(mine.folder, mine.manifest, PLAIN)
    outcome = check_sums(mine.folder, mine.manifest)
    assert outcome.passed
    assert outcome.figures["empty_groups"] == 1


def test_frequencies_sum_to_one_fails_where_codons_have_none(mine: Finished) -> None:
    mine.rewrite_table(without_frequencies)
    outcome = check_sums(mine.folder, mine.manifest)
    assert not outcome.passed
    assert (outcome.figures["largest_deviation"], outcome.figures["empty_groups"]) == (1.0, 0)


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


def test_batches_complete_names_the_missing_batch(mine: Finished) -> None:
    Path(mine.folder.location(counts_path(BATCH))).unlink()
    outcome = check_complete(mine.folder, mine.manifest)
    assert not outcome.passed
    assert outcome.figures == {
        "planned_batches": 3,
        "finished_batches": 2,
        "missing": BATCH,
        "table_is_of_this_plan": "True",
    }


def test_batches_complete_fails_on_a_table_of_another_plan(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table, fingerprint="of another plan")
    outcome = check_complete(mine.folder, mine.manifest)
    assert not outcome.passed
    assert (outcome.figures["finished_batches"], outcome.figures["table_is_of_this_plan"]) == (3, "False")


def test_batches_complete_fails_where_the_plan_changed_under_the_batches(mine: Finished) -> None:
    outcome = check_complete(mine.folder, replace(mine.manifest, fingerprint="another"))
    assert not outcome.passed
    assert (outcome.figures["finished_batches"], outcome.figures["table_is_of_this_plan"]) == (0, "False")


def test_batches_complete_fails_on_an_empty_plan(mine: Finished) -> None:
    outcome = check_complete(mine.folder, replace(mine.manifest, boundaries=(0,), batch_bases=()))
    assert not outcome.passed
    assert (outcome.figures["planned_batches"], outcome.figures["table_is_of_this_plan"]) == (0, "True")


# recount_agrees


def test_recount_agrees_fails_where_the_kernel_takes_one_letter_for_another(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = CODE_OF_BYTE.copy()
    broken[ord("G")] = broken[ord("C")]
    monkeypatch.setattr("opengenome_assets.counting.row_groups.CODE_OF_BYTE", broken)
    outcome = check_recount(untouched.folder, untouched.manifest, seed=1)
    assert not outcome.passed
    # All 64 codons but the 8 of A and T, in six frames, and some of the ambiguous ones.
    assert int(outcome.figures["differing_counts"]) >= 6 * (64 - 8)


def test_recount_agrees_fails_where_the_other_strand_is_read_wrong(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opengenome_assets.codons.kernel.REVERSE_COMPLEMENT", np.arange(4096))
    outcome = check_recount(untouched.folder, untouched.manifest, seed=1)
    assert not outcome.passed
    assert int(outcome.figures["differing_counts"]) >= 3 * 64 / 2


def test_recount_counts_every_record_of_a_small_data_set(untouched: Finished) -> None:
    records = made_up_records(40)
    outcome = check_recount(untouched.folder, untouched.manifest, seed=1)
    assert outcome.figures["records"] == len(records)
    assert outcome.figures["bases"] == sum(map(len, records.values()))
    assert outcome.figures["codons_in_six_frames"] == 2 * sum(
        max(0, (len(letters) - frame) // 3) for letters in records.values() for frame in range(3)
    )


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Soft-masked letters were counted as N."""
    folder = tmp_path_factory.mktemp("masked")
    source = write_fasta(folder / "mine.fa", {"half": "ACGacgTTTgGAcca" * 20, "none": "ACGTTTGGACCA" * 20})
    return finish(project(folder, source, soft_mask="skip").settings)


def test_recounts_agree_on_soft_masked_letters(masked: Finished) -> None:
    assert check_recount(masked.folder, masked.manifest, seed=1).passed
    assert check_batch_recount(masked.folder, masked.manifest, PLAIN, seed=1).passed


def test_batch_recount_fails_where_masked_letters_were_counted(masked: Finished) -> None:
    # Frame 0 of the first record: ACG acg TTT gGA cca, 20 times.
    unmasked = replace(masked.manifest, settings=replace(masked.manifest.settings, soft_mask="count"))
    outcome = check_batch_recount(masked.folder, unmasked, PLAIN, seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == "ACG, CCA, GGA, ambiguous"


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


@pytest.mark.parametrize(("codon", "named"), [("AAA", "AAA"), ("NNN", "ambiguous")])
def test_batch_recount_compares_the_frame_of_the_table(mine: Finished, codon: str, named: str) -> None:
    extra = counts_table({codon: 1}, strand="-", frame=1)
    for batch in mine.manifest.plan.keys:
        counts = read_counts(mine.folder, mine.manifest, batch)
        write_counts(mine.folder, mine.manifest, batch, pa.concat_tables([counts, extra]))
    assert check_batch_recount(mine.folder, mine.manifest, PLAIN, seed=1).passed
    outcome = check_batch_recount(mine.folder, mine.manifest, replace(PLAIN, strand="-", frame=1), seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == named
    assert int(outcome.figures["batch_codons"]) - int(outcome.figures["codons"]) == 1


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
    outcome = check_planted(folder)
    assert not outcome.passed
    assert outcome.figures["differing"] == "AAA"


@pytest.mark.parametrize("spoil", [False, True])
def test_matches_planted_compares_ambiguous_codons_too(
    untouched_demo: Finished, tmp_path: Path, *, spoil: bool
) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    chosen = replace(PLAIN, skip_n=False)
    counts = read_all_counts(untouched_demo.folder, untouched_demo.manifest)
    table = codon_frequencies(counts, chosen)
    last = table.num_rows - 1
    codon = table["codon"][last].as_py()
    assert not set(codon) <= set("ACGT")
    if spoil:
        table = with_value(table, "count", last, lambda count: count + 1)
    write_table(folder, table, chosen, untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert (outcome.passed, outcome.figures["differing"]) == (not spoil, codon if spoil else "")


@pytest.mark.parametrize("other", [{"frame": 1}, {"strand": "-"}, {"skip_stops": True}, {"min_count": 2}])
def test_matches_planted_says_where_it_compares_nothing(
    untouched_demo: Finished, tmp_path: Path, other: dict[str, Any]
) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    write_table(folder, table, replace(PLAIN, **other), untouched_demo.manifest.provenance())
    assert check_planted(folder).description.startswith("not compared: ")


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


def test_the_report_shows_the_newest_result_of_each_check(mine: Finished) -> None:
    # Without codons in the table's frame there are hardly any pictures to draw.
    for batch in mine.manifest.plan.keys:
        write_counts(mine.folder, mine.manifest, batch, counts_table({"AAA": 3}, frame=1))
    make_table(mine.folder, mine.manifest, PLAIN)
    environment = {"OPENGENOME_WAREHOUSE": mine.folder.warehouse, "OPENGENOME_DATASET": mine.folder.dataset}
    instance = dg.DagsterInstance.ephemeral(tempdir=mine.folder.warehouse)
    results = [
        ("sequences", "rows_as_planned", False, "older"),
        ("sequences", "rows_as_planned", True, "35 rows"),
        ("sequences", "unique_ids", False, "2 ids"),
        ("codon_counts", "total_codon_count", True, "12 codons"),
        ("codon_frequencies", "total_equals_batches", True, "older"),
        ("codon_frequencies", "total_equals_batches", False, "1 codon"),
    ]
    for asset, name, passed, found in results:
        key = dg.AssetKey([mine.folder.dataset, asset])
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key, check_name=name, passed=passed, description=found, metadata={}
            )
        )
    result = (
        build_definitions(read_settings(environment))
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey([mine.folder.dataset, "codon_usage_report"])]
        )
    )
    assert result.success
    page = Page(Path(mine.folder.location("report/index.html")).read_text())
    assert [tuple(row.values()) for row in page.table("result")] == [
        ("✓ passed", "sequences · rows_as_planned", "35 rows"),
        ("✗ failed", "sequences · unique_ids", "2 ids"),
        ("✓ passed", "codon_counts · total_codon_count", "12 codons"),
        ("✗ failed", "codon_frequencies · total_equals_batches", "1 codon"),
    ]


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
