"""Settings of the plan seen through to the table: sample, soft mask, groups, records set aside."""

from pathlib import Path

import pytest

from opengenome_assets.batching.sampling import draw_rows
from opengenome_assets_tests.scenario import RECORDS, made_up_records, naive_counts, project, write_fasta

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


def frame_0(records: list[str]) -> dict[str, int]:
    return {
        codon: count
        for (strand, frame, codon), count in naive_counts(records).items()
        if (strand, frame) == ("+", 0) and set(codon) <= set("ACGT")
    }


def seen(own) -> dict[str, dict[str, int]]:  # type: ignore[no-untyped-def]
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
    assert all(check.passed for check in own.run())
    drawn = [list(records.values())[row] for row in draw_rows(200, 30)]
    assert seen(own) == {"all": frame_0(drawn)}


def test_a_sample_stands_beside_the_whole(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", made_up_records(40))
    whole, sample = project(tmp_path, fasta), project(tmp_path, fasta, sample=10)
    whole.run()
    before = whole.table()
    sample.run()
    assert whole.table().equals(before)
    assert (whole.manifest.rows, sample.manifest.rows) == (40, 10)


def test_soft_masked_letters_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACGacgACG", "b": "ttt"})
    own = project(tmp_path, fasta, soft_mask="skip")
    assert all(check.passed for check in own.run())
    assert seen(own) == {"all": {"ACG": 2}}


def test_soft_mask_changes_the_fingerprint(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"a": "ACGacgACG"})
    prints = set()
    for mask in ("count", "skip"):
        own = project(tmp_path / mask, fasta, soft_mask=mask)
        own.runner.register()
        prints.add(own.manifest.fingerprint)
    assert len(prints) == 2


def test_each_group_of_the_sidecar_is_counted_apart_and_all_of_them_together(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", RECORDS)
    names = list(RECORDS)
    sidecar = tmp_path / "groups.tsv"
    lines = [
        f"{name}\t{'odd' if number % 2 else 'even'}\t{2 if number % 2 else ''}"
        for number, name in enumerate(names[:8])
    ]
    sidecar.write_text("seq_id\tgroup\tgenetic_code\n" + "\n".join(lines) + "\n")
    own = project(tmp_path, fasta, metadata=sidecar, batch_size=3)
    checks = {check.name: check.passed for check in own.run()}
    assert not checks.pop("rows_assigned")
    assert all(checks.values())
    assert seen(own) == {
        "all": frame_0(list(RECORDS.values())),
        "even": frame_0([RECORDS[name] for name in names[0:8:2]]),
        "odd": frame_0([RECORDS[name] for name in names[1:8:2]]),
        "unassigned": frame_0([RECORDS[name] for name in names[8:]]),
    }


def test_a_group_is_translated_by_its_own_code(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"mito": "TGAATA", "plain": "TGAATA"})
    sidecar = tmp_path / "codes.csv"
    sidecar.write_text("seq_id,group,genetic_code\nmito,m,2\nplain,p,1\n")
    own = project(tmp_path, fasta, metadata=sidecar)
    own.run()
    amino_acids = {(row["group"], row["codon"]): row["amino_acid"] for row in own.table().to_pylist()}
    assert [amino_acids[group, "TGA"] for group in ("m", "p", "all")] == ["W", "*", None]


def test_records_set_aside_are_not_counted_and_the_others_are(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"good": "ACGACG", "bad": "AC-ACG", "fine": "TTT"})
    own = project(tmp_path, fasta, on_invalid="skip")
    assert all(check.passed for check in own.run())
    assert seen(own) == {"all": {"ACG": 2, "TTT": 1}}
