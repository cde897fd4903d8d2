"""Commands and servers that tests start as users do. Each has a separate environment, and all end with the test."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import psutil

Found = TypeVar("Found")

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# The backfill daemon looks every 30 s, and no setting changes that; here the constant is less, and the rest its own.
DAEMON = (
    sys.executable,
    "-c",
    "from dagster._daemon import controller, cli; controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2; cli.main()",
    "run",
    "-w",
    "workspace.yaml",
)
# What a home's dagster.yaml says more, so that a queued run waits less.
QUICK_QUEUE = """
run_coordinator:
  module: dagster._core.run_coordinator.queued_run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""
STARTS_WITHIN = 120.0
# Dagster's servers look for each other's ends every few seconds; a loaded machine takes its time besides.
ENDS_WITHIN = 90.0
LOOKED_EVERY = 0.2


@dataclass(frozen=True)
class Place:
    """A separate warehouse and Dagster home, and the settings of the commands that run there.

    Attributes:
        folder: holds both.
        settings: variables; an ``OPENGENOME_*`` or any other.
    """

    folder: Path
    settings: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def environment(self) -> dict[str, str]:
        """Of the person who runs the tests, without settings of this project or of Dagster."""
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENGENOME_", "DAGSTER_", "SPARK_", "PYSPARK_", "PYTHONWARNINGS"))
        }
        return own | {
            "DAGSTER_HOME": str(self.home),
            "OPENGENOME_WAREHOUSE": str(self.warehouse),
            # Two cores show parallel tasks; three attempts are the default's.
            "OPENGENOME_SPARK_MASTER": "local[2,3]",
            "PATH": f"{BIN}{os.pathsep}{own.get('PATH', '')}",
            **self.settings,
        }

    def processes(self) -> list[psutil.Process]:
        """All processes that were started from here and still run, with any parent."""
        mine = []
        for process in psutil.process_iter():
            try:
                here = process.environ().get("DAGSTER_HOME") == str(self.home)
                if here and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    mine.append(process)
            except psutil.Error:
                continue
        return mine


def make_place(folder: Path, instance: str = "", **settings: object) -> Place:
    """A place whose Dagster home has the project's own settings.

    Args:
        folder: a new one.
        instance: more lines for its ``dagster.yaml``.
        settings: ``dataset="demo"`` for ``OPENGENOME_DATASET``.
    """
    place = Place(folder, {f"OPENGENOME_{name.upper()}": str(value) for name, value in settings.items()})
    place.home.mkdir(parents=True)
    own = resources.files("opengenome_assets.running").joinpath("dagster.yaml").read_text()
    (place.home / "dagster.yaml").write_text(own + instance)
    return place


def run_command(
    place: Place, *arguments: str, within: float = 240, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, from the top of the repository."""
    with subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=place.environment | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=within)
        except BaseException:
            kill_group(process.pid)
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def shell_blocks(page: Path) -> list[str]:
    """The commands that a page of the documentation shows, block by block."""
    return re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def run_script(folder: Path, script: str, within: float = 240) -> subprocess.CompletedProcess[str]:
    """Run shell commands in a folder until one fails; its warehouse and Dagster home are the defaults there."""
    environment = make_place(folder / "place").environment | {"OPENGENOME_WAREHOUSE": "", "DAGSTER_HOME": ""}
    return subprocess.run(
        ["bash", "-c", f"set -e\n{script}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


def own_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """All that a command said, but for Dagster's word on commands that it wants to replace."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    superseded = [number for number, line in enumerate(lines) if "SupersessionWarning: " in line]
    # The warning's second line is the source line that caused it.
    return [
        line for number, line in enumerate(lines) if number not in superseded and number - 1 not in superseded
    ]


@contextmanager
def service(place: Place, log_name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server in a separate process session. At the end of the block, stop it and all processes that it started.

    Args:
        place: where it runs.
        log_name: file in the place's folder that keeps what it says.
        arguments: the command.

    Raises:
        TimeoutError: something of it outlived the block; it is killed.
    """
    with (place.folder / log_name).open("ab") as log:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=place.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN)
            wait_until(
                lambda: not group_members(process.pid), ENDS_WITHIN, f"the end of the process of {log_name}"
            )
        finally:
            kill_group(process.pid)
            process.wait(ENDS_WITHIN)


@contextmanager
def webserver(place: Place) -> Iterator[int]:
    """Dagster's webserver, once it answers; its port.

    A daemon is started after it: both would make the tables of a new home at once, and one of them end.
    """
    port = free_port()
    command = ("dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml")
    with service(place, "webserver.log", *command):
        wait_until(lambda: answers(port, "/server_info"), STARTS_WITHIN, "the webserver")
        yield port


def group_members(leader: int) -> list[int]:
    """Processes of a session that still run."""
    members = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                members.append(pid)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return members


def kill_group(leader: int) -> None:
    """Kill the remaining processes of a process session that a test started."""
    for pid in group_members(leader):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_until(look: Callable[[], Found], within: float, what: str) -> Found:
    """Look until there is something, and return it.

    Raises:
        TimeoutError: there was nothing in time.
    """
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            msg = f"waited {within:.0f} s for {what}"
            raise TimeoutError(msg)
        time.sleep(LOOKED_EVERY)
    return found


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether a server takes connections there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            return True
    except OSError:
        return False


def answers(port: int, path: str) -> bool:
    """Whether a web server is there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def ask(port: int, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Send a GraphQL request to Dagster's webserver, as the UI does; the data that it answers."""
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (always http, to the loopback)
        reported = json.load(answer)
    assert "errors" not in reported, reported["errors"]
    data: dict[str, Any] = reported["data"]
    return data
