"""Removing the sequences of counted batches: what is kept, what still works, and what writes them again."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import prune
from opengenome_assets.batches.planned_rows import cut_runs
from opengenome_assets.batches.prune import prune_batch
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks.batch import ROWS_AS_PLANNED
from opengenome_assets.checks.recount import check_batch_recount, check_recount
from opengenome_assets.errors import BatchFileError, BatchFileMissingError
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.spark.stages import counting_work
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.counts.without_spark import do
from opengenome_assets_tests.graph.tampering import BATCH, PLAIN, Finished, column_changer, finish, without
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta

RECORDS = made_up_records(40)
TABLE = "codon_frequencies.parquet"


@pytest.fixture
def mine(tmp_path: Path) -> Finished:
    """Three batches, counted."""
    return finish(project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=15))


@pytest.fixture
def pruned(mine: Finished) -> Finished:
    for batch in mine.files.batches:
        prune_batch(mine.files, batch)
    return mine


def stored(own: Finished, batch: str = BATCH) -> bytes:
    return Path(own.files.sequences(batch).location).read_bytes()


def write_again(own: Finished, *batches: str) -> None:
    assert [done.error for done in write_batches(own.files, list(batches))] == [None] * len(batches)


def test_pruning_keeps_lengths_and_hashes(mine: Finished) -> None:
    before = mine.files.sequences(BATCH).read_whole()
    prune_batch(mine.files, BATCH)
    kept = mine.files.lengths(BATCH).read_whole()
    letters = list(RECORDS.values())[15:30]
    assert kept["sha256"].to_pylist() == [hashlib.sha256(each.encode()).hexdigest() for each in letters]
    assert kept["length"].to_pylist() == list(map(len, letters))
    names = [name for name in before.column_names if name != "sequence"]
    assert kept.select(names).equals(before.select(names))


def test_pruning_returns_the_bytes_it_frees(mine: Finished) -> None:
    before = len(stored(mine))
    freed = prune_batch(mine.files, BATCH)
    assert freed == before - Path(mine.files.lengths(BATCH).location).stat().st_size
    assert not mine.files.sequences(BATCH).exists()
    assert prune_batch(mine.files, BATCH) == 0


def test_pruned_batches_are_written_again_alike(mine: Finished) -> None:
    before = [stored(mine, batch) for batch in mine.files.batches]
    for batch in mine.files.batches:
        prune_batch(mine.files, batch)
    write_again(mine, *mine.files.batches)
    assert [stored(mine, batch) for batch in mine.files.batches] == before
    assert mine.sequences(ROWS_AS_PLANNED).passed


def test_other_letters_than_were_counted_are_found(pruned: Finished) -> None:
    write_again(pruned, BATCH)
    swapped = str.maketrans("AC", "CA")
    pruned.rewrite_sequences(column_changer("sequence", lambda letters: letters.translate(swapped)))
    outcome = pruned.sequences(ROWS_AS_PLANNED)
    assert (outcome.passed, outcome.figures["rows_with_other_letters"]) == (False, 1)
    assert "1 sequence with other letters than were counted before" in outcome.description
    pruned.split_sequences(rows=5)
    assert pruned.sequences(ROWS_AS_PLANNED) == outcome


def test_a_damaged_file_of_lengths_blocks_no_rewriting(pruned: Finished) -> None:
    Path(pruned.files.lengths(BATCH).location).write_bytes(b"PAR1 no more")
    write_again(pruned, BATCH)
    assert pruned.sequences(ROWS_AS_PLANNED).passed


def test_codons_are_accounted_for_after_pruning(pruned: Finished) -> None:
    assert pruned.counts().passed
    pruned.rewrite_counts(without("codon", "AAA"))
    assert not pruned.counts().passed


def test_the_table_after_pruning_is_the_same(mine: Finished) -> None:
    before = pq.read_table(mine.folder.location(TABLE))
    for batch in mine.files.batches:
        prune_batch(mine.files, batch)
    make_table(mine.files, PLAIN)
    assert pq.read_table(mine.folder.location(TABLE)).equals(before)


def test_a_pruned_batch_is_counted_after_writing(pruned: Finished) -> None:
    before = pruned.files.counts(BATCH).read_whole()
    pruned.files.counts(BATCH).remove()
    with pytest.raises(BatchFileMissingError, match="removed by opengenome prune") as raised:
        do(counting_work(pruned.files), BATCH)
    assert f"Materialize mine/sequences for {BATCH} again." in str(raised.value)
    write_again(pruned, BATCH)
    do(counting_work(pruned.files), BATCH)
    assert pruned.files.counts(BATCH).read_whole().equals(before)


def test_a_missing_batch_was_not_pruned(mine: Finished) -> None:
    mine.files.sequences(BATCH).remove()
    assert not mine.files.sequences(BATCH).is_pruned
    with pytest.raises(BatchFileMissingError, match="parquet: missing"):
        list(mine.files.sequences(BATCH).read())


def test_recounts_say_that_nothing_is_compared(pruned: Finished) -> None:
    for outcome in (check_recount(pruned.files, seed=1), check_batch_recount(pruned.files, PLAIN, seed=1)):
        assert outcome.passed
        assert outcome.description.startswith("not compared: the sequences of all batches were removed")
        assert "materialize mine/sequences" in outcome.description


@pytest.mark.parametrize("seed", range(4))
def test_recounts_draw_from_the_batches_with_sequences(mine: Finished, seed: int) -> None:
    for batch in ("batch_0000", "batch_0002"):
        prune_batch(mine.files, batch)
    assert check_recount(mine.files, seed).figures["records"] == 15
    assert check_batch_recount(mine.files, PLAIN, seed).figures["batch"] == BATCH


def test_recounts_still_refuse_a_batch_that_is_missing(mine: Finished) -> None:
    prune_batch(mine.files, "batch_0000")
    for batch in (BATCH, "batch_0002"):
        mine.files.sequences(batch).remove()
    with pytest.raises(BatchFileError, match="missing"):
        check_recount(mine.files, seed=1)
    with pytest.raises(BatchFileError, match="missing"):
        check_batch_recount(mine.files, PLAIN, seed=1)


def test_an_interrupted_pruning_keeps_the_sequences(mine: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(mine)

    def stop(table: pa.Table) -> list[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prune, "hashes_of", stop)
        with pytest.raises(KeyboardInterrupt):
            prune_batch(mine.files, BATCH)
    assert stored(mine) == before
    assert not mine.files.lengths(BATCH).exists()
    assert prune_batch(mine.files, BATCH) > 0


def test_a_damaged_batch_is_not_removed(mine: Finished) -> None:
    path = Path(mine.files.sequences(BATCH).location)
    letters = pq.read_metadata(path).row_group(0).column(SEQUENCES.get_field_index("sequence"))
    content = bytearray(path.read_bytes())
    content[letters.data_page_offset + letters.total_compressed_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BatchFileError, match="damaged"):
        prune_batch(mine.files, BATCH)
    assert path.read_bytes() == bytes(content)
    assert not mine.files.lengths(BATCH).exists()


def test_runs_end_between_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "genomes"
    folder.mkdir()
    for number in range(6):
        write_fasta(folder / f"{number}.fa", made_up_records(20, seed=number))
    own = project(tmp_path, folder, batch_size=10)
    manifest = own.registered().manifest
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.PASS_BASES", 1)
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.RUN_BASES", manifest.bases // 3)
    runs = cut_runs(own.files, own.files.batches)
    assert [batch for run in runs for batch in run] == own.files.batches
    assert all(len(run) % 2 == 0 for run in runs)
    # A run ends with the file that reaches the limit.
    of_runs = [sum(map(manifest.bases_of, run)) for run in runs]
    assert len(runs) in (2, 3)
    assert np.all(np.array(of_runs[:-1]) >= manifest.bases // 3)


def test_one_fasta_file_is_one_run(mine: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.PASS_BASES", 1)
    monkeypatch.setattr("opengenome_assets.batches.planned_rows.RUN_BASES", 1)
    assert cut_runs(mine.files, mine.files.batches) == [mine.files.batches]


def test_lengths_of_another_plan_are_refused(pruned: Finished, tmp_path: Path) -> None:
    other = finish(
        project(tmp_path / "other", write_fasta(tmp_path / "other.fa", made_up_records(45, 3)), batch_size=15)
    )
    prune_batch(other.files, BATCH)
    shutil.copy(pruned.files.lengths(BATCH).location, other.files.lengths(BATCH).location)
    outcome = other.counts()
    assert not outcome.passed
    assert "belongs to another batch or input" in outcome.description
