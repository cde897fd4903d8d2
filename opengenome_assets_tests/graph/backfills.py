"""Backfills as the UI starts and follows them: GraphQL to a running webserver."""

from opengenome_assets_tests.services import ask, wait_until

ASSETS = ("raw_sequences", "sequences", "codon_counts", "codon_frequencies")
BACKFILL_WITHIN = 400

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
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } }
  }
}
"""
RUNS = "{ runsOrError { ... on Runs { results { status assetSelection { path } tags { key value } } } } }"


def key(asset: str) -> dict[str, list[str]]:
    return {"path": ["demo", asset]}


def launch(port: int) -> str:
    """Start a backfill of all partitions of the whole graph; its id."""
    parameters = {"assetSelection": [key(asset) for asset in ASSETS], "allPartitions": True, "tags": []}
    launched = ask(port, LAUNCH, {"parameters": parameters})["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    return str(launched["backfillId"])


def wait_for_the_end(port: int, backfill: str) -> str:
    """The status that a backfill ends with."""

    def status() -> str:
        reported = ask(port, STATUS, {"id": backfill})["partitionBackfillOrError"]
        return "" if reported["status"] in ("REQUESTED", "CANCELING", "FAILING") else str(reported["status"])

    return wait_until(status, BACKFILL_WITHIN, f"the end of backfill {backfill}")
