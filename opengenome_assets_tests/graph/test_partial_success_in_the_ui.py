"""A batch of a backfill fails: the webserver reports finished, failed and missing ones, and only the rest runs again."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import pytest

from opengenome_assets_tests.graph.backfills import (
    LAUNCH,
    wait_for_the_end,
)
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta
from opengenome_assets_tests.services import (
    BIN,
    DAEMON,
    QUICK_QUEUE,
    Place,
    ask,
    make_place,
    run_command,
    service,
    webserver,
)

pytestmark = [pytest.mark.service, pytest.mark.spark]

RECORDS = made_up_records(40)
# The backfill is of the first three of four batches, and the second cannot be counted.
ASKED, FAILING, NEVER_ASKED = ["batch_0000", "batch_0001", "batch_0002"], "batch_0001", "batch_0003"
ALL = [*ASKED, NEVER_ASKED]
FINISHED, LEFT = ["batch_0000", "batch_0002"], [FAILING, NEVER_ASKED]
PARTITIONED = ("sequences", "codon_counts")

ASSET = """
query Asset($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionStats { numMaterialized numFailed numMaterializing numPartitions }
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses {
          materializedPartitions failedPartitions unmaterializedPartitions materializingPartitions
        }
      }
      assetChecksOrError {
        ... on AssetChecks {
          checks {
            name
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
FAILURES = """
{ runsOrError { ... on Runs { results {
  status
  eventConnection { events { ... on ExecutionStepFailureEvent { stepKey failureMetadata { description } } } }
} } } }
"""


@dataclass(frozen=True)
class Shown:
    """What the webserver shows of the two partitioned assets."""

    assets: dict[str, dict[str, Any]]

    def partitions(self, asset: str) -> dict[str, list[str]]:
        """Partitions by their status."""
        found = self.assets[asset]["assetPartitionStatuses"]
        return {status.removesuffix("Partitions"): sorted(names) for status, names in found.items()}

    def checks(self, asset: str) -> dict[str, dict[str, list[str]]]:
        """Partitions by the outcome of each check; outcomes that no partition has are left out."""
        return {
            check["name"]: {
                status.removesuffix("Partitions"): sorted(names)
                for status, names in check["partitionStatuses"].items()
                if names
            }
            for check in self.assets[asset]["assetChecksOrError"]["checks"]
        }


@dataclass(frozen=True)
class Story:
    """The backfill with the failure, and the one of what it left.

    Attributes:
        place: where.
        ends: the two backfills' last status.
        messages: what failed steps said.
        halfway: shown between the two.
        complete: shown after them.
        kept: whether each file that the first wrote was left alone by the second.
    """

    place: Place
    ends: list[str]
    messages: list[str]
    halfway: Shown
    complete: Shown
    kept: dict[str, bool]


def launch(port: int, partitions: list[str]) -> str:
    parameters = {
        "assetSelection": [{"path": ["mine", asset]} for asset in PARTITIONED],
        "partitionNames": partitions,
        "tags": [],
    }
    launched = ask(port, LAUNCH, {"parameters": parameters})["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def shown(port: int) -> Shown:
    return Shown(
        {
            asset: ask(port, ASSET, {"key": {"path": ["mine", asset]}})["assetNodeOrError"]
            for asset in PARTITIONED
        }
    )


def written(place: Place) -> dict[str, int]:
    folder = place.warehouse / "mine"
    return {
        f"{asset}/{batch}": (folder / asset / f"{batch}.parquet").stat().st_mtime_ns
        for asset in PARTITIONED
        for batch in FINISHED
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("partial")
    path = write_fasta(folder / "mine.fa", RECORDS)
    place = make_place(folder / "place", QUICK_QUEUE, input=path, dataset="mine", batch_size=11)
    assert run_command(place, str(BIN / "opengenome"), "ingest").returncode == 0
    blocked = place.warehouse / "mine" / "codon_counts" / f"{FAILING}.parquet"
    # Not empty: nothing can take its place by renaming.
    (blocked / "in the way").mkdir(parents=True)
    with ExitStack() as servers:
        port = servers.enter_context(webserver(place))
        servers.enter_context(service(place, "daemon.log", *DAEMON))
        ends = [wait_for_the_end(port, launch(port, ASKED))]
        events = [
            event
            for run in ask(port, FAILURES)["runsOrError"]["results"]
            for event in run["eventConnection"]["events"]
        ]
        halfway, before = shown(port), written(place)
        shutil.rmtree(blocked)
        statuses = halfway.partitions("codon_counts")
        # What the UI's choice of failed and missing partitions launches.
        ends.append(
            wait_for_the_end(port, launch(port, sorted(statuses["failed"] + statuses["unmaterialized"])))
        )
        complete, after = shown(port), written(place)
    return Story(
        place,
        ends,
        [event["failureMetadata"]["description"] for event in events if event.get("failureMetadata")],
        halfway,
        complete,
        {name: after[name] == then for name, then in before.items()},
    )


def test_the_backfill_fails_and_names_the_batch(story: Story) -> None:
    assert story.ends[0] == "COMPLETED_FAILED"
    (message,) = story.messages
    assert message.startswith(f"1 of 3 batches failed: {FAILING}. First: {FAILING}")


def test_it_is_told_which_batches_are_counted_failed_and_missing(story: Story) -> None:
    assert story.halfway.partitions("codon_counts") == {
        "materialized": FINISHED,
        "failed": [FAILING],
        # Dagster counts a failed one to these too.
        "unmaterialized": LEFT,
        "materializing": [],
    }


def test_it_is_told_how_many_they_are(story: Story) -> None:
    assert story.halfway.assets["codon_counts"]["partitionStats"] == {
        "numMaterialized": 2,
        "numFailed": 1,
        "numMaterializing": 0,
        "numPartitions": 4,
    }


def test_the_asset_before_has_no_failed_batch(story: Story) -> None:
    assert story.halfway.partitions("sequences") == {
        "materialized": ASKED,
        "failed": [],
        "unmaterialized": [NEVER_ASKED],
        "materializing": [],
    }


def test_checks_of_the_finished_batches_are_told_batch_by_batch(story: Story) -> None:
    assert story.halfway.checks("codon_counts") == {
        # There is nothing to check of the one that failed.
        "total_codon_count": {"succeeded": FINISHED, "executionFailed": [FAILING]}
    }
    assert story.halfway.checks("sequences") == {
        name: {"succeeded": ASKED} for name in ("rows_as_planned", "only_nucleotide_letters", "unique_ids")
    }


def test_a_backfill_of_failed_and_missing_completes_the_set(story: Story) -> None:
    assert story.ends[1] == "COMPLETED_SUCCESS"
    for asset in PARTITIONED:
        assert story.complete.partitions(asset) == {
            "materialized": ALL,
            "failed": [],
            "unmaterialized": [],
            "materializing": [],
        }
        for outcome in story.complete.checks(asset).values():
            assert outcome == {"succeeded": ALL}


def test_it_leaves_the_finished_batches_alone(story: Story) -> None:
    assert len(story.kept) == len(PARTITIONED) * len(FINISHED)
    assert all(story.kept.values())


def test_the_table_then_holds_every_record(story: Story) -> None:
    done = run_command(story.place, str(BIN / "opengenome"), "analyze", "codon")
    assert done.returncode == 0, done.stderr
    table = pq.read_table(story.place.warehouse / "mine" / "codon_frequencies.parquet")
    counts = naive_counts(list(RECORDS.values()))
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == {
        codon: counts.get(("+", 0, codon), 0) for codon in table["codon"].to_pylist()
    }
