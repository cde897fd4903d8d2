"""An unusable Dagster home gives one error that says what is wrong, where, and what to do."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.running.instance import open_instance
from opengenome_assets_tests.cli.scenario import opengenome

SLIPS = {
    "telemetry: [": "while parsing a flow node",
    "telemetri: {}": 'Received unexpected config entry "telemetri" at the root',
    "telemetry: {enabled: 7}": "Invalid scalar at path root:telemetry:enabled",
    "just text": "to parse to dictionary",
    "storage: {}": "Expected one of",
    "storage: {custom: {module: not_installed, class: Records}}": "not_installed",
    "storage: {custom: {module: dagster, class: NoSuchClass}}": "NoSuchClass",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def use(home: Path) -> None:
    """Open the home and read from each of its databases, as a command does."""
    with open_instance(str(home.parent)) as instance:
        instance.get_runs()
        instance.get_materialized_partitions(dg.AssetKey(["mine", "codon_counts"]))


def refusal(home: Path) -> str:
    """The error of a home that cannot be used: one line."""
    with pytest.raises(OpengenomeError) as caught:
        use(home)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 700
    return said


@pytest.mark.parametrize("text", SLIPS)
def test_a_slip_in_dagster_yaml_is_one_line(home: Path, text: str) -> None:
    (home / "dagster.yaml").write_text(text)
    said = refusal(home)
    assert said.startswith(f"{home}/dagster.yaml: Dagster cannot use these settings (")
    assert SLIPS[text] in said


def test_settings_that_are_no_text_are_one_line(home: Path) -> None:
    (home / "dagster.yaml").write_bytes(b"\xff\xfe")
    assert refusal(home).startswith(f"{home}/dagster.yaml: ")


def test_settings_that_are_a_folder_are_one_line(home: Path) -> None:
    (home / "dagster.yaml").mkdir()
    assert f"{home}/dagster.yaml" in refusal(home)


@pytest.mark.parametrize("name", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_a_damaged_database_is_one_line(home: Path, name: str) -> None:
    (home / name).parent.mkdir(parents=True)
    (home / name).write_bytes(bytes(range(256)) * 16)
    said = refusal(home)
    assert said.startswith(f"DAGSTER_HOME: Dagster cannot use its records in {home} (")
    assert "file is not a database" in said


def test_a_file_in_the_place_of_records_is_one_line(home: Path) -> None:
    (home / "history").write_text("")
    assert refusal(home).startswith(f"DAGSTER_HOME: Dagster cannot use its records in {home} (")


@pytest.fixture
def no_wait_for_locks() -> Iterator[None]:
    """SQLite waits 5 s for each lock, which only delays the error."""

    def stop_waiting(_dialect: object, _record: object, _given: object, options: dict[str, object]) -> None:
        options["timeout"] = 0

    event.listen(Engine, "do_connect", stop_waiting)
    yield
    event.remove(Engine, "do_connect", stop_waiting)


@pytest.mark.usefixtures("no_wait_for_locks")
def test_a_locked_database_is_one_line(home: Path) -> None:
    use(home)
    with sqlite3.connect(home / "history" / "runs.db") as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        said = refusal(home)
    database.close()
    assert "database is locked" in said
    assert "no other program locks its databases" in said


def test_a_home_that_is_a_file_is_one_line(home: Path) -> None:
    home.rmdir()
    home.write_text("")
    assert refusal(home) == f"DAGSTER_HOME: {home} is not a folder. Create it, or unset the variable."


def test_a_relative_home_is_that_below_this_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("DAGSTER_HOME", "home")
    with open_instance(str(home.parent)) as instance:
        assert instance.root_directory == str(home)


def test_a_warehouse_that_is_a_file_is_named_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "a.fasta").write_text(">a\nACG\n")
    said = opengenome("ingest", "--input", tmp_path / "a.fasta", "--warehouse", tmp_path / "file")
    assert said.code == 2
    assert said.lines()[-1].startswith(
        f"Error: --warehouse: Dagster's home {tmp_path}/file/.dagster cannot be created"
    )


@contextmanager
def not_root() -> Iterator[None]:
    """Root writes everywhere, so another user takes over for a while; root stays the saved user that returns."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    os.setresgid(nobody, nobody, 0)
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)


def test_a_home_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A first home makes sure that all modules are loaded while they can be read.
    with open_instance(str(tmp_path)):
        pass
    # pytest's own folders are closed to other users.
    home = Path(tempfile.mkdtemp())
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    try:
        home.chmod(0o555)
        with not_root():
            said = refusal(home)
        assert said.startswith(f"DAGSTER_HOME: Dagster cannot use its records in {home} (")
        assert "ermission denied" in said
    finally:
        shutil.rmtree(home)
