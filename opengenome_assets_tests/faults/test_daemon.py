"""The daemon is killed during a backfill, and a new daemon completes it."""

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from opengenome_assets.datasets.demo import AMBIGUOUS, planted_counts
from opengenome_assets_tests.graph.backfills import (
    RUNS,
    launch,
    wait_for_the_end,
)
from opengenome_assets_tests.services import (
    DAEMON,
    QUICK_QUEUE,
    STARTS_WITHIN,
    ask,
    make_place,
    service,
    wait_until,
    webserver,
)

pytestmark = [pytest.mark.service, pytest.mark.spark]


def test_a_backfill_outlives_the_daemon_that_began_it(tmp_path: Path) -> None:
    place = make_place(tmp_path / "place", QUICK_QUEUE, dataset="demo")
    with webserver(place) as port:

        def states() -> list[str]:
            return [run["status"] for run in ask(port, RUNS)["runsOrError"]["results"]]

        with service(place, "daemon.log", *DAEMON) as daemon:
            backfill = launch(port)
            wait_until(lambda: "SUCCESS" in states(), STARTS_WITHIN, "the first run's end")
            os.kill(daemon.pid, signal.SIGKILL)
        assert states() != ["SUCCESS"] * 3
        with service(place, "another_daemon.log", *DAEMON):
            assert wait_for_the_end(port, backfill) == "COMPLETED_SUCCESS"
        assert set(states()) == {"SUCCESS"}
    table = pq.read_table(place.warehouse / "demo" / "codon_frequencies.parquet")
    planted = {codon: count for codon, count in planted_counts().items() if codon not in AMBIGUOUS}
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == planted
