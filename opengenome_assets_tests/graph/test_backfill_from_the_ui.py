"""A backfill that is started as by the UI: over GraphQL, with a real webserver and daemon."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from opengenome_assets.datasets.demo import AMBIGUOUS, planted_counts
from opengenome_assets_tests.graph.backfills import ASSETS, RUNS, key, launch, wait_for_the_end
from opengenome_assets_tests.services import (
    DAEMON,
    QUICK_QUEUE,
    STARTS_WITHIN,
    Place,
    answers,
    ask,
    free_port,
    make_place,
    run_command,
    service,
    wait_until,
    webserver,
)

pytestmark = [pytest.mark.service, pytest.mark.spark]

BATCHES = ["batch_0000", "batch_0001", "batch_0002"]

ASSET = """
query Asset($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionStats { numMaterialized numFailed numPartitions }
      assetChecksOrError {
        ... on AssetChecks {
          checks {
            name
            executionForLatestMaterialization { status }
            partitionStatuses {
              ... on AssetCheckDefaultPartitionStatuses {
                succeededPartitions failedPartitions inProgressPartitions skippedPartitions
                executionFailedPartitions
              }
            }
          }
        }
      }
    }
  }
}
"""
EXECUTIONS = """
query Executions($key: AssetKeyInput!, $check: String!, $partition: String!) {
  assetCheckExecutions(assetKey: $key, checkName: $check, partition: $partition, limit: 10) {
    status
    evaluation { success metadataEntries { label ... on IntMetadataEntry { intRepr } } }
  }
}
"""


@dataclass
class Ended:
    """A backfill that has ended, as the webserver reported it."""

    place: Place
    status: str
    runs: list[dict[str, Any]]
    assets: dict[str, dict[str, Any]]
    executions: dict[str, list[dict[str, Any]]]
    left_over: list[str] = field(default_factory=list)

    def checks(self, asset: str) -> dict[str, dict[str, Any]]:
        return {check["name"]: check for check in self.assets[asset]["assetChecksOrError"]["checks"]}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    place = make_place(tmp_path_factory.mktemp("backfill"), QUICK_QUEUE, dataset="demo")
    with ExitStack() as servers:
        port = servers.enter_context(webserver(place))
        servers.enter_context(service(place, "daemon.log", *DAEMON))
        status = wait_for_the_end(port, launch(port))
        reported = Ended(
            place=place,
            status=status,
            runs=ask(port, RUNS)["runsOrError"]["results"],
            assets={asset: ask(port, ASSET, {"key": key(asset)})["assetNodeOrError"] for asset in ASSETS},
            executions={
                batch: ask(
                    port,
                    EXECUTIONS,
                    {"key": key("codon_counts"), "check": "total_codon_count", "partition": batch},
                )["assetCheckExecutions"]
                for batch in BATCHES
            },
        )
    reported.left_over = [" ".join(process.cmdline()) for process in place.processes()]
    return reported


def test_the_backfill_completes(ended: Ended) -> None:
    assert ended.status == "COMPLETED_SUCCESS"


def test_every_run_of_it_succeeds(ended: Ended) -> None:
    assert {run["status"] for run in ended.runs} == {"SUCCESS"}


def test_a_backfill_is_three_runs_one_of_them_for_the_batches(ended: Ended) -> None:
    selections = [{asset["path"][-1] for asset in run["assetSelection"]} for run in reversed(ended.runs)]
    assert selections == [{"raw_sequences"}, {"sequences", "codon_counts"}, {"codon_frequencies"}]


@pytest.mark.parametrize("asset", ["sequences", "codon_counts"])
def test_all_partitions_are_materialized(ended: Ended, asset: str) -> None:
    assert ended.assets[asset]["partitionStats"] == {
        "numMaterialized": 3,
        "numFailed": 0,
        "numPartitions": 3,
    }


@pytest.mark.parametrize(
    ("asset", "check"),
    [
        ("sequences", "rows_as_planned"),
        ("sequences", "only_nucleotide_letters"),
        ("sequences", "unique_ids"),
        ("codon_counts", "total_codon_count"),
    ],
)
def test_a_batch_check_passes_for_each_batch(ended: Ended, asset: str, check: str) -> None:
    assert ended.checks(asset)[check]["partitionStatuses"] == {
        "succeededPartitions": BATCHES,
        "failedPartitions": [],
        "inProgressPartitions": [],
        "skippedPartitions": [],
        "executionFailedPartitions": [],
    }


@pytest.mark.parametrize("batch", BATCHES)
def test_a_batchs_check_shows_its_figures(ended: Ended, batch: str) -> None:
    (execution,) = ended.executions[batch]
    figures = {entry["label"]: entry.get("intRepr") for entry in execution["evaluation"]["metadataEntries"]}
    assert execution["status"] == "SUCCEEDED"
    assert figures["difference"] == "0"
    assert figures["counted +0"] == figures["expected 0"]


def test_the_checks_of_the_table_pass(ended: Ended) -> None:
    found = {
        name: check["executionForLatestMaterialization"]["status"]
        for name, check in ended.checks("codon_frequencies").items()
    }
    assert found == dict.fromkeys(
        (
            "total_equals_batches",
            "frequencies_sum_to_one",
            "batches_complete",
            "recount_agrees",
            "batch_recount_agrees",
            "matches_planted",
        ),
        "SUCCEEDED",
    )


def test_the_table_holds_what_was_planted(ended: Ended) -> None:
    table = pq.read_table(ended.place.warehouse / "demo" / "codon_frequencies.parquet")
    planted = {codon: count for codon, count in planted_counts().items() if codon not in AMBIGUOUS}
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == planted


def test_the_home_remembers_it_when_the_servers_are_gone(ended: Ended) -> None:
    with dg.DagsterInstance.from_config(str(ended.place.home)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["demo", "codon_counts"])) == set(BATCHES)


def test_no_process_outlives_the_servers(ended: Ended) -> None:
    assert ended.left_over == []


def test_make_ui_starts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    place = make_place(tmp_path / "place", dataset="demo")
    port = free_port()
    dev = ("dg", "dev", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml")
    recipe = run_command(place, "make", "-n", "ui", f"PORT={port}")
    assert f"/{' '.join(dev)}\n" in recipe.stdout
    with service(place, "dev.log", *dev):
        wait_until(lambda: answers(port, "/server_info"), STARTS_WITHIN, "dg dev")
        found = ask(port, "{ assetNodes { assetKey { path } } }")["assetNodes"]
    assert {node["assetKey"]["path"][-1] for node in found} >= set(ASSETS)
    assert place.processes() == []
    # Such as that of `dagster dev`, which dg replaces.
    assert "Warning" not in (place.folder / "dev.log").read_text()
