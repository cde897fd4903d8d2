"""A Spark standalone cluster for tests: a master and workers as processes on loopback, with Spark's own classes."""

import json
import os
import secrets
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from opengenome_assets_tests.services import BIN, answers, free_port, group_members, kill_group, wait_until

STARTS_WITHIN = 90.0
# As docker-compose.yml has it.
_OPTIONS = (
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dspark.authenticate=true -Dspark.network.crypto.enabled=true "
    "-Dspark.master.rest.enabled=false -Dspark.ui.reverseProxy=true"
)


@dataclass
class Worker:
    """A worker's process, which leads a session that its executors belong to."""

    pid: int
    folder: Path

    def executors(self) -> list[psutil.Process]:
        """Its executors' JVMs."""
        return self._named("CoarseGrainedExecutorBackend")

    def counting(self) -> list[psutil.Process]:
        """The Python workers of its executors, but for the process that they are forked from."""
        found = self._named("opengenome_assets.spark.worker")
        parents = {process.ppid() for process in found}
        return [process for process in found if process.pid not in parents]

    def finished_tasks(self) -> int:
        """Tasks that its executors have reported, over all applications."""
        logs = self.folder.glob("app-*/*/stderr")
        return sum(log.read_text(errors="replace").count("Finished task") for log in logs)

    @property
    def is_alive(self) -> bool:
        """Whether any of its processes runs. A killed process is a zombie until its parent waits for it."""
        return bool(group_members(self.pid))

    def kill(self) -> None:
        """Kill it and all processes that it started."""
        kill_group(self.pid)

    def _named(self, word: str) -> list[psutil.Process]:
        found = []
        for pid in group_members(self.pid):
            try:
                process = psutil.Process(pid)
                if word in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@dataclass
class Cluster:
    """A master that runs, and its workers.

    Attributes:
        folder: for logs and what executors write.
        secret: that Spark's processes show each other.
        port: of the master.
        page: port of the master's web page.
        variables: more of the environment of workers, and so of executors.
    """

    folder: Path
    secret: str
    port: int
    page: int
    variables: Mapping[str, str]
    workers: list[Worker] = field(default_factory=list)
    daemons: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """Variables by which a command runs on it."""
        return {
            "OPENGENOME_SPARK_MASTER": self.url,
            "OPENGENOME_SPARK_SECRET": self.secret,
            "OPENGENOME_SPARK_DRIVER_HOST": "127.0.0.1",
        }

    def state(self) -> dict[str, Any]:
        """State of the master, as it reports it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/json/", timeout=30) as answer:
            reported: dict[str, Any] = json.load(answer)
        return reported

    def start_worker(self, **variables: str) -> Worker:
        """Start another worker of one core, and wait until the master knows of it."""
        number = len(list(self.folder.glob("worker_*")))
        folder = self.folder / f"worker_{number}"
        folder.mkdir()
        size = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder))
        pid = self.start("worker.Worker", *size, "--webui-port", "0", self.url, log=folder, **variables)
        worker = Worker(pid, folder)
        self.workers.append(worker)
        said = folder.with_suffix(".log")
        wait_until(lambda: "registered with master" in said.read_text(), STARTS_WITHIN, "a worker")
        return worker

    def start(self, name: str, *arguments: str, log: Path, **variables: str) -> int:
        """Start one of Spark's daemons in a separate process session. Returns its process id."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OPENGENOME_", "DAGSTER_", "SPARK_", "PYSPARK_"))
        }
        environment |= {
            "PATH": f"{BIN}{os.pathsep}{environment.get('PATH', '')}",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": _OPTIONS,
            "_SPARK_AUTH_SECRET": self.secret,
            **self.variables,
            **variables,
        }
        command = (str(BIN / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1")
        with log.with_suffix(".log").open("wb") as file:
            process = subprocess.Popen(
                (*command, *arguments),
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.daemons.append(process)
        return process.pid

    def stop(self) -> None:
        """End every daemon that was started, and what it started."""
        for process in reversed(self.daemons):
            kill_group(process.pid)
            process.wait(STARTS_WITHIN)


@contextmanager
def standalone(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A master without workers yet; everything ends with the block.

    Args:
        folder: a new one.
        variables: more of the environment of workers, and so of executors.
    """
    folder.mkdir(parents=True)
    cluster = Cluster(folder, secrets.token_hex(16), free_port(), free_port(), variables or {})
    ports = ("--port", str(cluster.port), "--webui-port", str(cluster.page))
    try:
        cluster.start("master.Master", *ports, log=folder / "master")
        wait_until(lambda: answers(cluster.page, "/json/"), STARTS_WITHIN, "the master")
        yield cluster
    finally:
        cluster.stop()
