"""An input that is registered, written and checked in parts, by workers that finish in any order and share no memory."""

import pickle
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import planned_rows, scan
from opengenome_assets.batches.manifest import read_file_list
from opengenome_assets.batches.register import register
from opengenome_assets.batches.workers import Item, Result, Threads, Work, Workers
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks import batch
from opengenome_assets.checks.batch import check_batches, check_counts, check_sequences
from opengenome_assets.errors import InputFormatError, InvalidLetterError
from opengenome_assets.inputs.records import cuts
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta, write_parquet

RECORDS = made_up_records(90)
TABLE = "seq_id\tgroup\tgenetic_code\n" + "".join(
    f"{name}\tgroup {number % 3}\t{2 if number % 2 else ''}\n"
    for number, name in enumerate(RECORDS)
    if number % 7
)


class Elsewhere:
    """Does the last item first, and passes work, items and results on as Spark does."""

    def run(self, doing: str, work: Work[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        del doing
        for item in reversed(list(items)):
            given, own = pickle.loads(pickle.dumps((work, item)))  # noqa: S301 (made here)
            for result in given(own, threading.Event()):
                received: Result = pickle.loads(pickle.dumps(result))  # noqa: S301 (made here)
                yield received


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "PART_BYTES", 1)
    monkeypatch.setattr(scan, "cuts", lambda file: cuts(file, 1 if file.format == "parquet" else 500))
    monkeypatch.setattr(planned_rows, "PASS_BASES", 1)


def genomes(folder: Path, form: str = "fa") -> Path:
    """Three files of 30 records each, in Parquet in row groups of 7, and a protein. In Parquet also a file without rows."""
    names = list(RECORDS)
    files = folder / "genomes"
    files.mkdir()
    for number, first in enumerate((0, 30, 60)):
        third = {name: RECORDS[name] for name in names[first : first + 30]}
        if number == 2:
            third["protein"] = "MKLV"
        if form == "fa":
            write_fasta(files / f"{number}.fa", third)
        else:
            write_parquet(files / f"{number}.parquet", third, row_group_size=7)
    if form == "parquet":
        pq.write_table(pa.table({"sequence": pa.array([], pa.string())}), files / "1_empty.parquet")
    return files


def registered(folder: Path, location: Path, workers: Workers, **settings: object) -> Project:
    folder.mkdir()
    own = project(folder, location, on_invalid="skip", **settings)
    register(own.runner.dataset, lambda line: None, workers)
    return own


def tables(own: Project, folder: str) -> dict[str, pa.Table]:
    root = Path(own.folder.location(folder))
    return {path.name: pq.read_table(path) for path in root.iterdir()}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("workers", [Elsewhere(), Threads(1), Threads(5)], ids=["elsewhere", "1", "5"])
@pytest.mark.parametrize(("form", "sample"), [("fa", None), ("parquet", None), ("parquet", 40)])
def test_parts_give_the_manifest_and_batches_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: Workers, form: str, sample: int | None
) -> None:
    (tmp_path / "groups.tsv").write_text(TABLE)
    settings: dict[str, object] = {"metadata": tmp_path / "groups.tsv", "batch_size": 8}
    if sample:
        settings["sample"] = sample
    location = genomes(tmp_path, form)
    parts = registered(tmp_path / "parts", location, workers, **settings)
    done = list(write_batches(parts.files, parts.files.batches, workers))
    assert sorted(each.batch for each in done) == parts.files.batches
    monkeypatch.undo()
    whole = registered(tmp_path / "whole", location, Threads(1), **settings)
    # The list of files says where the parts begin.
    assert parts.manifest_fields() | {"file_list": ""} == whole.manifest_fields() | {"file_list": ""}
    assert parts.manifest.unassigned is not None
    assert parts.manifest.unassigned.records > 5
    assert all(each.error is None for each in write_batches(whole.files, whole.files.batches, Threads(1)))
    for folder in ("sequences", "rejected"):
        assert tables(parts, folder) == tables(whole, folder)


def test_checks_of_workers_are_those_of_this_process(tmp_path: Path) -> None:
    own = registered(tmp_path / "mine", genomes(tmp_path), Threads(2), batch_size=8)
    write_and_count(own)
    for check in (check_sequences, check_counts):
        found = dict(check_batches(check, own.files, own.files.batches, Elsewhere()))
        assert found == {batch: check(own.files, batch) for batch in own.files.batches}


class Listed:
    """Keeps the items, and does none of the work."""

    def run(self, doing: str, work: Work[Item, Result], items: Iterable[Item]) -> Iterator[Result]:
        del doing, work
        self.items: list[object] = list(items)
        yield from ()


@pytest.mark.parametrize(
    ("bases", "batches", "sizes"), [(1, 100, [1] * 7), (60, 100, [2, 2, 2, 1]), (10**9, 3, [3, 3, 1])]
)
def test_small_batches_are_checked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bases: int, batches: int, sizes: list[int]
) -> None:
    path = write_fasta(tmp_path / "mine.fa", {f"record_{n}": "ACG" * 10 for n in range(7)})
    own = project(tmp_path, path, batch_size=1)
    own.registered()
    files = own.files
    monkeypatch.setattr(batch, "_BASES_AT_ONCE", bases)
    monkeypatch.setattr(batch, "_BATCHES_AT_ONCE", batches)
    workers = Listed()
    assert list(check_batches(check_counts, files, files.batches, workers)) == []
    assert [len(some) for some in workers.items] == sizes
    assert [key for some in workers.items for key in some] == files.batches


@pytest.mark.usefixtures("small_parts")
def test_the_first_invalid_letter_of_the_input_is_named(tmp_path: Path) -> None:
    files = tmp_path / "genomes"
    files.mkdir()
    for name, letters in (("a.fa", "ACG"), ("b.fa", "AC*"), ("c.fa", "AC@")):
        write_fasta(files / name, {f"{name}{number}": letters if number == 1 else "A" for number in range(3)})
    own = project(tmp_path, files)
    with pytest.raises(InvalidLetterError, match=r"b\.fa: record 'b\.fa1' \(row 4\) has '\*' at position 3"):
        register(own.runner.dataset, lambda line: None, Elsewhere())


@pytest.mark.parametrize("is_good", [True, False])
def test_registering_leaves_no_temporary_files(tmp_path: Path, *, is_good: bool) -> None:
    (tmp_path / "groups.tsv").write_text(TABLE)
    own = project(
        tmp_path,
        genomes(tmp_path),
        metadata=tmp_path / "groups.tsv",
        **{"on_invalid": "skip"} if is_good else {},
    )
    if is_good:
        own.registered()
    else:
        with pytest.raises(InputFormatError):
            own.registered()
    kept = {path.parent.name for path in Path(own.folder.root).rglob("*") if path.is_file()}
    assert kept == ({"mine", "input_files", "sidecar"} if is_good else set())


@pytest.mark.usefixtures("small_parts")
def test_the_list_of_files_says_where_reading_can_begin(tmp_path: Path) -> None:
    own = registered(tmp_path / "mine", genomes(tmp_path, "parquet"), Elsewhere())
    starts = {row["name"]: row["starts"] for row in read_file_list(own.folder, own.manifest)}
    of_groups = [{"row": row, "place": row} for row in (0, 7, 14, 21, 28)]
    assert starts == {
        "0.parquet": of_groups,
        "1.parquet": of_groups,
        "1_empty.parquet": [{"row": 0, "place": 0}],
        "2.parquet": of_groups,
    }
