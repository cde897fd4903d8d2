"""Counts of single row groups, separately by group and genetic code, and their table."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import write as writing
from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.counts.count_row_groups import WorkItem, count_records, count_work_item
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets_tests.scenario import (
    Project,
    counts_as_dict,
    made_up_records,
    naive_counts,
    project,
    write_fasta,
)

# Record, group, genetic code: two codes in one group, one code in two groups, and none.
ROWS = [
    ("ACGTTTGGAacc", "a", 1),
    ("TTTTTTN", "b", 1),
    ("CCCGGG", "a", 2),
    ("GATTACA", "b", None),
    ("acgACG", "a", 1),
    ("CAT", "a", None),
    ("AC", "b", 11),
]


def records_of(rows: list[tuple[str, str, int | None]]) -> pa.Table:
    letters, groups, codes = zip(*rows, strict=True)
    return pa.table(
        {
            "sequence": pa.array(letters, pa.large_string()),
            "group": pa.array(groups, pa.string()),
            "genetic_code": pa.array(codes, pa.int32()),
        }
    )


def expected(*, masked: bool = False) -> dict[tuple[str, int | None], dict[tuple[str, int, str], int]]:
    by_key: dict[tuple[str, int | None], list[str]] = {}
    for letters, group, code in ROWS:
        seen = "".join("N" if letter.islower() else letter for letter in letters) if masked else letters
        by_key.setdefault((group, code), []).append(seen)
    return {key: naive_counts(letters) for key, letters in by_key.items()}


def rows_by_class(counts: pa.Table) -> dict[tuple[str, int | None], dict[tuple[str, int, str], int]]:
    by_class: dict[tuple[str, int | None], dict[tuple[str, int, str], int]] = {}
    for row in counts.to_pylist():
        of_class = by_class.setdefault((row["group"], row["genetic_code"]), {})
        of_class[row["strand"], row["frame"], row["codon"]] = row["count"]
    return by_class


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("pieces", [1, 3])
def test_counts_are_apart_by_group_and_genetic_code(*, masked: bool, pieces: int) -> None:
    # Several chunks, the first with rows before its own.
    whole = records_of([("TTTTTTTTT", "a", 1), *ROWS]).slice(1)
    cuts = [0, 2, 3, 7] if pieces == 3 else [0, 7]
    table = pa.concat_tables([whole.slice(first, end - first) for first, end in pairwise(cuts)])
    found = count_records(table, "skip" if masked else "count").table()
    # Too short for a codon: a class without rows.
    assert rows_by_class(found) | {("b", 11): {}} == expected(masked=masked)


def test_lower_case_letters_count_unless_masked() -> None:
    table = records_of(ROWS)
    assert count_records(table).table().equals(count_records(table, "count").table())


def test_the_table_of_counts_is_ordered_and_complete() -> None:
    table = count_records(records_of(ROWS)).table()
    assert table.schema == CODON_COUNTS
    rows = [tuple(row.values()) for row in table.to_pylist()]
    # Nulls are last.
    assert rows == sorted(
        (
            (group, code, strand, frame, codon, count)
            for (group, code), counts in expected().items()
            for (strand, frame, codon), count in counts.items()
        ),
        key=lambda row: (row[0], row[1] or 99, *row[2:]),
    )


def test_no_records_make_an_empty_table() -> None:
    assert count_records(records_of(ROWS).slice(0, 0)).table().equals(CODON_COUNTS.empty_table())


RECORDS = made_up_records(45)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One batch of several row groups."""
    monkeypatch.setattr(writing, "ROW_GROUP_BASES", 4_000)
    made = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS))
    manifest = made.registered().manifest
    assert all(
        done.error is None for done in write_batches(BatchFiles(made.folder, manifest), manifest.plan.keys)
    )
    return made


def item_of(own: Project, first: int, end: int) -> WorkItem:
    return WorkItem(own.files.sequences("batch_0000"), "count", first, end)


def test_an_item_counts_its_row_groups_alone(own: Project) -> None:
    path = own.files.sequences("batch_0000").location
    sizes = [
        pq.read_metadata(path).row_group(number).num_rows
        for number in range(pq.read_metadata(path).num_row_groups)
    ]
    assert len(sizes) > 3
    letters = list(RECORDS.values())
    for first, end in ((0, 1), (1, 3), (0, len(sizes)), (2, 2)):
        counted = count_work_item(item_of(own, first, end))
        taken = letters[sum(sizes[:first]) : sum(sizes[:end])]
        assert counts_as_dict(counted.counts.table()) == naive_counts(taken)
        assert (counted.sequences, counted.bases) == (len(taken), sum(map(len, taken)))


@pytest.mark.parametrize("place", [0, 1, 2, 14])
def test_a_byte_that_is_no_nucleotide_is_refused(own: Project, place: int) -> None:
    file = own.files.sequences("batch_0000")
    path = file.location
    stored = pq.read_table(path)
    rows = stored.to_pylist()
    rows[7]["sequence"] = "".join("!" if number == place else "A" for number in range(15))
    schema = file.stamped_schema(own.manifest.provenance())
    changed = pa.Table.from_pylist(rows, schema=SEQUENCES).replace_schema_metadata(schema.metadata)
    pq.write_table(changed, path, write_page_checksum=True)
    with pytest.raises(BatchFileError) as refused:
        count_work_item(item_of(own, 0, 1))
    assert str(refused.value) == (
        f"{path}: a record contains a byte that is not a nucleotide letter. "
        "Materialize mine/sequences for batch_0000 again."
    )
