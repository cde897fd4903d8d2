"""SQLite storage of Dagster's records that keeps its databases open.

Dagster opens, syncs and closes a database for each event, and inspects its tables. That takes longer than a small batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool


class OpenEventLog(SqliteEventLogStorage):
    """Keeps the index and the database of the latest run open. Its files are those of Dagster's storage.

    A commit does not wait for the disk: a power failure can lose the newest events, and the next command then repeats
    their batches. The records stay intact.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._open: dict[str, sa.Engine] = {}
        self._known_tables: set[str] = set()
        self._known_columns: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        if shard not in self._initialized_dbs:
            # Creates the tables.
            with super()._connect(shard):
                pass
        # The lock makes one connection enough for all threads.
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        if shard not in self._open:
            for other in set(self._open) - {INDEX_SHARD_NAME}:
                self._open.pop(other).dispose()
            engine = sa.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sa.event.listen(engine, "connect", _do_not_wait_for_the_disk)
            self._open[shard] = engine
        return self._open[shard]

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        if column_name not in self._known_columns and super()._has_asset_key_col_on_connection(
            conn, column_name
        ):
            self._known_columns.add(column_name)
        return column_name in self._known_columns

    def _close(self) -> None:
        with self._db_lock:
            for engine in self._open.values():
                engine.dispose()
            self._open.clear()

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()


class OpenSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with an event log that stays open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # First, so that it creates the index.
        event_log = OpenEventLog(_event_logs_directory(base_dir))
        super().__init__(base_dir, inst_data)
        self._event_log_storage = event_log

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "OpenSqliteStorage":
        return cls.from_local(inst_data=inst_data, **config_value)


def _do_not_wait_for_the_disk(connection: Any, record: Any) -> None:
    del record
    connection.execute("PRAGMA synchronous=NORMAL")
