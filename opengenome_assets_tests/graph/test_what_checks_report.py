"""Figures and descriptions of each check, as Dagster's UI and the terminal show them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks import recount
from opengenome_assets.checks.batch import check_counts
from opengenome_assets.checks.recount import check_batch_recount, check_recount, count_slowly
from opengenome_assets.checks.table import check_complete, check_planted, check_sums, check_total
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.tables.frequencies import make_table, write_table
from opengenome_assets_tests.graph.tampering import (
    BATCH,
    PLAIN,
    Finished,
    column_changer,
    extra_row,
    finish,
    two_frames,
)
from opengenome_assets_tests.scenario import made_up_records, naive_counts, project, write_fasta

RECORDS = list(made_up_records(40).values())
OF_BATCH = RECORDS[15:30]
BASES = sum(map(len, OF_BATCH))


def codons_of(records: list[str], strand: str = "+", frame: int = 0) -> Counter[str]:
    found = naive_counts(records).items()
    return Counter({codon: count for (s, f, codon), count in found if (s, f) == (strand, frame)})


def plain(codons: Counter[str]) -> Counter[str]:
    return Counter({codon: count for codon, count in codons.items() if set(codon) <= set("ACGT")})


def test_rows_as_planned_reports_rows_and_bases(untouched: Finished) -> None:
    outcome = untouched.sequences("rows_as_planned")
    assert outcome.figures == {
        "rows": 15,
        "rejected_rows": 0,
        "planned_rows": 15,
        "bases": BASES,
        "planned_bases": BASES,
        "rows_whose_length_disagrees": 0,
        "rows_with_other_letters": 0,
        "row_numbers_as_planned": "True",
    }
    assert outcome.description == (
        f"15 rows and 0 rejected, {BASES:,} bases; planned: 15 rows with {BASES:,} bases"
    )


def test_rows_set_aside_count_as_planned_rows(tmp_path: Path) -> None:
    records = {"a": "ACGT", "bad": "AC-GTA", "b": "TTTTT", "worse": "!"}
    own = finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", records), on_invalid="skip"))
    outcome = own.sequences("rows_as_planned", "batch_0000")
    assert outcome.passed
    assert outcome.figures == {
        "rows": 2,
        "rejected_rows": 2,
        "planned_rows": 4,
        "bases": 16,
        "planned_bases": 16,
        "rows_whose_length_disagrees": 0,
        "rows_with_other_letters": 0,
        "row_numbers_as_planned": "True",
    }
    assert outcome.description == "2 rows and 2 rejected, 16 bases; planned: 4 rows with 16 bases"


def test_lengths_that_disagree_are_counted(mine: Finished) -> None:
    longer = column_changer("sequence", lambda letters: letters + "A", row=2)
    mine.rewrite_sequences(
        lambda table: longer(column_changer("sequence", lambda letters: letters[1:], row=5)(table))
    )
    assert mine.sequences("rows_as_planned").figures["rows_whose_length_disagrees"] == 2


def test_five_foreign_letters_are_named(mine: Finished) -> None:
    # The first and the last byte that are shown as they are, and their neighbours.
    letters = "!~\x7f\x1fEFE"
    mine.rewrite_sequences(column_changer("sequence", lambda old: letters + old[len(letters) :]))
    outcome = mine.sequences("only_nucleotide_letters")
    assert outcome.figures == {"foreign_letters": 7, "which": "byte 0x1f, !, E, F, ~"}
    assert outcome.description == f"letters that are not nucleotides: 7 of {BASES:,}"


def test_five_repeated_ids_are_named(mine: Finished) -> None:
    names = [*"aabbccddeefff", "once", "alone"]

    def rename(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index("seq_id"), "seq_id", pa.array(names))

    mine.rewrite_sequences(rename)
    outcome = mine.sequences("unique_ids")
    assert outcome.figures == {
        "repeated_ids": 6,
        "rows_with_a_repeated_id": 13,
        "examples": "a, b, c, d, e",
    }
    assert outcome.description == "6 ids in more than one row of this batch"


def test_rows_assigned_reports_rows_and_groups(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "unassigned"))
    outcome = mine.sequences("rows_assigned")
    assert outcome.description == "rows without a group: 1 of 15"


EXPECTED = [sum(max(0, (len(letters) - frame) // 3) for letters in OF_BATCH) for frame in range(3)]


def test_total_codon_count_reports_every_frame(untouched: Finished) -> None:
    outcome = untouched.counts()
    assert outcome.figures == {
        **{f"counted {strand}{frame}": EXPECTED[frame] for strand in "+-" for frame in range(3)},
        **{f"expected {frame}": EXPECTED[frame] for frame in range(3)},
        "difference": 0,
    }
    assert outcome.description == (f"{2 * sum(EXPECTED):,} codons in six frames, as expected of 15 records")


def test_total_codon_count_names_each_wrong_frame(mine: Finished) -> None:
    mine.rewrite_counts(lambda table: extra_row(strand="?")(two_frames(table)))
    outcome = mine.counts()
    assert outcome.figures["difference"] == 2
    assert outcome.description == (
        f"frame +0: {EXPECTED[0] + 1:,} counted, {EXPECTED[0]:,} expected; "
        f"frame +1: {EXPECTED[1] - 1:,} counted, {EXPECTED[1]:,} expected; 1 row of an unknown strand or frame"
    )


def test_records_too_short_for_a_frame_have_no_codon_there(tmp_path: Path) -> None:
    # Codons in frames 0, 1 and 2: (0, 0, 0), (0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1).
    records = {f"r{length}": "A" * length for length in range(1, 6)}
    own = finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", records)))
    outcome = check_counts(own.files, "batch_0000").figures
    assert [outcome[f"expected {frame}"] for frame in range(3)] == [3, 2, 1]
    assert [outcome[f"counted {s}{f}"] for s in "+-" for f in range(3)] == [3, 2, 1, 3, 2, 1]


def test_total_equals_batches_reports_both_totals(untouched: Finished) -> None:
    codons = plain(codons_of(RECORDS)).total()
    outcome = check_total(untouched.files)
    assert outcome.figures == {
        "table_codons": codons,
        "batch_codons": codons,
        "difference": 0,
        "differing": "",
    }
    assert outcome.description == (
        f"{codons:,} codons in the table, {codons:,} in 3 batch files; 0 codons with a different count"
    )


def test_total_equals_batches_names_ten_codons(mine: Finished) -> None:
    mine.rewrite_table(lambda table: table.slice(12))
    codons = codons_of(RECORDS)
    lost = [first + second + third for first in "A" for second in "ACGT" for third in "ACGT"][:12]
    outcome = check_total(mine.files)
    assert outcome.figures["differing"] == ", ".join(lost[:10])
    assert outcome.figures["difference"] == -sum(codons[codon] for codon in lost)
    assert outcome.description.endswith("12 codons with a different count")


def test_a_codon_counted_as_often_as_min_count_is_compared(mine: Finished) -> None:
    codons = plain(codons_of(RECORDS))
    least = sorted(codons.values())[20]
    parameters = replace(PLAIN, min_count=least)
    make_table(mine.files, parameters)
    files = mine.files.of_table(parameters)
    shown = sum(count for count in codons.values() if count >= least)
    outcome = check_total(files)
    assert (outcome.passed, outcome.figures["batch_codons"]) == (True, shown)
    sums = check_sums(files)
    assert sums.passed
    assert sums.description.startswith(f"frequencies sum to {shown / codons.total():.9g} within ")


def test_frequencies_sum_to_one_reports_the_deviation(mine: Finished) -> None:
    mine.rewrite_table(column_changer("frequency", lambda frequency: frequency + 0.25))
    outcome = check_sums(mine.files)
    assert outcome.description == "frequencies sum to 1 within 2.5e-01 (allowed 1e-09)"
    assert outcome.figures == {
        "largest_deviation": pytest.approx(0.25),
        "groups": 1,
        "empty_groups": 0,
    }


def test_batches_complete_names_ten_missing_batches(mine: Finished) -> None:
    planned = replace(mine.manifest, boundaries=tuple(range(13)), batch_bases=(0,) * 12)
    outcome = check_complete(BatchFiles(mine.folder, planned))
    assert outcome.figures == {
        "planned_batches": 12,
        "finished_batches": 0,
        "missing": ", ".join(f"batch_{number:04d}" for number in range(10)),
        "table_is_of_this_plan": "True",
    }
    assert outcome.description == "finished for this plan: 0 of 12 batches"


def test_batches_complete_reports_the_finished_ones(mine: Finished) -> None:
    Path(mine.files.counts(BATCH).location).unlink()
    assert check_complete(mine.files).description == "finished for this plan: 2 of 3 batches"


# recount_agrees


def test_recount_reports_records_bases_and_seed(untouched: Finished) -> None:
    bases = sum(map(len, RECORDS))
    outcome = check_recount(untouched.files, seed=5)
    assert outcome.figures == {
        "records": 40,
        "bases": bases,
        "codons_in_six_frames": sum(naive_counts(RECORDS).values()),
        "differing_counts": 0,
        "seed": 5,
    }
    assert outcome.description == f"40 records with {bases:,} bases counted again: 0 differing counts"


def test_recount_takes_as_many_records_of_each_batch(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 7 records of 3 batches: 3 of each.
    monkeypatch.setattr(recount, "RECOUNTED_RECORDS", 7)
    assert check_recount(untouched.files, seed=1).figures["records"] == 9


def test_recount_takes_records_of_as_many_batches_as_allowed(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "_DRAWN_BATCHES", 2)
    drawn = {check_recount(untouched.files, seed).figures["records"] for seed in range(9)}
    # Batches have 15, 15 and 10 records.
    assert drawn == {25, 30}


def test_recount_holds_bases_within_the_limit(untouched: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    bases = sum(map(len, RECORDS))
    taken = {}
    for limit in (bases, bases - 1, 0):
        monkeypatch.setattr(recount, "RECOUNTED_BASES", limit)
        taken[limit] = check_recount(untouched.files, seed=3).figures
    assert (taken[bases]["records"], taken[bases]["bases"]) == (40, bases)
    assert int(taken[bases - 1]["records"]) < 40
    assert 0.8 * bases < int(taken[bases - 1]["bases"]) < bases
    # One record is counted however long it is.
    assert taken[0]["records"] == 1


def test_recount_draws_the_same_records_for_a_seed(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "RECOUNTED_RECORDS", 4)
    seeds = (1, 1, 2, 3, 4)
    bases = [check_recount(untouched.files, seed).figures["bases"] for seed in seeds]
    assert bases[0] == bases[1]
    assert len(set(bases)) > 2


def test_batch_recount_draws_the_same_batch_for_a_seed(untouched: Finished) -> None:
    drawn = [
        [check_batch_recount(untouched.files, PLAIN, seed).figures["batch"] for seed in range(8)]
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 1


@pytest.mark.parametrize("letters", ["", "AC", "ACG", "ACGTURYSWKMBDHVN" * 3, "acgTNNuryswkmbdhvn" * 2])
def test_slow_counting_is_that_of_the_definition(letters: str) -> None:
    assert count_slowly(letters) == naive_counts([letters])
    masked = "".join("N" if letter in "acgturyswkmbdhvn" else letter for letter in letters)
    assert count_slowly(letters, masked=True) == naive_counts([masked])


@pytest.mark.parametrize(("strand", "frame"), [("+", 0), ("-", 2)])
def test_batch_recount_reports_batch_codons_and_seed(untouched: Finished, strand: str, frame: int) -> None:
    parameters = replace(PLAIN, strand=strand, frame=frame)
    seen = set()
    for seed in range(6):
        outcome = check_batch_recount(untouched.files, parameters, seed)
        batch = str(outcome.figures["batch"])
        first = 15 * int(batch[-1])
        codons = codons_of(RECORDS[first : first + 15], strand, frame).total()
        assert outcome.figures == {
            "batch": batch,
            "codons": codons,
            "batch_codons": codons,
            "differing": "",
            "seed": seed,
        }
        assert outcome.description == (
            f"{batch}: {codons:,} codons counted again by another kernel: 0 differing counts"
        )
        seen.add(batch)
    assert len(seen) > 1


def test_batch_recount_names_ten_codons(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        mine.rewrite_counts(lambda table: table.slice(0, 0), batch)
    outcome = check_batch_recount(mine.files, PLAIN, seed=1)
    first = [f"A{second}{third}" for second in "ACGT" for third in "ACGT"][:10]
    assert outcome.figures["differing"] == ", ".join(first)
    assert outcome.description.endswith("65 differing counts")


# matches_planted


def test_matches_planted_reports_both_totals(untouched_demo: Finished, tmp_path: Path) -> None:
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    total = sum(table["count"].to_pylist())
    outcome = check_planted(untouched_demo.folder)
    assert outcome.figures == {"planted_codons": total, "table_codons": total, "differing": ""}
    assert outcome.description == "64 codons with known counts, 0 with a different count in the table"
    folder = DatasetFolder(str(tmp_path), "demo")
    write_table(folder, [table.slice(11)], PLAIN, untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert outcome.figures == {
        "planted_codons": total,
        "table_codons": sum(table["count"].to_pylist()[11:]),
        "differing": ", ".join(sorted(table["codon"].to_pylist()[:11])[:10]),
    }
    assert outcome.description == "64 codons with known counts, 11 with a different count in the table"


def test_an_unreadable_batch_fails_all_checks_of_it(mine: Finished) -> None:
    Path(mine.files.sequences(BATCH).location).unlink()
    for name in ("rows_as_planned", "only_nucleotide_letters", "unique_ids", "rows_assigned"):
        outcome = mine.sequences(name)
        assert (outcome.passed, outcome.figures) == (False, {})
        assert f"{BATCH}.parquet: missing. Materialize mine/sequences for {BATCH}." in outcome.description
    outcome = mine.counts()
    assert (outcome.passed, outcome.figures) == (False, {})
    assert f"{BATCH}.parquet: missing. Materialize mine/sequences for {BATCH}." in outcome.description


# Cases in which a check must not miss, or invent, a difference


def test_lengths_that_disagree_add_up_over_row_groups(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("length", lambda length: length + 1, row=1))
    mine.split_sequences(rows=5)
    assert mine.sequences("rows_as_planned").figures["rows_whose_length_disagrees"] == 1


def test_recount_adds_up_the_groups_of_a_data_set(mine: Finished) -> None:
    mine.rewrite_sequences(column_changer("group", lambda _: "other"))
    assert check_recount(mine.files, seed=1).passed


def test_a_plan_of_one_batch_is_complete(tmp_path: Path) -> None:
    own = finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ACGTTT"})))
    assert check_complete(own.files).passed


def test_a_lost_codon_that_was_counted_once_is_noticed(tmp_path: Path) -> None:
    own = finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ACGTTT"})))
    assert check_total(own.files).passed
    own.rewrite_table(lambda table: table.filter(pc.field("codon") != "ACG"))
    outcome = check_total(own.files)
    assert (outcome.passed, outcome.figures["differing"]) == (False, "ACG")


def test_recount_passes_where_every_record_was_set_aside(tmp_path: Path) -> None:
    source = write_fasta(tmp_path / "mine.fa", {"bad": "AC-GTA"})
    own = finish(project(tmp_path, source, on_invalid="skip"))
    outcome = check_recount(own.files, seed=1)
    assert (outcome.passed, outcome.figures["records"], outcome.figures["bases"]) == (True, 0, 0)
