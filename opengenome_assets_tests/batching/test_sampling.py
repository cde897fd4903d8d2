"""Samples: drawn over the whole input, the same rows everywhere."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.assets.sequences import _outcomes
from opengenome_assets.batching import passing, sampling
from opengenome_assets.batching.registering import register
from opengenome_assets.batching.sampling import SEED, draw_rows
from opengenome_assets.batching.writing import write_batches
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta

MASK = (1 << 64) - 1


def splitmix64(number: int) -> int:
    """The published mixing function, in whole numbers of Python."""
    mixed = number * 0x9E3779B97F4A7C15 & MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


@given(st.integers(0, 300), st.integers(1, 300))
def test_a_sample_holds_the_rows_with_the_smallest_hashes(rows: int, sample: int) -> None:
    by_hash = sorted(range(rows), key=lambda row: splitmix64(row + SEED + 1))
    assert draw_rows(rows, sample).tolist() == sorted(by_hash[:sample])


def test_a_sample_does_not_depend_on_how_many_rows_are_hashed_at_once(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    whole = draw_rows(5_000, 321)
    monkeypatch.setattr(sampling, "_ROWS_AT_ONCE", 97)
    assert np.array_equal(draw_rows(5_000, 321), whole)


def test_a_sample_reaches_over_the_whole_input() -> None:
    tenths = np.bincount(draw_rows(32_240, 1_643) // 3_224, minlength=10)
    assert tenths.min() > 120


def test_another_seed_draws_other_rows() -> None:
    assert draw_rows(1_000, 50, seed=1).tolist() != draw_rows(1_000, 50, seed=2).tolist()


def test_writing_and_checking_draw_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(80)), sample=40, batch_size=5)
    manifest = register(own.runner.dataset, lambda line: None).manifest
    draws: list[int] = []

    def draw(rows: int, sample: int) -> object:
        draws.append(sample)
        return draw_rows(rows, sample)

    monkeypatch.setattr(passing, "draw_rows", draw)
    written = list(write_batches(own.folder, manifest, manifest.plan.keys))
    checked = list(_outcomes(own.runner.dataset, manifest, manifest.plan.keys))
    assert len(written) == len(checked) == 8
    assert all(outcome.passed for _, by_name in checked for outcome in by_name.values())
    assert draws == [40, 40]
