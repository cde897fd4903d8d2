"""The shape of the graph, so that a change of it shows in this file. Loading it reads almost nothing."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
import dagster as dg
import pytest
from dagster._cli import create_dagster_cli
from dagster_shared.utils.warnings import SupersessionWarning

from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.definitions import _load
from opengenome_assets.errors import ManifestError
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.settings import TableParameters, read_settings
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta
from opengenome_assets_tests.services import make_place, run_command

SHAPE = """
demo/raw_sequences · group demo · json, python
demo/sequences ← demo/raw_sequences · group demo · parquet, python · 3 partitions to batch_0002
    check only_nucleotide_letters · blocking · 3 partitions to batch_0002
    check rows_as_planned · blocking · 3 partitions to batch_0002
    check unique_ids · 3 partitions to batch_0002
demo/codon_counts ← demo/sequences · group demo · parquet, spark · pool spark · 3 partitions to batch_0002
    check total_codon_count · blocking · 3 partitions to batch_0002
demo/codon_frequencies ← demo/codon_counts · group demo · parquet, python
    check batch_recount_agrees · blocking
    check batches_complete · blocking
    check frequencies_sum_to_one · blocking
    check matches_planted · blocking
    check recount_agrees · blocking
    check total_equals_batches · blocking
demo/codon_usage_report ← demo/codon_frequencies · group demo · html, python
organelle/raw_sequences · group organelle · json, python
organelle/sequences ← organelle/raw_sequences · group organelle · parquet, python · 7 partitions to batch_0006
    check only_nucleotide_letters · blocking · 7 partitions to batch_0006
    check rows_as_planned · blocking · 7 partitions to batch_0006
    check unique_ids · 7 partitions to batch_0006
organelle/codon_counts ← organelle/sequences · group organelle · parquet, spark · pool spark · 7 partitions to batch_0006
    check total_codon_count · blocking · 7 partitions to batch_0006
organelle/codon_frequencies ← organelle/codon_counts · group organelle · parquet, python
    check batch_recount_agrees · blocking
    check batches_complete · blocking
    check frequencies_sum_to_one · blocking
    check recount_agrees · blocking
    check total_equals_batches · blocking
organelle/codon_usage_report ← organelle/codon_frequencies · group organelle · html, python
"""

# Says what loading did: files opened, addresses sought, programs started.
LOAD = """
import json, sys
reported = {"open": [], "socket.connect": [], "socket.getaddrinfo": [], "subprocess.Popen": []}
def hear(event, arguments):
    if event in reported:
        reported[event].append(str(arguments[0]))
