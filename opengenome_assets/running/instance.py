"""The Dagster instance of the command line: ``DAGSTER_HOME``, or a home inside the warehouse."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from importlib import resources
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from filelock import FileLock

from opengenome_assets.errors import SettingError
from opengenome_assets.paths import local_path
from opengenome_assets.running.abandoned import end_abandoned_runs

# A data set's name cannot begin with a dot, so no data set can stand in its place.
HOME_IN_WAREHOUSE = ".dagster"
_NO_COPIES = NoOpComputeLogManager


@contextmanager
def open_instance(warehouse: str) -> Iterator[dg.DagsterInstance]:
    """Open the instance, making its home first where it is the warehouse's own.

    Raises:
        SettingError: ``DAGSTER_HOME`` is no folder, or the warehouse is remote and cannot hold one.
    """
    given = os.environ.get("DAGSTER_HOME")
    if given:
        home = Path(local_path(given)).absolute()
        if not home.is_dir():
            msg = f"DAGSTER_HOME: {home} is no folder. Make it, or leave the variable unset."
            raise SettingError(msg)
    elif "://" in warehouse:
        msg = f"DAGSTER_HOME: set it to a folder; the warehouse {warehouse} is remote and cannot hold Dagster's records."
        raise SettingError(msg)
    else:
        home = Path(warehouse).absolute() / HOME_IN_WAREHOUSE
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "dagster.yaml"
        if not settings.exists():
            settings.write_text(resources.files(__package__).joinpath("dagster.yaml").read_text())
    os.environ["DAGSTER_HOME"] = str(home)
    # Dagster would copy all that is written to the terminal into files, by two processes more for each step; these
    # answer Ctrl-C with tracebacks, and keep the bar from knowing its terminal.
    quiet = {"compute_logs": {"module": _NO_COPIES.__module__, "class": _NO_COPIES.__name__}}
    with ExitStack() as stack:
        # Two commands at once would both make the tables of a new home. A home that cannot be written keeps its records
        # elsewhere, in a database that has its own way of taking turns.
        with FileLock(home / ".opening") if os.access(home, os.W_OK) else nullcontext():
            instance = stack.enter_context(
                dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=quiet))
            )
            end_abandoned_runs(instance)
        yield instance
