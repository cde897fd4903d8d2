"""A full or read-only disk gives one error line. Earlier results are kept, and a later run completes the rest."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from opengenome_assets.errors import RunFailedError
from opengenome_assets_tests.faults.disks import remount, small_disk
from opengenome_assets_tests.scenario import Project, naive_counts, project, write_fasta

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


def letters(seed: int) -> str:
    """Noise, which lz4 brings to half."""
    return (
        np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(seed).integers(0, 4, 200_000)]
        .tobytes()
        .decode()
    )


RECORDS = {f"r{number}": letters(number) for number in range(8)}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Project]:
    """Eight batches of about 100 kB on a disk of 500 kB; Dagster's own files elsewhere."""
    with small_disk(tmp_path / "warehouse", "500k"):
        made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=1)
        made.home = tmp_path / "home"
        made.runner.register()
        yield made


def expected() -> dict[str, int]:
    counts = naive_counts(list(RECORDS.values()))
    return {codon: count for (strand, frame, codon), count in counts.items() if (strand, frame) == ("+", 0)}


def test_a_full_disk_fails_only_batches_that_do_not_fit(own: Project, tmp_path: Path) -> None:
    with pytest.raises(
        RunFailedError, match=r"batches failed: .*sequences/batch_\d{4}\.parquet.*No space left"
    ):
        own.runner.count(own.manifest.plan.keys)
    failed = own.runner.missing_batches()
    assert 0 < len(failed) < 8
    assert list((tmp_path / "warehouse").rglob("*.aside")) == []
    with pytest.raises(RunFailedError, match="cannot be used: "):
        own.runner.tabulate({})
    remount(tmp_path / "warehouse", "size=50m")
    own.listener.batches.clear()
    own.run()
    assert {batch for _, batch in own.listener.batches} == set(failed)
    table = own.table()
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == expected()


def test_a_read_only_warehouse_is_reported_and_unchanged(own: Project, tmp_path: Path) -> None:
    own.runner.count(["batch_0000"])
    remount(tmp_path / "warehouse", "ro")
    with pytest.raises(RunFailedError, match=r"1 of 1 batch failed: batch_0001.*Read-only file system"):
        own.runner.count(["batch_0001"])
    remount(tmp_path / "warehouse", "rw,size=50m")
    assert own.runner.missing_batches() == own.manifest.plan.keys[1:]
    own.run()
    table = own.table()
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == expected()


def test_a_read_only_disk_is_refused_before_the_input_is_read(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "warehouse", "500k"):
        made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=1)
        made.home = tmp_path / "home"
        remount(tmp_path / "warehouse", "ro")
        with pytest.raises(RunFailedError, match="Read-only file system"):
            made.runner.register()
        assert not any(re.search(r"\d (bp|kb|Mbp)\b", line) for line in made.listener.lines)