sys.addaudithook(hear)
from opengenome_assets.definitions import defs
nodes = defs.resolve_asset_graph().asset_nodes
reported["partitions"] = {
    node.key.to_user_string(): len(node.partitions_def.get_partition_keys())
    for node in nodes
    if node.is_partitioned
}
json.dump(reported, sys.stdout)
"""


def definitions(warehouse: Path, **settings: object) -> dg.Definitions:
    """The graph for settings; ``dataset="demo"`` for ``OPENGENOME_DATASET``."""
    environment = {f"OPENGENOME_{name.upper()}": str(value) for name, value in settings.items()}
    named = read_settings({"OPENGENOME_WAREHOUSE": str(warehouse), **environment})
    return build_definitions(resolve_datasets(named))


def partitions_of(graph: dg.Definitions, *key: str) -> list[str]:
    partitions = graph.get_assets_def(dg.AssetKey(key)).partitions_def
    assert partitions is not None
    return list(partitions.get_partition_keys())


def shape_of(graph: dg.Definitions) -> str:
    """Assets in the order of their data, each with its checks, a line each."""
    resolved = graph.resolve_asset_graph()
    lines = []
    for key in sorted(resolved.toposorted_asset_keys, key=lambda key: key.path[0]):
        node = resolved.get(key)
        parents = ", ".join(parent.to_user_string() for parent in sorted(node.parent_keys))
        lines.append(
            " · ".join(
                [
                    key.to_user_string() + (f" ← {parents}" if parents else ""),
                    f"group {node.group_name}",
                    ", ".join(sorted(node.kinds)),
                    *(f"pool {pool}" for pool in sorted(node.pools)),
                    *_partitions(node.partitions_def),
                ]
            )
        )
        for check_key in sorted(node.check_keys, key=lambda check: check.name):
            check = resolved.get(check_key)
            blocking = ["blocking"] if check.blocking else []
            lines.append(
                " · ".join([f"    check {check_key.name}", *blocking, *_partitions(check.partitions_def)])
            )
    return "\n".join(lines)


def _partitions(partitions: dg.PartitionsDefinition | None) -> list[str]:
    if partitions is None:
        return []
    keys = partitions.get_partition_keys()
    return [f"{len(keys)} partitions to {keys[-1]}"]


def test_the_graph_has_this_shape(tmp_path: Path) -> None:
    assert shape_of(definitions(tmp_path, dataset="demo,organelle")) == SHAPE.strip()


def test_the_report_waits_for_tables_of_sequences(tmp_path: Path) -> None:
    lines = shape_of(definitions(tmp_path, dataset="demo", by_sequence="yes")).splitlines()
    (report,) = [line for line in lines if line.startswith("demo/codon_usage_report")]
    assert report.startswith(
        "demo/codon_usage_report ← demo/codon_frequencies, demo/codon_usage_by_sequence · "
    )


def test_every_asset_runs_in_one_run_of_a_backfill(tmp_path: Path) -> None:
    graph = definitions(tmp_path, dataset="demo,organelle").resolve_asset_graph()
    policies = {graph.get(key).backfill_policy for key in graph.materializable_asset_keys}
    assert policies == {dg.BackfillPolicy.single_run()}


def test_a_run_is_one_process(tmp_path: Path) -> None:
    assert definitions(tmp_path).executor is dg.in_process_executor


def test_the_graph_can_be_loaded_by_dagster(tmp_path: Path) -> None:
    dg.Definitions.validate_loadable(definitions(tmp_path, dataset="demo,organelle,nobody"))


def test_organelle_has_seven_partitions_with_nothing_downloaded(tmp_path: Path) -> None:
    keys = partitions_of(definitions(tmp_path, dataset="organelle"), "organelle", "sequences")
    assert keys == [f"batch_{number:04d}" for number in range(7)]


def test_sequences_and_counts_share_their_partitions(tmp_path: Path) -> None:
    graph = definitions(tmp_path)
    first, second = (
        graph.get_assets_def(dg.AssetKey(["demo", name])) for name in ("sequences", "codon_counts")
    )
    assert first.partitions_def is second.partitions_def


def test_two_data_sets_have_no_asset_in_common(tmp_path: Path) -> None:
    keys = definitions(tmp_path, dataset="demo,organelle").resolve_asset_graph().get_all_asset_keys()
    demo, organelle = ({key.path[1] for key in keys if key.path[0] == name} for name in ("demo", "organelle"))
    assert demo == organelle
    assert len(keys) == 2 * len(demo)


def test_a_name_with_dots_and_dashes_stands_in_the_keys_as_it_is(tmp_path: Path) -> None:
    keys = definitions(tmp_path, dataset="my-set.v2").resolve_asset_graph().get_all_asset_keys()
    assert {key.path[0] for key in keys} == {"my-set.v2"}


def test_an_unknown_data_set_of_ones_own_has_no_partitions(tmp_path: Path) -> None:
    assert partitions_of(definitions(tmp_path, dataset="mine"), "mine", "codon_counts") == []


def test_an_empty_plans_description_says_what_to_do(tmp_path: Path) -> None:
    raw = (
        definitions(tmp_path, dataset="mine")
        .resolve_asset_graph()
        .get(dg.AssetKey(["mine", "raw_sequences"]))
    )
    assert "Materialize this asset to register the input. Then reload the definitions" in (
        raw.description or ""
    )


def test_partitions_are_those_of_the_manifest_once_there_is_one(tmp_path: Path) -> None:
    mine = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=6)
    mine.registered()
    assert partitions_of(build_definitions([mine.dataset]), "mine", "sequences") == [
        f"batch_{number:04d}" for number in range(4)
    ]


def test_settings_do_not_change_the_partitions_of_a_manifest(tmp_path: Path) -> None:
    mine = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(20)), batch_size=6)
    mine.registered()
    other = definitions(mine.warehouse, dataset="mine", batch_size=1)
    assert len(partitions_of(other, "mine", "sequences")) == 4


def test_rows_assigned_is_checked_with_groups_by_file(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", made_up_records(2))

    def checked(**settings: object) -> bool:
        graph = build_definitions([project(tmp_path, fasta, **settings).dataset]).resolve_asset_graph()
        return dg.AssetCheckKey(dg.AssetKey(["mine", "sequences"]), "rows_assigned") in graph.asset_check_keys

    assert [checked(), checked(group="file")] == [False, True]
    project(tmp_path, fasta, group="file").registered()
    assert checked()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 99}'])
def test_an_unreadable_manifest_is_an_error_not_an_empty_plan(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "manifest.json").write_text(content)
    with pytest.raises(ManifestError, match=r"demo/manifest\.json"):
        definitions(tmp_path)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What loading the definitions of a registered data set did whose input is gone."""
    folder = tmp_path_factory.mktemp("loaded")
    source = write_fasta(folder / "mine.fa", made_up_records(20))
    mine = project(folder, source, batch_size=6)
    mine.registered()
    source.unlink()
    place = make_place(folder / "place", input=source, dataset="mine,organelle")
    done = run_command(place, sys.executable, "-c", LOAD, OPENGENOME_WAREHOUSE=str(mine.warehouse))
    assert done.returncode == 0, done.stderr
    reported: dict[str, object] = json.loads(done.stdout)
    return reported


