"""The Dagster instance of the command line: in ``DAGSTER_HOME``, or in a folder of the warehouse."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib import resources
from pathlib import Path
from textwrap import shorten
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from filelock import FileLock
from sqlalchemy.exc import DBAPIError

from opengenome_assets.errors import InstanceError, SettingError
from opengenome_assets.paths import is_uri, local_path
from opengenome_assets.running.event_log import OpenSqliteStorage
from opengenome_assets.running.lost_runs import end_abandoned_runs

# A data set's name cannot begin with a dot, so no data set can have this folder.
HOME_IN_WAREHOUSE = ".dagster"
_SETTINGS = "dagster.yaml"
# Dagster's error messages list all allowed values.
_LONGEST = 300
_NO_COPIES = NoOpComputeLogManager
_SQLITE = DagsterSqliteStorage


@contextmanager
def open_instance(warehouse: str) -> Iterator[dg.DagsterInstance]:
    """Open the instance. Creates its home first if it is in the warehouse.

    Raises:
        SettingError: ``DAGSTER_HOME`` is not a folder, or is missing and the warehouse is remote.
        InstanceError: the home cannot be created or written to, its dagster.yaml is invalid, or its records cannot be
            read. The records can also fail later, inside the block.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given:
        home = Path(local_path(given)).absolute()
        if not home.is_dir():
            msg = f"DAGSTER_HOME: {home} is not a folder. Create it, or unset the variable."
            raise SettingError(msg)
    elif is_uri(warehouse):
        msg = (
            f"DAGSTER_HOME: not set, and the warehouse {warehouse} is remote and cannot hold Dagster's records. "
            "Set the variable to a local folder."
        )
        raise SettingError(msg)
    else:
        home = Path(warehouse).absolute() / HOME_IN_WAREHOUSE
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = (
                f"OPENGENOME_WAREHOUSE: Dagster's home {home} cannot be created ({error.strerror}). "
                "Set a warehouse that can be written to, or set DAGSTER_HOME to another folder."
            )
            raise InstanceError(msg) from error
    _add_settings(home)
    os.environ["DAGSTER_HOME"] = str(home)
    with ExitStack() as stack:
        # The lock prevents that two commands create the tables of a new home at once. A home that cannot be written to
        # has its records in a database elsewhere, which has its own locks.
        with _clear_errors(home), FileLock(home / ".opening") if os.access(home, os.W_OK) else nullcontext():
            instance = stack.enter_context(dg.DagsterInstance.from_ref(_settings_of(home)))
            end_abandoned_runs(instance)
        try:
            yield instance
        except DBAPIError as error:
            raise InstanceError(_records_message(home, error)) from error


def _add_settings(home: Path) -> None:
    """Give a new home the project's settings. Without a file, Dagster would also send usage statistics."""
    text = resources.files(__package__).joinpath(_SETTINGS).read_text()
    # A home that cannot be written to may have its records elsewhere.
    with suppress(OSError):
        if not any(home.iterdir()):
            (home / _SETTINGS).write_text(text)


def _settings_of(home: Path) -> InstanceRef:
    """The settings of Dagster's home, with what a command needs otherwise."""
    # Dagster would copy the terminal output into files, with two more processes per step. These print tracebacks on
    # Ctrl-C, and hide the terminal from the progress bar.
    needed: dict[str, Any] = {"compute_logs": {"module": _NO_COPIES.__module__, "class": _NO_COPIES.__name__}}
    ref = InstanceRef.from_dir(str(home), overrides=needed)
    records = ref.storage_data
    if records is None or (records.module_name, records.class_name) != (_SQLITE.__module__, _SQLITE.__name__):
        return ref
    needed["storage"] = {
        "custom": {
            "module": OpenSqliteStorage.__module__,
            "class": OpenSqliteStorage.__name__,
            "config": records.config_dict,
        }
    }
    return InstanceRef.from_dir(str(home), overrides=needed)


@contextmanager
def _clear_errors(home: Path) -> Iterator[None]:
    """Report any failure to open Dagster's home in one line: each part of Dagster raises other exceptions."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        raise InstanceError(_records_message(home, error)) from error
    except Exception as error:
        found = (
            "; ".join(each.message.split(" Expected: ")[0] for each in error.errors)
            if isinstance(error, dg.DagsterInvalidConfigError)
            else ""
        )
        msg = (
            f"{home / _SETTINGS}: Dagster cannot use these settings ({found or _one_line(error)}). "
            "Correct the file (see dagster.yaml at docs.dagster.io), or set DAGSTER_HOME to another folder."
        )
        raise InstanceError(msg) from error


def _records_message(home: Path, error: Exception) -> str:
    return (
        f"DAGSTER_HOME: Dagster cannot use its records in {home} ({_one_line(error)}). Check that the folder can be "
        "written to and that no other program locks its databases. If a database is damaged, move history/ and "
        "schedules/ away: the results stay, and Dagster starts with new records."
    )


def _one_line(error: Exception) -> str:
    """The message of an error without SQLAlchemy's SQL, and its cause if that adds something."""
    message = " ".join(str(error).split("\n[SQL")[0].split()) or type(error).__name__
    cause = " ".join(str(error.__cause__ or "").split())
    return shorten(message if cause in message else f"{message}: {cause}", _LONGEST, placeholder=" …")
