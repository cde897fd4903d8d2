"""The Dagster instance of the command line: ``DAGSTER_HOME``, or a home inside the warehouse."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib import resources
from pathlib import Path
from textwrap import shorten

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from filelock import FileLock
from sqlalchemy.exc import DBAPIError

from opengenome_assets.errors import InstanceError, SettingError
from opengenome_assets.paths import is_uri, local_path
from opengenome_assets.running.lost_runs import end_abandoned_runs

# A data set's name cannot begin with a dot, so no data set can stand in its place.
HOME_IN_WAREHOUSE = ".dagster"
_SETTINGS = "dagster.yaml"
# Dagster lists in an error all that would have been allowed.
_LONGEST = 300
_NO_COPIES = NoOpComputeLogManager


@contextmanager
def open_instance(warehouse: str) -> Iterator[dg.DagsterInstance]:
    """Open the instance, making its home first where it is the warehouse's own.

    Raises:
        SettingError: ``DAGSTER_HOME`` is no folder, or the warehouse is remote and cannot hold one.
        InstanceError: the home cannot be made or written, its dagster.yaml is not understood, or its records cannot
            be read; also when they fail later, inside of the block.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given:
        home = Path(local_path(given)).absolute()
        if not home.is_dir():
            msg = f"DAGSTER_HOME: {home} is no folder. Make it, or leave the variable unset."
            raise SettingError(msg)
    elif is_uri(warehouse):
        msg = f"DAGSTER_HOME: set it to a folder; the warehouse {warehouse} is remote and cannot hold Dagster's records."
        raise SettingError(msg)
    else:
        home = Path(warehouse).absolute() / HOME_IN_WAREHOUSE
        try:
            home.mkdir(parents=True, exist_ok=True)
            settings = home / _SETTINGS
            if not settings.exists():
                settings.write_text(resources.files(__package__).joinpath(_SETTINGS).read_text())
        except OSError as error:
            msg = (
                f"OPENGENOME_WAREHOUSE: Dagster's home {home} cannot be made ({error.strerror}). "
                "Name a warehouse that can be written to, or set DAGSTER_HOME to another folder."
            )
            raise InstanceError(msg) from error
    os.environ["DAGSTER_HOME"] = str(home)
    # Dagster would copy all that is written to the terminal into files, by two processes more for each step; these
    # answer Ctrl-C with tracebacks, and keep the bar from knowing its terminal.
    quiet = {"compute_logs": {"module": _NO_COPIES.__module__, "class": _NO_COPIES.__name__}}
    with ExitStack() as stack:
        # Two commands at once would both make the tables of a new home. A home that cannot be written keeps its records
        # elsewhere, in a database that has its own way of taking turns.
        with _clear_errors(home), FileLock(home / ".opening") if os.access(home, os.W_OK) else nullcontext():
            instance = stack.enter_context(
                dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=quiet))
            )
            end_abandoned_runs(instance)
        try:
            yield instance
        except DBAPIError as error:
            raise InstanceError(_records_message(home, error)) from error


@contextmanager
def _clear_errors(home: Path) -> Iterator[None]:
    """One line for whatever keeps Dagster from opening its home: each of its parts raises errors of another kind."""
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
            "Correct the file (see docs.dagster.io, dagster.yaml), or set DAGSTER_HOME to another folder."
        )
        raise InstanceError(msg) from error


def _records_message(home: Path, error: Exception) -> str:
    return (
        f"DAGSTER_HOME: Dagster cannot use its records in {home} ({_one_line(error)}). Make sure that the folder can be "
        "written to and that no other program locks its databases. If one is damaged, move history/ and schedules/ away: "
        "the results stay, and Dagster starts with new records."
    )


def _one_line(error: Exception) -> str:
    """An error's words without the SQL that SQLAlchemy adds, and what caused it where that says more."""
    said = " ".join(str(error).split("\n[SQL")[0].split()) or type(error).__name__
    cause = " ".join(str(error.__cause__ or "").split())
    return shorten(said if cause in said else f"{said}: {cause}", _LONGEST, placeholder=" …")