def test_loading_keeps_the_partitions_of_an_input_that_is_gone(loaded: dict[str, dict[str, int]]) -> None:
    assert loaded["partitions"] == {
        "mine/sequences": 4,
        "mine/codon_counts": 4,
        "organelle/sequences": 7,
        "organelle/codon_counts": 7,
    }


def test_loading_reads_only_one_manifest_per_data_set(
    loaded: dict[str, list[str]],
) -> None:
    of_data = [
        Path(path).name for path in loaded["open"] if "/warehouse/" in path or path.endswith("mine.fa")
    ]
    assert of_data == ["manifest.json", "manifest.json"]


def test_loading_starts_no_jvm(loaded: dict[str, list[str]]) -> None:
    programs = {Path(program).name for program in loaded["subprocess.Popen"]}
    # pyspark starts its JVM by spark-submit; the check of Java starts java.
    assert programs & {"java", "spark-submit"} == set()


def test_loading_seeks_no_address(loaded: dict[str, object]) -> None:
    assert (loaded["socket.connect"], loaded["socket.getaddrinfo"]) == ([], [])


MATERIALIZE = ("asset", "materialize", "-m", "opengenome_assets.definitions", "--select", "*")


def test_a_bad_setting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = make_place(tmp_path / "place")
    for name, value in (
        place.settings | {"OPENGENOME_BATCH_SIZE": "0", "DAGSTER_HOME": str(place.home)}
    ).items():
        monkeypatch.setenv(name, value)
    # The command loads the definitions again.
    monkeypatch.delitem(sys.modules, "opengenome_assets.definitions")
    with pytest.warns(SupersessionWarning), pytest.raises(SystemExit) as end:
        create_dagster_cli()(MATERIALIZE)
    said = capsys.readouterr()
    assert (end.value.code, said.out, said.err) == (
        1,
        "",
        "Error: OPENGENOME_BATCH_SIZE: '0' is not allowed. "
        "Give a whole number of rows, 1 or more, or 'auto', or leave it unset.\n",
    )


def test_a_manifest_that_cannot_be_read_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "manifest.json").write_text("{")
    monkeypatch.setenv("OPENGENOME_WAREHOUSE", str(tmp_path))
    # What Dagster's command prints as the one line above.
    with pytest.raises(click.ClickException) as refused:
        _load()
    assert refused.value.message.startswith(f"{tmp_path}/demo/manifest.json: cannot be read")
    assert "\n" not in refused.value.message


def test_run_config_has_the_declared_parameters(tmp_path: Path) -> None:
    graph = definitions(tmp_path, dataset="demo", by_sequence="yes")

    def config_of(asset: str) -> dict[str, object]:
        schema = graph.get_assets_def(dg.AssetKey(["demo", asset])).op.config_schema.as_field()
        return {name: field.default_value for name, field in schema.config_type.fields.items()}

    assert config_of("codon_frequencies") == asdict(TableParameters())
    assert config_of("codon_usage_by_sequence") == {
        "frame": 0,
        "strand": "+",
        "genetic_code": 1,
        "skip_stops": False,
    }
