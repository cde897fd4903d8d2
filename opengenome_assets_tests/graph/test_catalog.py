"""What Dagster's catalog shows of the assets: tags, code, place, rows, and the origin of columns."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from opengenome_assets import schemas
from opengenome_assets.graph import codon_counts, codon_frequencies, raw_sequences, report, sequences
from opengenome_assets.graph.build import build_definitions
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.graph.test_graph_shape import definitions
from opengenome_assets_tests.graph.test_own_table import WITH_REPORT, launch
from opengenome_assets_tests.scenario import Project, made_up_records, project, without_pictures, write_fasta

MODULES = {
    "raw_sequences": raw_sequences,
    "sequences": sequences,
    "codon_counts": codon_counts,
    "codon_frequencies": codon_frequencies,
    "codon_usage_report": report,
}


def specs_of(graph: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.path[-1]: spec for spec in graph.resolve_all_asset_specs()}


def of_namespace(tags: Any) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.startswith("opengenome/")}


def test_tags_name_the_data_set_and_the_stage(tmp_path: Path) -> None:
    specs = specs_of(definitions(tmp_path, dataset="my-set.v2", by_sequence="yes"))
    assert {name: of_namespace(spec.tags) for name, spec in specs.items()} == {
        name: {"opengenome/dataset": "my-set.v2", "opengenome/stage": stage}
        for name, stage in {
            "raw_sequences": "registering",
            "sequences": "writing",
            "codon_counts": "counting",
            "codon_usage_by_sequence": "measuring",
            "codon_frequencies": "table",
            "codon_usage_report": "report",
        }.items()
    }


def test_tags_of_a_sample_have_its_size(tmp_path: Path) -> None:
    (tags,) = {
        tuple(sorted(of_namespace(spec.tags).items())[:2])
        for spec in specs_of(definitions(tmp_path, dataset="demo", sample=7)).values()
    }
    assert tags == (("opengenome/dataset", "demo"), ("opengenome/sample", "7"))


def test_the_tag_of_a_long_name_can_be_loaded(tmp_path: Path) -> None:
    spec = specs_of(definitions(tmp_path, dataset="x" * 100))["sequences"]
    assert spec.tags["opengenome/dataset"] == "x" * 63


def test_an_asset_refers_to_the_code_that_makes_it(tmp_path: Path) -> None:
    specs = specs_of(definitions(tmp_path))
    assert specs.keys() == MODULES.keys()
    for name, module in MODULES.items():
        (reference,) = specs[name].metadata["dagster/code_references"].code_references
        assert reference.file_path == module.__file__
        lines = Path(reference.file_path).read_text().splitlines()[reference.line_number - 1 :]
        # The first function from there on is the asset's.
        assert next(line for line in lines if "def " in line).strip().startswith(f"def {name}(")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("catalog")
    made = project(folder, write_fasta(folder / "mine.fa", made_up_records(20)), batch_size=6)
    made.registered()
    write_and_count(made)
    return made


@pytest.fixture(scope="module")
def shown(own: Project) -> dict[str, dict[str, Any]]:
    """Metadata by asset."""
    with without_pictures():
        events = launch(own, ["raw_sequences", *WITH_REPORT]).get_asset_materialization_events()
    materialized = [event.step_materialization_data.materialization for event in events]
    return {each.asset_key.path[-1]: {k: v.value for k, v in each.metadata.items()} for each in materialized}


@pytest.mark.parametrize(
    ("asset", "path"),
    [
        ("raw_sequences", "manifest.json"),
        ("codon_frequencies", "codon_frequencies.parquet"),
        ("codon_usage_report", "report/index.html"),
    ],
)
def test_metadata_names_the_file(
    own: Project, shown: dict[str, dict[str, Any]], asset: str, path: str
) -> None:
    assert shown[asset]["dagster/uri"] == str(own.warehouse / "mine" / path)


def test_metadata_counts_rows(shown: dict[str, dict[str, Any]]) -> None:
    assert shown["raw_sequences"]["dagster/row_count"] == 20
    assert shown["codon_frequencies"]["dagster/row_count"] == 64


def test_each_column_of_the_table_has_its_origin(own: Project, shown: dict[str, dict[str, Any]]) -> None:
    lineage = shown["codon_frequencies"]["dagster/column_lineage"].deps_by_column
    assert list(lineage) == schemas.CODON_FREQUENCIES.names
    origins = {origin for column in lineage.values() for origin in column}
    graph = build_definitions([own.dataset]).resolve_asset_graph()
    (counts,) = {origin.asset_key for origin in origins}
    assert counts in graph.get(dg.AssetKey(["mine", "codon_frequencies"])).parent_keys
    # Every column of the counts reaches the table.
    assert {origin.column_name for origin in origins} == set(schemas.CODON_COUNTS.names)
