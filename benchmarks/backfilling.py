"""A backfill as the UI starts it, by real servers: ``python -m benchmarks.backfilling ASSET …``.

The environment names the data set, whose input is registered, and Dagster's home. Prints one JSON object: ``seconds`` from
the launch to the end, ``status`` of the backfill, and how many ``runs`` it took.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.contenders import ROOT
from benchmarks.warm import DATASET

STARTS_WITHIN = 180.0
ENDS_WITHIN = 4 * 3600.0
LOOKED_EVERY = 1.0

_LAUNCH = """
mutation Launch($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_STATUS = "query Status($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
_RUNS = "{ runsOrError { ... on Runs { results { status } } } }"


@contextmanager
def _server(*arguments: str) -> Iterator[None]:
    """Run a server of Dagster's while the block runs."""
    program = str(Path(sys.executable).with_name(arguments[0]))
    command = [program, *arguments[1:], "-w", "workspace.yaml"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr) as process:  # noqa: S603 (the project's own)
        try:
            yield
        finally:
            process.terminate()


def _ask(port: int, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query, "variables": variables or {}}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 (always http, to the loopback)
        data: dict[str, Any] = json.load(answer)["data"]
    return data


def _wait(look: Callable[[], str], within: float) -> str:
    ends = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > ends:
            msg = f"waited {within:.0f} s for a server of Dagster's"
            raise click.ClickException(msg)
        time.sleep(LOOKED_EVERY)
    return found


def _answers(port: int) -> str:
    try:
        return "yes" if _ask(port, "{ version }") else ""
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return ""


@click.command()
@click.argument("assets", nargs=-1)
def main(assets: tuple[str, ...]) -> None:
    """Launch a backfill of all partitions, and wait for its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def status() -> str:
        reported = str(_ask(port, _STATUS, {"id": backfill})["partitionBackfillOrError"]["status"])
        return "" if reported in ("REQUESTED", "CANCELING", "FAILING") else reported

    selection = [{"path": [DATASET, asset]} for asset in assets]
    with _server("dagster-webserver", "-h", "127.0.0.1", "-p", str(port)):
        _wait(lambda: _answers(port), STARTS_WITHIN)
        with _server("dagster-daemon", "run"):
            began = time.monotonic()
            parameters = {"assetSelection": selection, "allPartitions": True, "tags": []}
            backfill = _ask(port, _LAUNCH, {"parameters": parameters})["launchPartitionBackfill"][
                "backfillId"
            ]
            ended = _wait(status, ENDS_WITHIN)
            seconds = time.monotonic() - began
            runs = len(_ask(port, _RUNS)["runsOrError"]["results"])
    if ended != "COMPLETED_SUCCESS":
        msg = f"the backfill ended as {ended}"
        raise click.ClickException(msg)
    click.echo(json.dumps({"seconds": seconds, "status": ended, "runs": runs}))


if __name__ == "__main__":
    main()
