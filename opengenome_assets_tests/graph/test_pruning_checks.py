"""Checks that also remove the sequences of the batches that pass, as with OPENGENOME_KEEP_SEQUENCES=no."""

from pathlib import Path

from opengenome_assets.batches.workers import Threads
from opengenome_assets.checks import Outcome
from opengenome_assets.graph.codon_counts import COUNTS, TOTAL_CODON_COUNT, counts_asset
from opengenome_assets_tests.graph.tampering import BATCH, Finished, without
from opengenome_assets_tests.scenario import project


def outcomes(own: Finished) -> dict[str, Outcome]:
    check = COUNTS.pruning(keeps_sequences=False).check
    found = check(own.files, own.files.batches, Threads())
    return {batch: by_name[TOTAL_CODON_COUNT.name] for batch, by_name in found}


def kept(own: Finished) -> list[str]:
    return [batch for batch in own.files.batches if own.files.sequences(batch).exists()]


def test_batches_that_pass_lose_their_sequences(mine: Finished) -> None:
    plain = dict(COUNTS.check(mine.files, mine.files.batches, Threads()))
    assert kept(mine) == mine.files.batches
    assert outcomes(mine) == {batch: by_name[TOTAL_CODON_COUNT.name] for batch, by_name in plain.items()}
    assert kept(mine) == []


def test_checks_of_pruned_batches_pass_again(mine: Finished) -> None:
    first = outcomes(mine)
    assert outcomes(mine) == first
    assert all(outcome.passed for outcome in first.values())


def test_a_batch_that_fails_keeps_its_sequences(mine: Finished) -> None:
    mine.rewrite_counts(without("codon", "AAA"))
    assert not outcomes(mine)[BATCH].passed
    assert kept(mine) == [BATCH]


def test_a_batch_that_cannot_be_removed_says_why(mine: Finished) -> None:
    # Only the column of sequences is damaged, which the check does not read.
    path = Path(mine.files.sequences(BATCH).location)
    with mine.files.sequences(BATCH).open() as file:
        place = file.schema_arrow.names.index("sequence")
        column = file.metadata.row_group(0).column(place)
        middle = column.data_page_offset + column.total_compressed_size // 2
    content = bytearray(path.read_bytes())
    content[middle] ^= 1
    path.write_bytes(content)
    outcome = outcomes(mine)[BATCH]
    assert outcome.passed
    assert f". The sequences were not removed: {path}: damaged" in outcome.description
    assert kept(mine) == [BATCH]


def test_counting_leaves_sequences_to_a_later_asset(tmp_path: Path) -> None:
    own = project(tmp_path, tmp_path, keep_sequences="no")
    assert counts_asset(own.dataset).check is not COUNTS.check
    own = project(tmp_path, tmp_path, keep_sequences="no", by_sequence="yes")
    assert counts_asset(own.dataset) is COUNTS
    assert counts_asset(project(tmp_path, tmp_path).dataset) is COUNTS
