"""A backfill launched by clicks in Dagster's UI, with a real webserver, daemon and browser."""

import pytest

from opengenome_assets_tests.browser.chromium import ABSENT, HOW_TO_INSTALL
from opengenome_assets_tests.browser.dagster_pages import GREEN
from opengenome_assets_tests.browser.walk import ASSETS, BATCHES, Seen, walk

pytestmark = [
    pytest.mark.service,
    pytest.mark.spark,
    pytest.mark.skipif(ABSENT, reason=HOW_TO_INSTALL),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return walk(tmp_path_factory.mktemp("clicking") / "place")


def test_the_graph_of_a_group_shows_assets_in_data_order(seen: Seen) -> None:
    assert tuple(node.name for node in seen.organelle) == ASSETS


def test_declared_partitions_exist_before_any_run(seen: Seen) -> None:
    partitioned = [node.name for node in seen.organelle if "7 partitions" in node.text]
    assert partitioned == ["sequences", "codon_counts"]


def test_the_dialog_offers_the_whole_graph_over_all_batches(seen: Seen) -> None:
    assert "Launch runs to materialize 5 assets" in seen.dialog
    assert all(batch in seen.dialog for batch in BATCHES)


def test_the_dialog_warns_of_nothing(seen: Seen) -> None:
    assert "arning" not in seen.dialog


def test_the_partitions_fill_while_one_looks_on(seen: Seen) -> None:
    assert (seen.filled[0], seen.filled[-1]) == ("0", "100")


def test_every_asset_turns_green(seen: Seen) -> None:
    assert {node.name: node.colour for node in seen.demo} == dict.fromkeys(ASSETS, GREEN)


def test_every_partition_turns_green(seen: Seen) -> None:
    assert seen.dots == dict.fromkeys(BATCHES, GREEN)


def test_checks_of_batches_are_shown_as_passed(seen: Seen) -> None:
    texts = {node.name: node.text for node in seen.demo}
    assert "3 / 3 Passed" in texts["sequences"]
    assert "1 / 1 Passed" in texts["codon_counts"]


def test_checks_of_the_table_are_shown_as_passed(seen: Seen) -> None:
    names = (
        "batch_recount_agrees",
        "batches_complete",
        "frequencies_sum_to_one",
        "matches_planted",
        "recount_agrees",
        "total_equals_batches",
    )
    assert seen.checks == dict.fromkeys(names, "Succeeded")


def test_the_picture_of_the_table_is_drawn_from_its_metadata(seen: Seen) -> None:
    assert seen.picture_width > 300


def test_the_other_group_stays_as_it_was(seen: Seen) -> None:
    assert [(node.name, node.colour) for node in seen.together] == [
        *((asset, GREEN) for asset in ASSETS),
        *((asset, "gray") for asset in ASSETS),
    ]
