"""The recounting checks, and the check of known counts, fail for each kind of difference."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks.recount import check_batch_recount, check_recount
from opengenome_assets.checks.table import (
    check_planted,
)
from opengenome_assets.codons.alphabet import CODE_OF_BYTE
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.tables.frequencies import codon_frequencies, write_table
from opengenome_assets_tests.graph.tampering import PLAIN, Finished, extra_row, finish, with_value
from opengenome_assets_tests.scenario import all_counts, made_up_records, naive_counts, project, write_fasta
from opengenome_assets_tests.tables.tables import counts_table


def test_recounts_of_an_untouched_data_set_agree(untouched: Finished) -> None:
    assert check_recount(untouched.files, seed=1).passed


def test_recount_of_an_untouched_batch_agrees(untouched: Finished) -> None:
    assert check_batch_recount(untouched.files, PLAIN, seed=1).passed


def test_an_untouched_demo_matches_what_was_planted(untouched_demo: Finished) -> None:
    assert check_planted(untouched_demo.folder).passed


# recount_agrees


def test_recount_agrees_fails_where_the_kernel_misreads_a_letter(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = CODE_OF_BYTE.copy()
    broken[ord("G")] = broken[ord("C")]
    monkeypatch.setattr("opengenome_assets.counts.count_row_groups.CODE_OF_BYTE", broken)
    outcome = check_recount(untouched.files, seed=1)
    assert not outcome.passed
    records = list(made_up_records(40).values())
    right, wrong = naive_counts(records), naive_counts([letters.replace("G", "C") for letters in records])
    differing = [key for key in right.keys() | wrong.keys() if right.get(key, 0) != wrong.get(key, 0)]
    # Codons that only one of the two counters finds.
    assert right.keys() - wrong.keys()
    assert wrong.keys() - right.keys()
    assert outcome.figures["differing_counts"] == len(differing)


def test_recount_agrees_fails_on_a_misread_reverse_strand(
    untouched: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opengenome_assets.codons.kernels.REVERSE_COMPLEMENT", np.arange(4096))
    outcome = check_recount(untouched.files, seed=1)
    assert not outcome.passed
    assert int(outcome.figures["differing_counts"]) >= 3 * 64 / 2


def test_recount_counts_every_record_of_a_small_data_set(untouched: Finished) -> None:
    records = made_up_records(40)
    outcome = check_recount(untouched.files, seed=1)
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
    return finish(project(folder, source, soft_mask="skip"))


def test_recounts_agree_on_soft_masked_letters(masked: Finished) -> None:
    assert check_recount(masked.files, seed=1).passed
    assert check_batch_recount(masked.files, PLAIN, seed=1).passed


def test_batch_recount_fails_where_masked_letters_were_counted(masked: Finished) -> None:
    # Frame 0 of the first record: ACG acg TTT gGA cca, 20 times.
    unmasked = replace(masked.manifest, settings=replace(masked.manifest.settings, soft_mask="count"))
    outcome = check_batch_recount(BatchFiles(masked.folder, unmasked), PLAIN, seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == "ACG, CCA, GGA, ambiguous"


def test_recount_agrees_refuses_batches_that_cannot_be_read(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        Path(mine.files.sequences(batch).location).write_bytes(b"PAR1 no more")
    with pytest.raises(BatchFileError, match="not a complete Parquet file"):
        check_recount(mine.files, seed=1)


@pytest.fixture
def split(mine: Finished) -> Finished:
    """Every batch has several row groups."""
    for batch in mine.manifest.plan.keys:
        mine.split_sequences(rows=5, batch=batch)
    return mine


def test_recount_draws_from_any_row_group(split: Finished) -> None:
    bases = {check_recount(split.files, seed).figures["bases"] for seed in range(6)}
    assert len(bases) > 2


# batch_recount_agrees


def test_batch_recount_adds_up_row_groups(split: Finished) -> None:
    assert check_batch_recount(split.files, PLAIN, seed=1).passed


def test_batch_recount_agrees_fails_on_two_swapped_codons(mine: Finished) -> None:
    for batch in mine.manifest.plan.keys:
        counts = mine.files.counts(batch).read_whole()
        names = {"AAA": "CCC", "CCC": "AAA"}
        codons = [names.get(codon, codon) for codon in counts["codon"].to_pylist()]
        place = counts.schema.get_field_index("codon")
        write_counts(mine.files, batch, counts.set_column(place, "codon", pa.array(codons)))
    outcome = check_batch_recount(mine.files, PLAIN, seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == "AAA, CCC"


@pytest.mark.parametrize(("codon", "named"), [("AAA", "AAA"), ("NNN", "ambiguous")])
def test_batch_recount_compares_the_frame_of_the_table(mine: Finished, codon: str, named: str) -> None:
    extra = counts_table({codon: 1}, strand="-", frame=1)
    for batch in mine.manifest.plan.keys:
        counts = mine.files.counts(batch).read_whole()
        write_counts(mine.files, batch, pa.concat_tables([counts, extra]))
    assert check_batch_recount(mine.files, PLAIN, seed=1).passed
    outcome = check_batch_recount(mine.files, replace(PLAIN, strand="-", frame=1), seed=1)
    assert not outcome.passed
    assert outcome.figures["differing"] == named
    assert int(outcome.figures["batch_codons"]) - int(outcome.figures["codons"]) == 1


@pytest.mark.parametrize("strand", "+-")
def test_batch_recount_compares_both_strands(mine: Finished, strand: str) -> None:
    both = replace(PLAIN, strand="both", frame=1)
    assert check_batch_recount(mine.files, both, seed=1).passed
    extra = counts_table({"AAA": 1}, strand=strand, frame=1)
    for batch in mine.manifest.plan.keys:
        mine.rewrite_counts(lambda counts: pa.concat_tables([counts, extra]), batch)
    assert check_batch_recount(mine.files, both, seed=1).figures["differing"] == "AAA"


# matches_planted


def test_matches_planted_fails(untouched_demo: Finished, tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    spoilt = with_value(table, "count", 3, lambda count: count + 1)
    write_table(folder, [spoilt], PLAIN, untouched_demo.manifest.provenance())
    assert check_planted(folder).figures["differing"] == table["codon"][3].as_py()


def test_matches_planted_fails_on_a_codon_that_was_not_planted(
    untouched_demo: Finished, tmp_path: Path
) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    more = extra_row(codon="NNN", count=1)(table)
    write_table(folder, [more], PLAIN, untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert (outcome.passed, outcome.figures["differing"]) == (False, "NNN")


def test_matches_planted_fails_where_a_codon_is_lost(untouched_demo: Finished, tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    write_table(folder, [table.slice(1)], PLAIN, untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert not outcome.passed
    assert outcome.figures["differing"] == "AAA"


@pytest.mark.parametrize("spoil", [False, True])
def test_matches_planted_compares_ambiguous_codons_too(
    untouched_demo: Finished, tmp_path: Path, *, spoil: bool
) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    chosen = replace(PLAIN, skip_n=False)
    counts = all_counts(untouched_demo.files)
    table = codon_frequencies(counts, chosen)
    last = table.num_rows - 1
    codon = table["codon"][last].as_py()
    assert not set(codon) <= set("ACGT")
    if spoil:
        table = with_value(table, "count", last, lambda count: count + 1)
    write_table(folder, [table], chosen, untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert (outcome.passed, outcome.figures["differing"]) == (not spoil, codon if spoil else "")


@pytest.mark.parametrize(
    "other", [{"frame": 1}, {"strand": "-"}, {"strand": "both"}, {"skip_stops": True}, {"min_count": 2}]
)
def test_matches_planted_says_where_it_compares_nothing(
    untouched_demo: Finished, tmp_path: Path, other: dict[str, Any]
) -> None:
    folder = DatasetFolder(str(tmp_path), "demo")
    table = pq.read_table(untouched_demo.folder.location("codon_frequencies.parquet"))
    write_table(folder, [table], replace(PLAIN, **other), untouched_demo.manifest.provenance())
    outcome = check_planted(folder)
    assert outcome.passed is True
    assert outcome.description.startswith("not compared: ")
