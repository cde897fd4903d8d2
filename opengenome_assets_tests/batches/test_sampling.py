"""Samples are drawn from the whole input, and are the same on every machine."""

from pathlib import Path

import dagster as dg
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.batches.plan import SEED, draw_rows
from opengenome_assets.batches.register import register
from opengenome_assets.graph.build import build_definitions
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


def test_a_sample_of_millions_of_rows_has_the_smallest_hashes() -> None:
    rows = 2_200_000
    mixed = np.arange(SEED + 1, SEED + 1 + rows).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    assert [int(mixed[row]) for row in (0, rows - 1)] == [splitmix64(row + SEED + 1) for row in (0, rows - 1)]
    order = np.argsort(mixed)
    assert np.array_equal(draw_rows(rows, 4_321), np.sort(order[:4_321]))
    # Samples that end between two hashes of the same upper half: the lower bits decide.
    upper = mixed[order] >> np.uint64(33)
    ends = np.flatnonzero(upper[1:] == upper[:-1]) + 1
    assert ends.size > 500
    for sample in map(int, ends[-3:]):
        assert np.array_equal(draw_rows(rows, sample), np.sort(order[:sample])), sample


def test_a_sample_reaches_over_the_whole_input() -> None:
    tenths = np.bincount(draw_rows(32_240, 1_643) // 3_224, minlength=10)
    assert tenths.min() > 120


def test_another_seed_draws_other_rows() -> None:
    assert draw_rows(1_000, 50, seed=1).tolist() != draw_rows(1_000, 50, seed=2).tolist()


def test_writing_and_checking_draw_once(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(80)), sample=40, batch_size=5)
    manifest = register(own.runner.dataset, lambda line: None).manifest
    draw_rows.cache_clear()
    batches = manifest.plan.keys
    job = build_definitions([own.dataset]).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=own.instance,
        asset_selection=[dg.AssetKey(["mine@sample-40", "sequences"])],
        tags={
            "dagster/asset_partition_range_start": batches[0],
            "dagster/asset_partition_range_end": batches[-1],
        },
    )
    checked = [check for check in result.get_asset_check_evaluations() if check.partition is not None]
    assert {check.partition for check in checked if check.check_name == "rows_as_planned"} == set(batches)
    assert all(check.passed for check in checked)
    assert len(batches) == 8
    assert draw_rows.cache_info().misses == 1
