"""The containers of docker-compose.yml on a real engine, under a separate name, queried from inside."""

import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opengenome_assets_tests.services import DAEMON, ROOT, free_port, wait_until

UP_WITHIN = 1200
BACKFILL_WITHIN = 600
ASSETS = ("raw_sequences", "sequences", "codon_counts", "codon_frequencies")
WORKERS = ("--scale", "spark-worker=2")

# Passes GraphQL requests on, a line each, from inside of the web container: an engine's published ports may be out of
# reach from here, and a process for each question would take a second.
_ASKING = """
import json, sys, urllib.request
for line in sys.stdin:
    request = urllib.request.Request(
        "http://127.0.0.1:3000/graphql", data=line.encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            reported = json.load(answer)
    except (OSError, ValueError) as error:
        reported = {"errors": str(error)}
    print(json.dumps(reported), flush=True)
"""
# Executors and tasks in the event log of the newest application.
_EVENTS = """
import json, pathlib, pyarrow as pa
newest = max(pathlib.Path("/results/spark-events").iterdir(), key=lambda log: log.name.split("app-")[-1])
for file in sorted(newest.glob("events_*")):
    for line in pa.input_stream(file, compression="zstd").read().splitlines():
        event = json.loads(line)
        if event["Event"] in ("SparkListenerTaskEnd", "SparkListenerExecutorAdded", "SparkListenerExecutorRemoved"):
            print(json.dumps(event))
"""
_MASTER = "import urllib.request as r; print(r.urlopen('http://spark-master:8080/json/').read().decode())"
LAUNCH = """
mutation Launch($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status error { message } } }
}
"""
RUNS = """
query Runs($backfill: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $backfill}]}) {
    ... on Runs { results { runId status assetSelection { path } tags { key value } } }
  }
}
"""
PARTITIONS = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeys
      assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } }
    }
  }
}
"""
LOG = """
query Log($run: ID!, $after: String) {
  logsForRun(runId: $run, afterCursor: $after) {
    ... on EventConnection { cursor hasMore events { ... on MessageEvent { message stepKey } } }
  }
}
"""
RELOAD = """
mutation Reload { reloadRepositoryLocation(repositoryLocationName: "opengenome_assets") { __typename } }
"""


def engine_is_missing() -> str:
    """Why no test with containers can run here; empty where one can."""
    if shutil.which("docker") is None:
        return "no docker command; apt-get install docker.io docker-compose-v2, or Docker's own packages"
    reported = subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False)
    if reported.returncode:
        return "no Docker engine answers `docker info`; start one, or set DOCKER_HOST"
    reported = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60, check=False)
    return "docker has no compose; apt-get install docker-compose-v2" if reported.returncode else ""


@dataclass
class Stack:
    """The services under a separate project name, so that they use no other project's volumes.

    Attributes:
        project: Compose's name for it.
        settings: what ``.env`` would say.
        folder: for files of the test's own.
    """

    project: str
    settings: Mapping[str, str]
    folder: Path
    _files: list[str] = field(default_factory=lambda: [str(ROOT / "docker-compose.yml")])
    _asking: subprocess.Popen[str] | None = None

    def compose(self, *arguments: str, within: float = 300) -> str:
        """Run a compose command; what it says on stdout.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = self.try_compose(*arguments, within=within)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def try_compose(self, *arguments: str, within: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a compose command that may fail."""
        return subprocess.run(
            self._command(*arguments),
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def _command(self, *arguments: str) -> list[str]:
        files = [word for file in self._files for word in ("-f", file)]
        # No .env of the person who runs the tests is read.
        return ["docker", "compose", "--env-file", os.devnull, *files, "-p", self.project, *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("OPENGENOME_")}
        return own | dict(self.settings)

    def up(self, *arguments: str) -> None:
        """Start, and wait until every service is healthy."""
        self.compose("up", "--wait", *WORKERS, *arguments, within=UP_WITHIN)

    def use_a_daemon_that_looks_often(self) -> None:
        """Have the daemon look for work every two seconds and not every 30, which no setting changes."""
        command = ["python", *DAEMON[1:-1], "/opt/dagster/workspace.yaml"]
        override = self.folder / "quick-daemon.json"
        override.write_text(json.dumps({"services": {"daemon": {"command": command}}}))
        self._files.append(str(override))
        self.up()

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a compose command, and do not wait for it."""
        return subprocess.Popen(
            self._command(*arguments),
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def restart(self, service: str, *, at_once: bool = False) -> None:
        """Restart a service's container, and wait until it is healthy again.

        Args:
            service: its name.
            at_once: without the time that it has to end by itself.
        """
        self.compose("restart", *(("--timeout", "0") if at_once else ()), service)
        self.up()

    def kill_one(self, service: str) -> None:
        """Kill one of a service's containers, and remove what is left of it."""
        name = self.containers(service)[0]["Id"]
        command = ["docker", "rm", "--force", name]
        subprocess.run(command, env=self._environment, capture_output=True, check=True)

    def remove(self) -> None:
        """End everything, and remove what it kept."""
        self._stop_asking()
        self.compose("down", "--volumes", "--timeout", "10")

    def in_web(self, *command: str) -> str:
        """Run a command in the web container; what it says on stdout."""
        return self.compose("exec", "-T", "web", *command)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of a service's containers."""
        ids = self.compose("ps", "--all", "--quiet", service).split()
        reported = subprocess.run(
            ["docker", "inspect", *ids], env=self._environment, capture_output=True, check=True
        )
        found: list[dict[str, Any]] = json.loads(reported.stdout)
        return found

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the webserver's GraphQL, as the UI does.

        Raises:
            LookupError: it gives no answer, or not the one that was asked for.
        """
        reported = self._answer(json.dumps({"query": query, "variables": variables or {}}))
        if reported.get("data") is None or "errors" in reported:
            msg = f"the webserver answers {reported}"
            raise LookupError(msg)
        data: dict[str, Any] = reported["data"]
        return data

    def _answer(self, question: str) -> dict[str, Any]:
        if self._asking is None:
            self._asking = self.begin("exec", "-T", "web", "python", "-u", "-c", _ASKING)
        assert self._asking.stdin is not None
        assert self._asking.stdout is not None
        try:
            self._asking.stdin.write(question + "\n")
            self._asking.stdin.flush()
            line = self._asking.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._stop_asking()
            return {"errors": "the web container is not there"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.kill()
            self._asking.communicate()
            self._asking = None

    def launch(self, dataset: str) -> str:
        """Start a backfill of all partitions; its id."""
        keys = [{"path": [dataset, asset]} for asset in ASSETS]
        parameters = {"assetSelection": keys, "allPartitions": True, "tags": []}
        launched = self.ask(LAUNCH, {"parameters": parameters})["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def end_of(self, backfill: str) -> str:
        """Wait for a backfill's end; its status, and why it failed."""

        def status() -> str:
            try:
                reported = self.ask(STATUS, {"id": backfill})["partitionBackfillOrError"]
            except LookupError:
                # A service is on its way up again.
                return ""
            if reported["status"] in ("REQUESTED", "CANCELING", "FAILING"):
                return ""
            return (
                f"{reported['status']}: {reported['error']['message']}"
                if reported["error"]
                else str(reported["status"])
            )

        return wait_until(status, BACKFILL_WITHIN, f"the end of backfill {backfill}")

    def runs(self, backfill: str) -> list[dict[str, Any]]:
        """All runs of a backfill, the oldest first."""
        results: list[dict[str, Any]] = self.ask(RUNS, {"backfill": backfill})["runsOrError"]["results"]
        return results[::-1]

    def reload(self) -> str:
        """Reload the definitions of the code location. Returns the type of the answer."""
        return str(self.ask(RELOAD)["reloadRepositoryLocation"]["__typename"])

    def partitions(self, dataset: str, asset: str) -> tuple[list[str], set[str]]:
        """Keys of an asset's partitions, and those that are materialized."""
        node = self.ask(PARTITIONS, {"key": {"path": [dataset, asset]}})["assetNodeOrError"]
        return node["partitionKeys"], set(node["assetPartitionStatuses"]["materializedPartitions"])

    def finished_in(self, run_id: str, asset: str) -> list[str]:
        """Batches of an asset in a run's log."""
        lines, after, more = [], None, True
        while more:
            reported = self.ask(LOG, {"run": run_id, "after": after})["logsForRun"]
            after, more = reported["cursor"], reported["hasMore"]
            lines += [
                event["message"] for event in reported["events"] if (event["stepKey"] or "").endswith(asset)
            ]
        told_of = re.compile(r"\w+  batch \d+/\d+  (batch_\d{4})  [\d,]+ sequences")
        return [match[1] for line in lines if (match := told_of.match(line))]

    def counted(self, dataset: str, folder: str = "/results/warehouse/{}") -> dict[str, int]:
        """A table, as the web container sees it."""
        lines = [
            line.split("\t")
            for line in self.in_web("cat", f"{folder.format(dataset)}/codon_frequencies.tsv").splitlines()
            if not line.startswith("#")
        ]
        codon, count = lines[0].index("codon"), lines[0].index("count")
        return {fields[codon]: int(fields[count]) for fields in lines[1:]}

    def applications(self) -> list[dict[str, Any]]:
        """Those that Spark's master has taken up."""
        reported = json.loads(self.in_web("python", "-c", _MASTER))
        return [*reported["completedapps"], *reported["activeapps"]]

    def spark_events(self) -> list[dict[str, Any]]:
        """Tasks and executors of the newest application, from its event log."""
        return [json.loads(line) for line in self.in_web("python", "-c", _EVENTS).splitlines()]


def make_stack(folder: Path, data: Path, **settings: str) -> Stack:
    """A stack that is not running yet, with separate secrets and free ports."""
    return Stack(
        f"opengenome-test-{secrets.token_hex(4)}",
        {
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "OPENGENOME_SPARK_SECRET": secrets.token_hex(16),
            "DATA_FOLDER": str(data),
            "WEB_PORT": str(free_port()),
            "SPARK_PORT": str(free_port()),
            **settings,
        },
        folder,
    )
