"""Versions of code and data, by which Dagster shows what is out of date, and the automation, which is off."""

from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets.graph import keys
from opengenome_assets.graph.build import build_definitions
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.graph.test_own_table import WITH_REPORT, launch
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta

UNPARTITIONED = ("raw_sequences", "codon_frequencies", "codon_usage_report")


def version_of(result: dg.ExecuteInProcessResult, name: str) -> str:
    (event,) = [
        each
        for each in result.get_asset_materialization_events()
        if each.asset_key and each.asset_key.path[-1] == name
    ]
    return (event.step_materialization_data.materialization.tags or {})["dagster/data_version"]


@pytest.mark.parametrize("constant", ["COUNTING", "REPORT"])
def test_code_versions_follow_what_is_computed(constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (*UNPARTITIONED, "sequences", "codon_counts", "codon_usage_by_sequence")
    before = {name: keys.code_version(name) for name in names}
    monkeypatch.setattr(keys, constant, 2)
    changed = {name for name in names if keys.code_version(name) != before[name]}
    counted = {"codon_counts", "codon_usage_by_sequence", "codon_frequencies", "codon_usage_report"}
    assert changed == (counted if constant == "COUNTING" else {"codon_usage_report"})


def test_every_asset_has_a_code_version(tmp_path: Path) -> None:
    graph = build_definitions([project(tmp_path, tmp_path / "mine.fa").dataset]).resolve_asset_graph()
    assert {node.key.path[-1]: node.code_version for node in graph.asset_nodes} == {
        node.key.path[-1]: keys.code_version(node.key.path[-1]) for node in graph.asset_nodes
    }


def test_eager_automation_is_off_until_switched_on(tmp_path: Path) -> None:
    definitions = build_definitions([project(tmp_path, tmp_path / "mine.fa").dataset])
    graph = definitions.resolve_asset_graph()
    automated = {key.path[-1] for key in graph.get_all_asset_keys() if graph.get(key).automation_condition}
    assert automated == {"codon_frequencies", "codon_usage_report"}
    (sensor,) = definitions.get_repository_def().sensor_defs
    assert sensor.name == "default_automation_condition_sensor"
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


@pytest.mark.usefixtures("empty_pictures")
def test_an_identical_table_has_the_same_data_version(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=6)
    registered = launch(own, ["raw_sequences"])
    assert version_of(registered, "raw_sequences") == own.manifest.fingerprint
    write_and_count(own)
    first, again = launch(own, WITH_REPORT), launch(own, WITH_REPORT)
    other = launch(own, WITH_REPORT, frame=1)
    for name in WITH_REPORT:
        assert version_of(first, name) == version_of(again, name) != version_of(other, name)
