"""The effect of plan settings on the table: sample, soft mask, groups, rejected records."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opengenome_assets.batches.plan import draw_rows
from opengenome_assets.checks.recount import check_recount
from opengenome_assets.checks.table import check_complete, check_sums, check_total
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import (
    RECORDS,
    Project,
    made_up_records,
    naive_counts,
    project,
    write_fasta,
)


def frame_0(records: list[str]) -> dict[str, int]:
    return {
        codon: count
        for (strand, frame, codon), count in naive_counts(records).items()
        if (strand, frame) == ("+", 0) and set(codon) <= set("ACGT")
    }


def make(own: Project) -> None:
    """Register, count, make the table and check it, without Dagster and Spark."""
    write_and_count(own)
    make_table(own.files, TableParameters())
    checks = [check(own.files) for check in (check_total, check_sums, check_complete)]
    assert all(check.passed for check in [*checks, check_recount(own.files, seed=1)])


def seen(own: Project) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in own.table().to_pylist():
        group = found.setdefault(row["group"], {})
        if row["count"]:
            group[row["codon"]] = row["count"]
    return found


def test_a_sample_is_counted_as_its_rows_are_by_slicing(tmp_path: Path) -> None:
    records = made_up_records(200)
    fasta = write_fasta(tmp_path / "mine.fa", records)
    own = project(tmp_path, fasta, sample=30, batch_size=7)
    make(own)
    drawn = [list(records.values())[row] for row in draw_rows(200, 30)]
    assert seen(own) == {"all": frame_0(drawn)}


def test_soft_mask_skip_leaves_out_lower_case_letters(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACGacgACG", "b": "ttt"})
    own = project(tmp_path, fasta, soft_mask="skip")
    make(own)
    assert seen(own) == {"all": {"ACG": 2}}


def write_groups(path: Path, names: list[str]) -> Path:
    """Names by turns in groups even and odd."""
    lines = [f"{name}\t{('even', 'odd')[number % 2]}" for number, name in enumerate(names)]
    path.write_text("\n".join(["seq_id\tgroup", *lines]) + "\n")
    return path


def test_each_group_is_counted_apart_and_all_together(tmp_path: Path) -> None:
    names = list(RECORDS)
    groups = write_groups(tmp_path / "groups.tsv", names[:8])
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), metadata=groups, batch_size=3)
    make(own)
    assert seen(own) == {
        "all": frame_0(list(RECORDS.values())),
        "even": frame_0([RECORDS[name] for name in names[0:8:2]]),
        "odd": frame_0([RECORDS[name] for name in names[1:8:2]]),
        "unassigned": frame_0([RECORDS[name] for name in names[8:]]),
    }


def test_a_group_is_translated_by_its_own_code(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"mito": "TGAATA", "plain": "TGAATA"})
    metadata = tmp_path / "codes.csv"
    metadata.write_text("seq_id,group,genetic_code\nmito,m,2\nplain,p,1\n")
    own = project(tmp_path, fasta, metadata=metadata)
    make(own)
    amino_acids = {(row["group"], row["codon"]): row["amino_acid"] for row in own.table().to_pylist()}
    assert [amino_acids[group, "TGA"] for group in ("m", "p", "all")] == ["W", "*", None]


def test_records_set_aside_are_not_counted_and_the_others_are(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"good": "ACGACG", "bad": "AC-ACG", "fine": "TTT"})
    own = project(tmp_path, fasta, on_invalid="skip")
    make(own)
    assert seen(own) == {"all": {"ACG": 2, "TTT": 1}}


@pytest.mark.spark
def test_a_run_with_all_settings_of_the_plan(tmp_path: Path, spark: object) -> None:
    del spark
    records = made_up_records(200)
    names = list(records)
    drawn = [names[row] for row in draw_rows(200, 30)]
    bad, without_group = drawn[4], drawn[9]
    grouped = [name for name in drawn if name != without_group]
    own = project(
        tmp_path,
        write_fasta(tmp_path / "mine.fa", records | {bad: f"AC-{records[bad]}"}),
        metadata=write_groups(tmp_path / "groups.tsv", grouped),
        sample=30,
        batch_size=7,
        soft_mask="skip",
        on_invalid="skip",
    )
    failed = {check.name for check in own.run() if not check.passed}
    assert failed == {"rows_assigned"}

    def counted(in_group: Callable[[str], bool]) -> dict[str, int]:
        kept = [name for name in drawn if name != bad and in_group(name)]
        # Letters that are not counted break a codon as N does.
        return frame_0(["".join("N" if one.islower() else one for one in records[name]) for name in kept])

    assert seen(own) == {
        "all": counted(lambda name: True),
        "even": counted(lambda name: name in grouped[0::2]),
        "odd": counted(lambda name: name in grouped[1::2]),
        "unassigned": counted(lambda name: name == without_group),
    }
