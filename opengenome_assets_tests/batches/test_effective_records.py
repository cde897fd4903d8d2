"""Kish's effective number of records, and the files that contain it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opengenome_assets.batches.plan import effective_records
from opengenome_assets_tests.scenario import project, write_fasta


def effective(*lengths: int) -> float:
    # In two pieces.
    return effective_records(np.array_split(np.array(lengths, dtype=np.uint32), 2))


def test_records_of_one_length_count_fully() -> None:
    assert effective(70, 70, 70) == 3


def test_a_record_that_outweighs_all_others_counts_as_one() -> None:
    assert effective(2_000_000_000, 1, 1, 1) == pytest.approx(1)


def test_records_without_bases_do_not_count() -> None:
    assert (effective(5, 0, 5), effective(0, 0), effective()) == (2, 0, 0)


@given(st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=50))
def test_the_number_is_that_of_the_definition_in_whole_numbers(lengths: list[int]) -> None:
    exact = sum(lengths) ** 2 / sum(length**2 for length in lengths)
    assert effective(*lengths) == pytest.approx(exact)


def test_millions_of_records_count_as_few_do() -> None:
    rows = 2_200_000
    total, squares = rows * (rows - 1) // 2, (rows - 1) * rows * (2 * rows - 1) // 6
    assert effective_records([np.arange(rows, dtype=np.uint32)]) == pytest.approx(
        total**2 / squares, rel=1e-12
    )


def test_the_manifest_and_every_outputs_provenance_carry_it(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", {"a": "ACGT", "b": "ACGT", "c": "A"}))
    own.runner.register()
    assert own.manifest.effective_records == 81 / 33
    assert own.manifest.provenance()["effective_records"] == 81 / 33


def test_records_set_aside_do_not_count(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {"good": "ACG", "bad": "AC-" * 50, "fine": "TTT"})
    own = project(tmp_path, fasta, on_invalid="skip")
    own.runner.register()
    assert own.manifest.effective_records == 2


def test_a_sample_has_that_of_its_own_records(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", {f"r{number}": "ACG" for number in range(20)})
    own = project(tmp_path, fasta, sample=5)
    own.runner.register()
    assert own.manifest.effective_records == 5
