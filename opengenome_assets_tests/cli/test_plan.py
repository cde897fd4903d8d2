"""``opengenome plan``: its figures against what a run then makes, and that it leaves nothing behind."""

import json
import random
import tempfile
from pathlib import Path
from shutil import disk_usage
from typing import Any

import pytest

from opengenome_assets_tests.cli.scenario import Said, opengenome
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import (
    Project,
    chance_bases,
    made_up_records,
    project,
    write_fasta,
    write_parquet,
)


def plan(own: Project, *options: object, dataset: str = "mine") -> Said:
    return opengenome("plan", "-d", dataset, "-w", own.warehouse, *options)


def figures(said: Said) -> dict[str, Any]:
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.fixture
def mine(tmp_path: Path) -> Project:
    """Chance letters compress as genomes do; long enough that headers do not matter."""
    chance = random.Random(5)
    records = {f"r{number}": chance_bases(chance, 20_000) for number in range(100)}
    return project(tmp_path, write_parquet(tmp_path / "mine.parquet", records), batch_size=30)


def asked(own: Project) -> tuple[object, ...]:
    return ("--input", own.environment["OPENGENOME_INPUT"], "--batch-size", 30, "--log-format", "json")


def test_a_plan_says_what_registering_then_finds(mine: Project) -> None:
    found = figures(plan(mine, *asked(mine)))
    manifest = mine.registered().manifest
    assert (found["is_registered"], found["is_exact"]) == (False, True)
    assert (found["files"], found["rows"], found["bases"]) == (1, manifest.rows, manifest.bases)
    assert (
        found["batches"] == found["batches_to_write"] == found["batches_to_count"] == len(mine.files.batches)
    )
    assert found["stored_bytes"] == Path(mine.environment["OPENGENOME_INPUT"]).stat().st_size


def test_a_plan_writes_nothing_to_the_warehouse(
    mine: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert plan(mine, *asked(mine)).code == 0
    assert not Path(mine.warehouse).exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_disk_needed_is_about_what_a_run_writes(mine: Project) -> None:
    needed = figures(plan(mine, *asked(mine)))["disk_needed"]
    write_and_count(mine)
    written = sum(
        Path(file.location).stat().st_size
        for batch in mine.files.batches
        for file in (mine.files.sequences(batch), mine.files.counts(batch))
    )
    # Dagster's own records of four batches come on top.
    assert written <= needed <= 1.3 * written + 4 * 167_000


def test_time_has_the_start_and_each_batch(mine: Project) -> None:
    few = figures(plan(mine, *asked(mine)))["seconds"]
    many = figures(plan(mine, *asked(mine)[:2], "--batch-size", 1, "--log-format", "json"))["seconds"]
    assert 20 < few < 60
    assert many - few == pytest.approx(96 * 0.3, abs=10)


def test_of_a_registered_data_set_only_the_rest_is_left(mine: Project) -> None:
    write_and_count(mine)
    mine.files.counts("batch_0001").remove()
    mine.files.counts("batch_0003").remove()
    mine.files.sequences("batch_0003").remove()
    found = figures(plan(mine, "--log-format", "json"))
    assert found["is_registered"]
    assert (found["batches"], found["batches_to_count"], found["batches_to_write"]) == (4, 2, 1)
    mine.files.counts("batch_0000").remove()
    assert figures(plan(mine, "--log-format", "json"))["batches_to_count"] == 3


def test_a_plan_of_a_sample_has_its_rows(mine: Project) -> None:
    found = figures(plan(mine, *asked(mine), "--sample", 10))
    assert (found["dataset"], found["rows"], found["batches"]) == ("mine@sample-10", 10, 1)
    assert found["bases"] == 200_000


def test_batches_of_size_auto_have_512_million_bases(mine: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opengenome_assets.running.forecast.AUTO_BATCH_BASES", 300_000)
    options = (
        "--input",
        mine.environment["OPENGENOME_INPUT"],
        "--batch-size",
        "auto",
        "--log-format",
        "json",
    )
    assert figures(plan(mine, *options))["batches"] == 7


def test_no_keep_sequences_needs_less_disk(mine: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opengenome_assets.running.forecast.RUN_BASES", 200_000)
    kept = figures(plan(mine, *asked(mine)))["disk_needed"]
    removed = figures(plan(mine, *asked(mine), "--no-keep-sequences"))["disk_needed"]
    assert removed < kept - 300_000


def test_a_full_disk_is_said_with_what_to_do(mine: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # A disk that is full enough cannot be had without filling one.
    usage = disk_usage("/")._replace(free=1_000)
    monkeypatch.setattr("opengenome_assets.running.forecast.shutil.disk_usage", lambda _: usage)
    said = plan(mine, *asked(mine)[:-2])
    assert said.code == 0
    last = " ".join(said.out.splitlines()[-1:])
    assert last.startswith("Not enough disk: ")
    assert "1.00 kB free" in last
    assert "--warehouse" in last
    assert "--no-keep-sequences" in last


def test_the_table_says_what_is_counted(mine: Project) -> None:
    said = plan(mine, *asked(mine)[:-2])
    rows = [line.split("│")[1:-1] for line in said.out.splitlines() if "│" in line]
    found = {name.strip(): (value.strip(), how.strip()) for name, value, how in rows}
    assert found["records"] == ("100", "counted")
    assert found["bases"] == ("2.00 Mbp", "counted")
    assert found["batches"] == ("4: 4 to write, 4 to count", "counted")
    assert found["time"] == ("about 1 min", "estimated")
    assert "Not enough disk" not in said.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--input", "nowhere.fa"), "nowhere.fa: no such file"),
        ((), "mine: no data set with this name is registered"),
    ],
)
def test_an_input_that_is_not_there_is_one_line(
    tmp_path: Path, options: tuple[object, ...], message: str
) -> None:
    said = plan(project(tmp_path, tmp_path), *options)
    assert said.code == 2
    assert len(said.lines()) == 1
    assert message in said.err


def test_an_input_that_is_not_fetched_yet_is_refused(tmp_path: Path) -> None:
    said = plan(project(tmp_path, tmp_path), dataset="demo")
    assert said.code == 2
    assert "fetched or made when it is registered" in said.err
    assert "--input" in said.err


def test_an_input_without_records_is_refused(tmp_path: Path) -> None:
    own = project(tmp_path, write_parquet(tmp_path / "none.parquet", {}))
    said = plan(own, "--input", tmp_path / "none.parquet")
    assert (said.code, len(said.lines())) == (2, 1)
    assert "mine: the input has no records" in said.err


def test_invalid_letters_do_not_stop_a_plan(tmp_path: Path) -> None:
    records = made_up_records(20) | {"protein": "MEDEL"}
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", records))
    assert figures(plan(own, "--input", tmp_path / "mine.fa", "--log-format", "json"))["rows"] == 21
