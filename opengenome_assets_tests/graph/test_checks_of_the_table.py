"""The checks of the table fail on each kind of tampering, and on nothing else."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.checks import Outcome
from opengenome_assets.checks.table import (
    check_complete,
    check_sums,
    check_total,
)
from opengenome_assets.codons.alphabet import STRANDS
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import codon_frequencies, make_table, write_table
from opengenome_assets_tests.graph.tampering import BATCH, PLAIN, Finished, column_changer, with_value
from opengenome_assets_tests.tables.tables import counts_table, read_table_file


@pytest.mark.parametrize("check", [check_total, check_sums, check_complete])
def test_checks_of_an_untouched_table_pass(
    untouched: Finished, check: Callable[[DatasetFolder, Manifest], Outcome]
) -> None:
    assert check(untouched.files).passed


# total_equals_batches


def test_total_equals_batches_fails_on_another_table(mine: Finished) -> None:
    mine.rewrite_table(column_changer("count", lambda count: count + 1))
    outcome = check_total(mine.files)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (1, "AAT")


def test_total_equals_batches_fails_on_another_batch(mine: Finished) -> None:
    def change(table: pa.Table) -> pa.Table:
        found = zip(*(table[name].to_pylist() for name in ("strand", "frame", "codon")), strict=True)
        return with_value(table, "count", list(found).index(("+", 0, "AAA")), lambda count: count - 1)

    mine.rewrite_counts(change)
    outcome = check_total(mine.files)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (1, "AAA")


def test_total_equals_batches_fails_on_two_exchanged_codons(mine: Finished) -> None:
    def exchange(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("count")
        counts = table["count"].to_pylist()
        assert counts[0] != counts[5]
        counts[0], counts[5] = counts[5], counts[0]
        return table.set_column(place, table.schema.field(place), pa.array(counts, pa.int64()))

    mine.rewrite_table(exchange)
    outcome = check_total(mine.files)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (0, "AAA, ACC")


def test_total_equals_batches_passes_where_another_frame_changed(mine: Finished) -> None:
    mine.rewrite_counts(lambda table: pa.concat_tables([table, table.filter(pc.field("frame") == 1)]))
    assert check_total(mine.files).passed


# Codes 2 and 11 differ in TGA (W, stop) and AGA (stop, R); the stops of code 28 are amino acids too.
BOTH = TableParameters(frame=2, strand="both")


@pytest.fixture
def of_both_strands(mine: Finished) -> Finished:
    """With a table of frame 2 of both strands."""
    make_table(mine.files, BOTH)
    return mine


@pytest.mark.parametrize("check", [check_total, check_sums, check_complete])
def test_checks_of_a_table_of_both_strands_pass(
    of_both_strands: Finished, check: Callable[[BatchFiles], Outcome]
) -> None:
    assert check(of_both_strands.files.of_table(BOTH)).passed


@pytest.mark.parametrize("strand", STRANDS)
def test_total_of_both_strands_fails_where_either_changed(of_both_strands: Finished, strand: str) -> None:
    extra = counts_table({"AAA": 1}, strand=strand, frame=2)
    of_both_strands.rewrite_counts(lambda counts: pa.concat_tables([counts, extra]))
    outcome = check_total(of_both_strands.files.of_table(BOTH))
    assert (outcome.passed, outcome.figures["difference"]) == (False, -1)


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
        write_counts(mine.files, batch, counts)
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
    make_table(coded.files, chosen)
    outcome = check_total(coded.files.of_table(chosen))
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
    made = make_table(coded.files, replace(PLAIN, **parameters))
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
def test_total_equals_batches_fails_on_other_codons_left_out(
    coded: Finished, fault: dict[str, Any], difference: int, differing: str
) -> None:
    stated = replace(PLAIN, skip_stops=True)
    made = replace(stated, **fault)
    make_table(coded.files, made)
    wrong = read_table_file(coded.files.of_table(made).table)
    write_table(coded.folder, [wrong], stated, coded.manifest.provenance())
    outcome = check_total(coded.files)
    assert not outcome.passed
    assert (outcome.figures["difference"], outcome.figures["differing"]) == (difference, differing)


def test_total_equals_batches_fails_where_one_code_reads_all(coded: Finished) -> None:
    stated = replace(PLAIN, skip_stops=True)
    place = CODON_COUNTS.get_field_index("genetic_code")
    counts = pa.concat_tables(SEVERAL_CODES.values())
    one_code = counts.set_column(place, CODON_COUNTS.field(place), pa.nulls(counts.num_rows, pa.int32()))
    write_table(coded.folder, [codon_frequencies(one_code, stated)], stated, coded.manifest.provenance())
    outcome = check_total(coded.files)
    assert not outcome.passed
    # TGA of code 2 and TAA of code 28 are lost, and AGA of code 2 is kept.
    assert outcome.figures["difference"] == 19 - 17 - 43


def test_total_equals_batches_fails_on_a_row_that_is_there_twice(mine: Finished) -> None:
    mine.rewrite_table(lambda table: pa.concat_tables([table, table.slice(0, 1)]))
    outcome = check_total(mine.files)
    assert (outcome.passed, outcome.figures["differing"]) == (False, "AAA")


# frequencies_sum_to_one


@pytest.mark.parametrize(("more", "passes"), [(2e-9, False), (-2e-9, False), (5e-10, True), (-5e-10, True)])
def test_frequencies_sum_to_one_within_the_tolerance(mine: Finished, *, more: float, passes: bool) -> None:
    mine.rewrite_table(column_changer("frequency", lambda frequency: frequency + more))
    outcome = check_sums(mine.files)
    assert outcome.passed == passes
    assert outcome.figures["largest_deviation"] == pytest.approx(abs(more), rel=1e-3)


def test_frequencies_sum_to_one_fails_where_a_codon_is_lost(mine: Finished) -> None:
    lost = pq.read_table(mine.folder.location("codon_frequencies.parquet"))["frequency"][0].as_py()
    mine.rewrite_table(lambda table: table.slice(1))
    outcome = check_sums(mine.files)
    assert not outcome.passed
    assert outcome.figures["largest_deviation"] == pytest.approx(lost, rel=1e-9)


def test_frequencies_sum_to_one_fails_on_a_table_without_rows(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table.slice(0, 0))
    outcome = check_sums(mine.files)
    assert not outcome.passed
    assert outcome.figures == {"largest_deviation": 0.0, "groups": 0, "empty_groups": 0}


def test_frequencies_sum_to_one_fails_where_one_is_nan(mine: Finished) -> None:
    mine.rewrite_table(column_changer("frequency", lambda _: math.nan))
    assert not check_sums(mine.files).passed


@pytest.mark.parametrize("held", [1, 7, 100, 1000])
def test_sums_are_of_groups_that_parts_split(
    monkeypatch: pytest.MonkeyPatch, coded: Finished, held: int
) -> None:
    monkeypatch.setattr("opengenome_assets.tables.frequencies._ROWS_HELD", held)
    make_table(coded.files, PLAIN)
    for check in (check_sums, check_total):
        assert check(coded.files).passed
    assert check_sums(coded.files).figures["groups"] == 5
    coded.rewrite_table(column_changer("frequency", lambda frequency: (frequency or 0.0) + 0.25, row=-1))
    assert check_sums(coded.files).figures["largest_deviation"] == pytest.approx(0.25)


def test_frequencies_sum_to_one_fails_on_one_group_alone(coded: Finished) -> None:
    make_table(coded.files, PLAIN)
    assert check_sums(coded.files).figures["groups"] == 5
    row = pq.read_table(coded.folder.location("codon_frequencies.parquet"))["group"].to_pylist().index("m")
    coded.rewrite_table(column_changer("frequency", lambda frequency: frequency + 0.25, row=row))
    outcome = check_sums(coded.files)
    assert not outcome.passed
    assert outcome.figures["largest_deviation"] == pytest.approx(0.25)


def without_frequencies(table: pa.Table) -> pa.Table:
    """As it is where there are no codons."""
    place = table.schema.get_field_index("frequency")
    return table.set_column(place, table.schema.field(place), pa.nulls(table.num_rows, pa.float64()))


def test_frequencies_sum_to_one_passes_without_any_codon(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        write_counts(mine.files, batch, counts_table({"AAA": 3}, frame=1))
    make_table(mine.files, PLAIN)
    outcome = check_sums(mine.files)
    assert outcome.passed
    assert (outcome.figures["groups"], outcome.figures["empty_groups"]) == (1, 1)


def test_each_group_without_codons_is_counted(coded: Finished) -> None:
    chosen = replace(PLAIN, frame=1)
    make_table(coded.files, chosen)
    outcome = check_sums(coded.files.of_table(chosen))
    # Only one of four groups has codons in this frame.
    assert (outcome.passed, outcome.figures["groups"], outcome.figures["empty_groups"]) == (True, 5, 3)


def test_a_single_codon_sums_to_one_with_hidden_rows(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        write_counts(mine.files, batch, counts_table({"AAA": 1} if batch == "batch_0000" else {}))
    chosen = replace(PLAIN, min_count=1)
    make_table(mine.files, chosen)
    outcome = check_sums(mine.files.of_table(chosen))
    assert (outcome.passed, outcome.figures["groups"]) == (True, 1)


def test_frequencies_sum_to_one_fails_for_groups_without_codons(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        write_counts(mine.files, batch, counts_table({"AAA": 3}, frame=1))
    make_table(mine.files, PLAIN)
    mine.rewrite_table(column_changer("frequency", lambda _: 0.5))
    outcome = check_sums(mine.files)
    assert not outcome.passed
    assert (outcome.figures["largest_deviation"], outcome.figures["empty_groups"]) == (0.5, 0)


def test_a_few_codons_with_hidden_ones_have_the_share_shown(coded: Finished) -> None:
    # AGA is hidden, of two batches.
    chosen = replace(PLAIN, min_count=13 + 19 + 1)
    make_table(coded.files, chosen)
    outcome = check_sums(coded.files.of_table(chosen))
    shown = 1 - (13 + 19) / (ANY - 41)
    assert outcome.passed
    assert outcome.description.startswith(f"frequencies sum to {shown:.9g} within ")


def test_frequencies_sum_to_one_fails_where_codons_have_none(mine: Finished) -> None:
    mine.rewrite_table(without_frequencies)
    outcome = check_sums(mine.files)
    assert not outcome.passed
    assert (outcome.figures["largest_deviation"], outcome.figures["empty_groups"]) == (1.0, 0)


@pytest.mark.parametrize("check", [check_total, check_sums])
def test_a_codon_lost_from_a_table_with_hidden_rows_is_noticed(
    mine: Finished, check: Callable[[DatasetFolder, Manifest], Outcome]
) -> None:
    make_table(mine.files, replace(PLAIN, min_count=5))
    assert check(mine.files).passed
    table = pq.read_table(mine.folder.location("codon_frequencies.parquet"))
    write_table(mine.folder, [table.slice(1)], replace(PLAIN, min_count=5), mine.manifest.provenance())
    assert not check(mine.files).passed


# batches_complete


def test_batches_complete_names_the_missing_batch(mine: Finished) -> None:
    Path(mine.files.counts(BATCH).location).unlink()
    outcome = check_complete(mine.files)
    assert not outcome.passed
    assert outcome.figures == {
        "planned_batches": 3,
        "finished_batches": 2,
        "missing": BATCH,
        "table_is_of_this_plan": "True",
    }


def test_batches_complete_fails_on_a_table_of_another_plan(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table, fingerprint="of another plan")
    outcome = check_complete(mine.files)
    assert not outcome.passed
    assert (outcome.figures["finished_batches"], outcome.figures["table_is_of_this_plan"]) == (3, "False")


def test_batches_complete_fails_on_batches_of_another_plan(mine: Finished) -> None:
    outcome = check_complete(BatchFiles(mine.folder, replace(mine.manifest, fingerprint="another")))
    assert not outcome.passed
    assert (outcome.figures["finished_batches"], outcome.figures["table_is_of_this_plan"]) == (0, "False")
