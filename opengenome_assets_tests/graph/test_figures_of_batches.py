"""Figures of a batch and of the table in logs and metadata. Rejected records are not counted."""

import base64
import re
from typing import Any

import dagster as dg
import pytest

from opengenome_assets_tests.scenario import Project, project, write_fasta

pytestmark = pytest.mark.spark

RECORDS = {
    "good": "ACGT" * 30,
    "star": "AC*T" * 500,
    "fine": "acgun" * 20,
    "other": "TTTGGG" * 10,
    "long": "ACG" * 4_000,
}
# By batch: sequences and bases that are kept.
KEPT = {"batch_0000": (2, 220), "batch_0001": (2, 12_060)}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Project:
    del spark
    folder = tmp_path_factory.mktemp("figures")
    made = project(
        folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=3, on_invalid="skip", by_sequence="yes"
    )
    made.run()
    made.runner.measure_sequences({})
    return made


def metadata(own: Project, asset: str, batch: str | None = None) -> dict[str, Any]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(["mine", asset]), asset_partitions=batch and [batch])
    (record, *_) = own.instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


@pytest.mark.parametrize("batch", KEPT)
@pytest.mark.parametrize("asset", ["sequences", "codon_counts", "codon_usage_by_sequence"])
def test_bases_are_without_records_set_aside(own: Project, asset: str, batch: str) -> None:
    assert metadata(own, asset, batch)["bases"] == KEPT[batch][1]


@pytest.mark.parametrize("batch", KEPT)
@pytest.mark.parametrize("asset", ["sequences", "codon_counts", "codon_usage_by_sequence"])
def test_a_batch_names_its_file(own: Project, asset: str, batch: str) -> None:
    assert metadata(own, asset, batch)["dagster/uri"] == str(
        own.warehouse / "mine" / asset / f"{batch}.parquet"
    )


@pytest.mark.parametrize("batch", KEPT)
@pytest.mark.parametrize("asset", ["sequences", "codon_counts", "codon_usage_by_sequence"])
def test_a_batch_has_the_size_of_its_file(own: Project, asset: str, batch: str) -> None:
    file = own.warehouse / "mine" / asset / f"{batch}.parquet"
    assert metadata(own, asset, batch)["bytes"] == file.stat().st_size


@pytest.mark.parametrize("batch", KEPT)
def test_sequences_are_without_records_set_aside(own: Project, batch: str) -> None:
    assert metadata(own, "codon_counts", batch)["sequences"] == KEPT[batch][0]
    assert metadata(own, "codon_usage_by_sequence", batch)["dagster/partition_row_count"] == KEPT[batch][0]


@pytest.mark.parametrize("asset", ["codon_counts", "codon_usage_by_sequence"])
def test_the_rate_is_of_the_tasks_seconds(own: Project, asset: str) -> None:
    for batch in KEPT:
        found = metadata(own, asset, batch)
        assert not {"seconds", "mbp_per_second"} & set(found)
        rate = found["bases"] / 1e6 / found["task_seconds"]
        assert found["mbp_per_task_second"] == pytest.approx(rate, rel=0.01, abs=0.001)


def test_a_line_has_units_that_suit_the_batch(own: Project) -> None:
    lines = [line for line in own.listener.lines if "  batch_0001  2 sequences  12.1 kb  " in line]
    line = r"(\w+)  batch [12]/2  batch_0001  2 sequences  12\.1 kb  [\d.]+ m?s  [\d.]+ [kM]bp?/s"
    assert [match[1] for each in lines if (match := re.fullmatch(line, each))] == [
        "writing",
        "counting",
        "measuring",
    ]


def test_the_tables_picture_is_the_reports_heat_map(own: Project) -> None:
    _, uri = metadata(own, "codon_frequencies")["picture"].split("data:image/svg+xml;base64,")
    with own.folder.open("report/heat_map.svg") as file:
        assert base64.b64decode(uri.removesuffix(")")) == file.read()
