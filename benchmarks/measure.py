"""Measures a command with everything that it starts: wall time, CPU time and memory of the whole process tree.

Memory is the sum of PSS over the process tree, if the system reports it (Linux): a page that forked workers share counts
once. The sum of RSS, which counts such a page once per process, is reported too.
"""

import ctypes
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

INTERVAL_SECONDS = 0.1
# What is left of a tree (a JVM that says goodbye) gets so long to end.
PATIENCE_SECONDS = 60.0
_SET_CHILD_SUBREAPER = 36


class CommandError(Exception):
    """A measured command failed; the message ends with its last lines."""


@dataclass(frozen=True)
class Measurement:
    """One run of a command.

    Attributes:
        wall_seconds: until the command came back.
        cpu_seconds: user and system, of the whole tree.
        peak_pss: bytes, None if the system does not report it.
        peak_rss: bytes, pages that processes share counted for each.
        output: what it wrote to stdout.
        log: what it wrote to stderr.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_pss: int | None
    peak_rss: int
    output: str
    log: str

    @property
    def peak_bytes(self) -> int:
        """The better of the two figures of memory."""
        return self.peak_rss if self.peak_pss is None else self.peak_pss


@dataclass(frozen=True)
class Spread:
    """The same figure of several runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> "Spread":
        """Sum up some figures, at least one."""
        found = list(figures)
        return cls(statistics.median(found), min(found), max(found))


@dataclass
class _Tree:
    """A process and all that descend from it, looked at again and again."""

    root: int
    seen: dict[int, psutil.Process] = field(default_factory=dict)
    peak_rss: int = 0
    peak_pss: int | None = None

    def look(self) -> None:
        for pid in [self.root, *self.seen]:
            with suppress(psutil.Error):
                process = self.seen.setdefault(pid, psutil.Process(pid))
                for child in process.children(recursive=True):
                    self.seen.setdefault(child.pid, child)
        rss = pss = 0
        for process in self.seen.values():
            with suppress(psutil.Error):
                memory = process.memory_full_info()
                rss += memory.rss
                pss += getattr(memory, "pss", 0)
        self.peak_rss = max(self.peak_rss, rss)
        if pss:
            self.peak_pss = max(self.peak_pss or 0, pss)


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Measurement:
    """Run a command to its end and measure it.

    Args:
        command: program and arguments.
        environment: variables put over this process's own.
        folder: where it runs.

    Raises:
        CommandError: it failed.
    """
    with (
        _adopting_orphans(),
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as log,
    ):
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 (measuring a command is what this is for)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            env=os.environ | dict(environment or {}),
            cwd=folder,
        )
        tree = _Tree(process.pid)
        with _watching(tree):
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime + _reap(tree)
        output.seek(0)
        log.seek(0)
        measured = Measurement(wall, cpu, tree.peak_pss, tree.peak_rss, output.read(), log.read())
    if process.returncode:
        end = "\n".join((measured.log or measured.output).splitlines()[-15:])
        msg = f"{' '.join(command)} ended with {process.returncode}:\n{end}"
        raise CommandError(msg)
    return measured


def in_turn(
    runs: Mapping[str, Callable[[], Measurement]],
    rounds: int,
    log: Callable[[str], None],
    only_once: Collection[str] = (),
) -> dict[str, list[Measurement]]:
    """Run everything once, then everything once more, and so on: a slow minute hits all alike.

    Args:
        runs: what is run, by name.
        rounds: how often.
        log: called after each run.
        only_once: names of those that are run in the first round only.
    """
    measured: dict[str, list[Measurement]] = {key: [] for key in runs}
    for number in range(1, rounds + 1):
        for key, run in runs.items():
            if number > 1 and key in only_once:
                continue
            found = run()
            measured[key].append(found)
            log(
                f"round {number}/{rounds} · {key} · {found.wall_seconds:.2f} s · {found.cpu_seconds:.2f} s of CPU · "
                f"{found.peak_bytes / 1e6:,.0f} MB"
            )
    return measured


@contextmanager
def _watching(tree: _Tree) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while True:
            tree.look()
            if over.wait(INTERVAL_SECONDS):
                return

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _reap(tree: _Tree) -> float:
    """Wait for what outlived the command, and return the CPU seconds of what was left to this process."""
    cpu = 0.0
    ends = time.monotonic() + PATIENCE_SECONDS
    waiting = set(tree.seen) - {tree.root}
    while waiting and time.monotonic() < ends:
        for pid in list(waiting):
            try:
                found, _, usage = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:
                # Its own parent waited for it, and the parent's figures hold it; or it will be ours in a moment.
                if not tree.seen[pid].is_running():
                    waiting.discard(pid)
                continue
            if found:
                cpu += usage.ru_utime + usage.ru_stime
                waiting.discard(pid)
        if waiting:
            time.sleep(INTERVAL_SECONDS / 10)
    return cpu


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Have processes whose parent ends become this process's children, so that their CPU time can be measured."""
    try:
        control = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        # No Linux: what outlives the command is measured up to the command's end.
        yield
        return
    control(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        control(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
