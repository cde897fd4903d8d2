"""Several runs at once over the same batches: the outcome is that of some order of them."""

import subprocess
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from opengenome_assets.counting.count_files import read_counts, write_counts
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.table_file import make_table
from opengenome_assets_tests.faults.commands import files_aside, table_of
from opengenome_assets_tests.faults.jvms import watched
from opengenome_assets_tests.scenario import made_up_records, naive_counts, project, write_fasta
from opengenome_assets_tests.services import BIN, ROOT, Place, kill_group, make_place

RECORDS = made_up_records(80)


def expected() -> dict[str, int]:
    counts = naive_counts(list(RECORDS.values()))
    names = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    return {codon: counts.get(("+", 0, codon), 0) for codon in names}


def at_once(place: Place, *commands: tuple[str, ...]) -> list[str]:
    """Run commands side by side to their ends; what they said, where they failed."""
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for command in commands
    ]
    try:
        said = [process.communicate(timeout=240)[0] for process in processes]
    finally:
        for process in processes:
            kill_group(process.pid)
    return [text for text, process in zip(said, processes, strict=True) if process.returncode]


def make(folder: Path, instance: str = "") -> tuple[Place, Path]:
    path = write_fasta(folder / "mine.fa", RECORDS)
    settings = {"input": path, "dataset": "mine", "batch_size": 20}
    return make_place(folder / "place", instance, **settings), path


def ingested(folder: Path, instance: str = "") -> tuple[Place, Path]:
    """A place where the input is registered, so that Dagster knows the batches."""
    place, path = make(folder, instance)
    options = ("--input", str(path), "--dataset", "mine", "--batch-size", "20")
    assert at_once(place, (str(BIN / "opengenome"), "ingest", *options)) == []
    return place, path


def analyze(path: Path) -> tuple[str, ...]:
    return (str(BIN / "opengenome"), "analyze", "codon", "--input", str(path), "--dataset", "mine")


def materialize(first: int, last: int) -> tuple[str, ...]:
    """Dagster's own command for a range of batches."""
    select = 'key:"mine/sequences" or key:"mine/codon_counts"'
    batches = ("--partition-range", f"batch_{first:04}...batch_{last:04}")
    module = ("-m", "opengenome_assets.definitions")
    return (str(BIN / "dagster"), "asset", "materialize", *module, "--select", select, *batches)


@pytest.mark.spark
@pytest.mark.service
def test_two_analyses_of_the_same_input_at_once_both_end_well(tmp_path: Path) -> None:
    place, path = make(tmp_path)
    with watched(place) as seen:
        assert at_once(place, analyze(path), analyze(path)) == []
    assert seen.at_once == 1
    assert table_of(place) == expected()
    assert files_aside(place) == []


@pytest.mark.spark
@pytest.mark.service
def test_ranges_that_overlap_at_once_leave_the_right_batches(tmp_path: Path) -> None:
    place, path = ingested(tmp_path)
    with watched(place) as seen:
        assert at_once(place, materialize(0, 2), materialize(1, 3)) == []
    assert len(seen.jvms) == 2
    assert seen.at_once == 1
    assert at_once(place, analyze(path)) == []
    assert table_of(place) == expected()
    assert files_aside(place) == []


@pytest.mark.spark
def test_a_table_that_is_made_while_a_batch_is_rewritten_is_right(tmp_path: Path, spark: object) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=20)
    own.run()
    folder, manifest = own.folder, own.manifest
    right = own.table()
    counts = read_counts(folder, manifest, "batch_0002")
    over = threading.Event()
    rewritten = 0

    def rewrite() -> None:
        nonlocal rewritten
        while not over.is_set():
            write_counts(folder, manifest, "batch_0002", counts)
            rewritten += 1

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        tables: list[pa.Table] = [make_table(folder, manifest, TableParameters()).table for _ in range(50)]
    finally:
        over.set()
        thread.join()
    assert rewritten > 20
    assert all(table.replace_schema_metadata(None).equals(right) for table in tables)
