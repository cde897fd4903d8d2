"""The graph as a component of somebody else's Dagster project, as ``create-dagster`` makes it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.core.component_tree import ComponentTree
from dagster.components.core.package_entry import discover_entry_point_package_objects
from dagster.components.core.snapshot import get_package_entry_snap
from dagster_shared.serdes.objects import EnvRegistryKey
from pydantic import ValidationError
from pyspark.sql import SparkSession

import opengenome_assets_tests
from opengenome_assets import CodonFrequencies, load_codon_frequencies
from opengenome_assets.declaring import declared
from opengenome_assets.graph.spark_resource import spark_resource
from opengenome_assets.settings import Settings, TableParameters
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta

TYPE = "opengenome_assets.CodonFrequencies"
# No request to PyPI, and none to Dagster.
DG_SETTINGS = """
[cli]
suppress_warnings = ["create_dagster_outdated", "dg_outdated"]
[cli.telemetry]
enabled = false
"""
BIN = Path(sys.executable).parent
# Kind of definition → one mapping each, as dg lists them.
Listing = dict[str, list[dict[str, Any]]]
ASSETS = ("codon_counts", "codon_frequencies", "codon_usage_report", "raw_sequences", "sequences")


@dataclass
class Host:
    """A new Dagster project with its data."""

    root: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.root.parent),
            "PYTHONPATH": str(self.root / "src"),
            "DAGSTER_HOME": str(self.root.parent / "dagster"),
            "DG_CLI_CONFIG": str(self.root.parent / "dg_settings.toml"),
            "VIRTUAL_ENV": str(BIN.parent),
            # Tables are as wide as they need to be.
            "COLUMNS": "300",
        }
        return subprocess.run(
            arguments,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def write(self, name: str, *documents: dict[str, object]) -> None:
        """Write a defs.yaml with a component per document; JSON is YAML."""
        folder = self.root / "src" / "mine" / "defs" / name
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n---\n".join(json.dumps({"type": TYPE, "attributes": each}) for each in documents)
        (folder / "defs.yaml").write_text(text)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    folder = tmp_path_factory.mktemp("host")
    (folder / "dagster").mkdir()
    (folder / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "dg_settings.toml").write_text(DG_SETTINGS)
    done = subprocess.run(
        [BIN / "create-dagster", "project", "--no-uv-sync", "mine"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": str(BIN), "DG_CLI_CONFIG": str(folder / "dg_settings.toml")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Host(folder / "mine")


@pytest.fixture(scope="module")
def listed(host: Host) -> Listing:
    """What dg lists of a project with a scaffolded component, components in one file, and the documented example."""
    write_fasta(host.root / "x.fa", made_up_records(4))
    done = host.run("dg", "scaffold", "defs", TYPE, "scaffolded", "--input", "x.fa")
    assert done.returncode == 0, done.stderr
    host.write(
        "both",
        {"dataset": "first"},
        {"dataset": ["demo"], "batch_size": 4000, "spark_conf": {"spark.driver.memory": "600m"}},
    )
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "dagster-project.md").read_text()
    (example,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "post_processing" in block
    )
    documented = host.root / "src/mine/defs/documented"
    documented.mkdir()
    (documented / "defs.yaml").write_text(example)
    done = host.run("dg", "list", "defs", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: Listing = json.loads(done.stdout)
    return found


def defs(root: Path, **attributes: object) -> dg.Definitions:
    """Definitions of one component in a project at ``root``."""
    component = CodonFrequencies.from_attributes_dict(attributes=attributes)
    tree = ComponentTree(defs_module=opengenome_assets_tests, project_root=root)
    built: dg.Definitions = component.build_defs(tree.load_context)
    return built


def keys_of(definitions: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_all_asset_keys()}


def test_dg_finds_the_component_with_its_description() -> None:
    found = discover_entry_point_package_objects()
    key = EnvRegistryKey(namespace="opengenome_assets", name="CodonFrequencies")
    assert found[key] is CodonFrequencies
    summary = get_package_entry_snap(key, CodonFrequencies).summary or ""
    assert summary.startswith("Codon frequencies of a genome collection")


def test_dg_scaffolds_a_loadable_component(host: Host, listed: Listing) -> None:
    text = (host.root / "src/mine/defs/scaffolded/defs.yaml").read_text()
    assert text == f"type: {TYPE}\n\nattributes:\n  dataset: scaffolded\n  input: x.fa\n"
    keys = [each["asset_key"] for each in listed["assets"] if each["asset_key"].startswith("scaffolded/")]
    assert keys == [f"scaffolded/{name}" for name in ASSETS]


def test_documents_of_one_file_are_data_sets(listed: Listing) -> None:
    datasets = {each["asset_key"].split("/")[0] for each in listed["assets"]}
    assert datasets == {"scaffolded", "first", "demo", "viruses"}
    assert {each["name"] for each in listed["resources"]} == {"pyspark", "pyspark_demo"}


def test_the_documented_owners_are_those_of_all_assets(listed: Listing) -> None:
    assets = [each for each in listed["assets"] if each["asset_key"].startswith("viruses/")]
    assert [each["asset_key"] for each in assets] == [f"viruses/{name}" for name in ASSETS]
    for each in assets:
        assert each["owners"] == [{"team": "genomics"}, {"email": "ada@example.org"}]
        tags = {tag["key"]: tag["value"] for tag in each["tags"]}
        assert tags["cost_center"] == "lab"
        assert tags["opengenome/dataset"] == "viruses"


@pytest.mark.usefixtures("listed")
def test_a_wrong_attribute_is_one_line_with_its_place(host: Host) -> None:
    host.write("bad", {"dataset": "bad", "batch_size": 0})
    done = host.run("dg", "check", "defs")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "`attributes.batch_size at " in said
    assert "src/mine/defs/bad/defs.yaml:1`" in said
    assert "batch_size: 0 is not allowed. Give a whole number of rows, 1 or more, or 'auto'" in said


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"frame": 7}, "frame: 7 is not allowed. Give a whole number, 0 to 2"),
        ({"frame": True}, "valid integer"),
        ({"colour": "red"}, "colour\n  Extra inputs are not permitted"),
        ({"dataset": ["a", "b/c"]}, "dataset: 'b/c' cannot be the name of a data set"),
        ({"soft_mask": "maybe"}, "'maybe' is not allowed. Give 'count' or 'skip'"),
        ({"spark_conf": {"spark.master": "local"}}, "spark_conf: spark.master cannot be set here"),
        ({"spark_conf": {"spark": {"remote": "sc://x"}}}, "spark_conf: spark.remote cannot be set here"),
    ],
)
def test_attributes_are_checked_like_variables(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CodonFrequencies.model().model_validate(attributes)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"dataset": "x", "catalogue": "none.toml"}, "data set x: OPENGENOME_CATALOGUE: "),
        (
            {"dataset": "x", "spark_jobs": 2, "spark_resource": "mine"},
            "data set x: spark_jobs cannot be set together with spark_resource",
        ),
    ],
)
def test_an_error_while_loading_is_one_line(
    tmp_path: Path, attributes: dict[str, object], message: str
) -> None:
    with pytest.raises(dg.DagsterInvalidDefinitionError) as refused:
        defs(tmp_path, **attributes)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_value_of_a_template_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="frame: 7 is not allowed"):
        defs(tmp_path, frame="{{ 3 + 4 }}")


def test_every_setting_is_an_attribute_with_its_help() -> None:
    fields = CodonFrequencies.model().model_fields
    settings = declared(Settings) | declared(TableParameters)
    assert set(settings) | {"spark_conf", "spark_resource"} == set(fields)
    for name, setting in settings.items():
        assert str(fields[name].description).startswith(setting.help)


def test_relative_paths_start_at_the_projects_folder(tmp_path: Path) -> None:
    write_fasta(tmp_path / "x.fa", made_up_records(7))
    definitions = defs(tmp_path, dataset="mine", input=["x.fa"], warehouse="kept", sequences=7, batch_size=3)
    asset = definitions.get_assets_def(dg.AssetKey(["mine", "raw_sequences"]))
    result = dg.materialize([asset], instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)))
    assert result.success
    assert (tmp_path / "kept" / "mine" / "manifest.json").exists()
    partitions = definitions.get_assets_def(dg.AssetKey(["mine", "sequences"])).partitions_def
    assert partitions is not None
    assert partitions.get_partition_keys() == ["batch_0000", "batch_0001", "batch_0002"]


def test_variables_do_not_change_a_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENGENOME_DATASET", "other")
    monkeypatch.setenv("OPENGENOME_FRAME", "2")
    definitions = defs(tmp_path, dataset="mine")
    assert {key.split("/")[0] for key in keys_of(definitions)} == {"mine"}
    table = definitions.get_assets_def(dg.AssetKey(["mine", "codon_frequencies"]))
    assert table.op.config_schema.as_field().config_type.fields["frame"].default_value == 0


def test_table_parameters_are_defaults_of_the_run(tmp_path: Path) -> None:
    definitions = defs(tmp_path, dataset="mine", frame=2, genetic_code="{{ 2 }}", skip_stops=True)
    table = definitions.get_assets_def(dg.AssetKey(["mine", "codon_frequencies"]))
    fields = table.op.config_schema.as_field().config_type.fields
    assert [fields[name].default_value for name in ("frame", "genetic_code", "skip_stops")] == [2, 2, True]


def test_spark_resource_names_one_of_the_project(tmp_path: Path) -> None:
    definitions = defs(tmp_path, dataset="mine", spark_resource="cluster")
    assert definitions.resources == {}
    counts = definitions.get_assets_def(dg.AssetKey(["mine", "codon_counts"]))
    assert counts.required_resource_keys >= {"cluster"}


@pytest.mark.spark
def test_a_session_of_the_project_counts_and_stays(
    tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OwnSpark:
        @property
        def spark_session(self) -> SparkSession:
            return spark

    records = made_up_records(20)
    write_fasta(tmp_path / "x.fa", records)
    built = defs(
        tmp_path, dataset="viruses", input="x.fa", sequences=20, batch_size=6, spark_resource="own_spark"
    )
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "dagster-project.md").read_text()
    (example,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "rare_codons" in block
    )
    module: dict[str, dg.AssetsDefinition] = {}
    exec(example, module)  # noqa: S102 (the page's own code)
    monkeypatch.chdir(tmp_path)
    host = dg.Definitions.merge(
        built, dg.Definitions(assets=[module["rare_codons"]], resources={"own_spark": OwnSpark()})
    )
    done = host.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)),
        tags={
            "dagster/asset_partition_range_start": "batch_0000",
            "dagster/asset_partition_range_end": "batch_0003",
        },
    )
    assert done.success
    table = load_codon_frequencies("viruses", warehouse=tmp_path / "data").to_pandas()
    expected = naive_counts(list(records.values()))
    assert dict(zip(table["codon"], table["count"], strict=True)) == {
        codon: expected.get(("+", 0, codon), 0) for codon in table["codon"]
    }
    (rare,) = done.asset_materializations_for_node("rare_codons")
    assert len(str(rare.metadata["codons"].value).split(", ")) == 3
    # The project did not stop the session.
    assert spark.range(3).count() == 3


def test_spark_settings_of_component_and_run_are_merged() -> None:
    own = spark_resource("local[1]", None, (("spark.driver.memory", "1g"), ("spark.a", "component")))
    run = type(own)(spark_config={"spark": {"a": "run", "b": True}})
    assert run.settings_of_run == {"spark.driver.memory": "1g", "spark.a": "run", "spark.b": "true"}


def test_a_component_leaves_the_projects_executor_alone(tmp_path: Path) -> None:
    assert defs(tmp_path, dataset="mine").executor is None
