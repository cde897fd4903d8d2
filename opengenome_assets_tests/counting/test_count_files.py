"""Counts added up over the files of all batches: however many there are, none is lost or counted twice."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from opengenome_assets.counting.count_files import read_all_counts, unfinished_batches, write_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets_tests.scenario import Project, project, write_fasta

GROUPS = ("animals", "fungi", "plants")
CODONS = [first + second + third for first in "ACGT" for second in "ACGT" for third in "ACGTN"]


def rows_of(number: int) -> list[dict[str, Any]]:
    """A codon that all batches have, and one that few have, with a count that no other batch has."""
    row = {"group": GROUPS[number % 3], "genetic_code": number % 3 + 1, "strand": "+", "frame": 0}
    return [
        row | {"codon": "AAA", "count": 1},
        row | {"codon": CODONS[1 + number % 79], "count": 1000 + number, "strand": "-", "frame": 2},
    ]


def counted(folder: Path, batches: int) -> Project:
    """Batches of one record each, with made-up counts."""
    records = {f"r{number}": "ACG" for number in range(batches)}
    own = project(folder, write_fasta(folder / "mine.fa", records), batch_size=1)
    manifest = own.registered().manifest
    assert len(manifest.plan.keys) == batches
    for number, batch in enumerate(manifest.plan.keys):
        write_counts(own.folder, manifest, batch, pa.Table.from_pylist(rows_of(number), schema=CODON_COUNTS))
    return own


def key_of(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in CODON_COUNTS.names if name != "count")


@pytest.mark.parametrize("batches", [1, 100, 199, 230])
def test_every_batch_is_added_up(tmp_path: Path, batches: int) -> None:
    own = counted(tmp_path, batches)
    expected: Counter[tuple[object, ...]] = Counter()
    for number in range(batches):
        expected.update({key_of(row): row["count"] for row in rows_of(number)})
    found = read_all_counts(own.folder, own.manifest).to_pylist()
    assert {key_of(row): row["count"] for row in found} == expected
    assert len(found) == len(expected)


def test_one_missing_batch_of_many_is_named(tmp_path: Path) -> None:
    own = counted(tmp_path, 130)
    Path(own.folder.location("codon_counts/batch_0117.parquet")).unlink()
    assert list(unfinished_batches(own.folder, own.manifest)) == ["batch_0117"]
    with pytest.raises(
        BatchFileError, match=r"1 of 130 batches .*: batch_0117\. .*batch_0117\.parquet: missing"
    ):
        read_all_counts(own.folder, own.manifest)
