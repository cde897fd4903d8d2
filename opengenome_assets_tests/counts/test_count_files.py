"""The sum over the count files of all batches loses nothing and counts nothing twice, for any number of batches."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.batch_files import PROVENANCE, BatchFiles
from opengenome_assets.counts.count_files import (
    codons_of_frame,
    unfinished_batches,
    write_counts,
)
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets_tests.scenario import Project, all_counts, project, write_fasta

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
        write_counts(
            BatchFiles(own.folder, manifest),
            batch,
            pa.Table.from_pylist(rows_of(number), schema=CODON_COUNTS),
        )
    return own


def test_each_file_of_counts_says_where_it_is_from(tmp_path: Path) -> None:
    own = counted(tmp_path, 2)
    for batch in own.files.batches:
        metadata = pq.read_schema(own.files.counts(batch).location).metadata
        assert json.loads(metadata[PROVENANCE]) == own.manifest.provenance()


def key_of(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in CODON_COUNTS.names if name != "count")


@pytest.mark.parametrize("batches", [1, 100, 199, 230])
def test_every_batch_is_added_up(tmp_path: Path, batches: int) -> None:
    own = counted(tmp_path, batches)
    expected: Counter[tuple[object, ...]] = Counter()
    for number in range(batches):
        expected.update({key_of(row): row["count"] for row in rows_of(number)})
    found = all_counts(own.files).to_pylist()
    assert {key_of(row): row["count"] for row in found} == expected
    assert len(found) == len(expected)


def test_one_missing_batch_of_many_is_named(tmp_path: Path) -> None:
    own = counted(tmp_path, 130)
    Path(own.folder.location("codon_counts/batch_0117.parquet")).unlink()
    assert list(unfinished_batches(own.files)) == ["batch_0117"]
    with pytest.raises(
        BatchFileError, match=r"1 of 130 batches .*: batch_0117\. .*batch_0117\.parquet: missing"
    ):
        all_counts(own.files)


def test_missing_batches_are_listed_up_to_ten(tmp_path: Path) -> None:
    own = counted(tmp_path, 12)
    paths = [Path(own.folder.location(f"codon_counts/batch_{number:04d}.parquet")) for number in range(12)]
    for path in paths[1:11]:
        path.unlink()
    with pytest.raises(BatchFileError) as ten:
        all_counts(own.files)
    listed = ", ".join(f"batch_{number:04d}" for number in range(1, 11))
    assert str(ten.value).startswith(
        f"mine: the counts of 10 of 12 batches cannot be used: {listed}. First: "
    )
    paths[11].unlink()
    with pytest.raises(BatchFileError) as eleven:
        all_counts(own.files)
    assert f" cannot be used: {listed} and 1 more. First: {paths[1]}: missing" in str(eleven.value)
    assert str(eleven.value).endswith(" Materialize mine/codon_counts for these partitions, then the table.")
    assert list(unfinished_batches(own.files, ["batch_0000", "batch_0003"])) == ["batch_0003"]
    found = unfinished_batches(own.files)
    assert list(found) == [path.stem for path in paths[1:]]
    assert all(
        reason.startswith(f"{path}: missing") for path, reason in zip(paths[1:], found.values(), strict=True)
    )


def test_a_changed_byte_of_counts_is_noticed(tmp_path: Path) -> None:
    own = counted(tmp_path, 1)
    path = Path(own.folder.location("codon_counts/batch_0000.parquet"))
    column = pq.read_metadata(path).row_group(0).column(5)
    content = bytearray(path.read_bytes())
    end = column.data_page_offset + column.total_compressed_size
    if column.dictionary_page_offset is not None:
        end = column.dictionary_page_offset + column.total_compressed_size
    content[end - 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BatchFileError, match=r"batch_0000\.parquet"):
        own.files.counts("batch_0000").read_whole()


def test_codons_of_a_frame_are_64_and_the_ambiguous() -> None:
    rows = [
        {
            "group": group,
            "genetic_code": None,
            "strand": strand,
            "frame": frame,
            "codon": codon,
            "count": count,
        }
        for group, strand, frame, codon, count in (
            ("a", "+", 1, "ACG", 3),
            ("b", "+", 1, "ACG", 4),
            ("a", "+", 1, "NNN", 5),
            ("b", "+", 1, "ACR", 6),
            ("a", "-", 1, "ACG", 100),
            ("a", "+", 0, "ACG", 1000),
        )
    ]
    table = pa.Table.from_pylist(rows, schema=CODON_COUNTS)
    found = codons_of_frame([table.slice(0, 2), table.slice(2)], "+", 1)
    assert list(found) == [
        *(first + second + third for first in "ACGT" for second in "ACGT" for third in "ACGT"),
        "ambiguous",
    ]
    assert {codon: count for codon, count in found.items() if count} == {"ACG": 7, "ambiguous": 11}
