"""What all tests share: a clean environment, a large input, and one lazy Spark session for the whole run."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import Phase, settings
from sqlalchemy import Connection, Engine, MetaData, event

from opengenome_assets_tests.faults.commands import Genomes, write_genomes
from opengenome_assets_tests.scenario import without_pictures

# Each kind of input comes up several times; pytest --hypothesis-profile=long opengenome_assets_tests/fuzzing tries more.
# No deadline: on a busy machine a slow case is not a failure.
settings.register_profile("short", max_examples=40, deadline=None)
settings.register_profile("long", max_examples=5_000, deadline=None)
# For make mutants: the first failure is enough, and the same faults survive each time.
settings.register_profile(
    "mutants", max_examples=40, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("short")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("OPENGENOME_") or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def migrations_are_read_once() -> Iterator[None]:
    """Dagster reads all migrations again for each database that it makes, and makes one per run: 0.2 s of CPU."""
    make = ScriptDirectory.from_config
    read: dict[str | None, ScriptDirectory] = {}

    def read_once(config: Config) -> ScriptDirectory:
        location = config.get_alembic_option("script_location")
        if location not in read:
            read[location] = make(config)
        return read[location]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", read_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def tables_are_compiled_once() -> Iterator[None]:
    """Dagster compiles the SQL of all its tables for each database that it makes; new databases get the first one's."""
    make = MetaData.create_all
    statements: dict[MetaData, list[str]] = {}

    def make_from_script(self: MetaData, bind: Engine | Connection) -> None:
        if isinstance(bind, Engine):
            with bind.begin() as connection:
                make_from_script(self, connection)
        elif bind.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
            make(self, bind)
        elif self in statements:
            for statement in statements[self]:
                bind.exec_driver_sql(statement)
        else:
            make(self, bind)
            made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            statements[self] = list(bind.exec_driver_sql(made).scalars())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MetaData, "create_all", make_from_script)
        yield


@pytest.fixture(scope="session", autouse=True)
def files_do_not_wait_for_the_disk() -> Iterator[None]:
    """As for databases: waiting protects from a loss of power only, which no test causes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def databases_do_not_wait_for_the_disk() -> Iterator[None]:
    """Waiting for the disk protects SQLite's files from a loss of power only, and took half of a short run's time."""

    def stop_waiting(connection: object, _: object) -> None:
        # A damaged or locked database fails at its first query instead, as it does for a user.
        with suppress(sqlite3.DatabaseError):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", stop_waiting)
    yield
    event.remove(Engine, "connect", stop_waiting)


@pytest.fixture
def empty_pictures() -> Iterator[None]:
    with without_pictures():
        yield


@pytest.fixture(scope="session")
def genomes(tmp_path_factory: pytest.TempPathFactory) -> Genomes:
    """An input that takes a while: for what has to happen in the middle."""
    return write_genomes(tmp_path_factory.mktemp("genomes") / "mine.fasta")


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """One local session; the resource takes it up instead of starting another, and does not stop it."""
    from opengenome_assets.spark.config import check_setup, spark_config
    from opengenome_assets.spark.session import start_session

    # Two cores show parallel tasks; three attempts are the default's.
    master = "local[2,3]"
    check_setup(master)
    # Workers import the functions of tests, which are not installed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        session = start_session(spark_config(master))
    yield session
    session.stop()
