"""A partition key that is not a batch, given to Dagster's command."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from dagster._cli.asset import asset_cli

MODULE = """
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.settings import read_settings

defs = build_definitions(resolve_datasets(read_settings({"OPENGENOME_WAREHOUSE": %r, **%r})))
"""
DEMO = {"OPENGENOME_DATASET": "demo"}
UNREGISTERED = {"OPENGENOME_INPUT": "missing.fa", "OPENGENOME_DATASET": "mine"}


@pytest.mark.filterwarnings("ignore:Function `asset_materialize_command` is superseded")
@pytest.mark.parametrize(
    ("settings", "dataset", "option", "message"),
    [
        (
            DEMO,
            "demo",
            ("--partition", "batch_0009"),
            "'batch_0009' is not a batch of demo. It has batch_0000",
        ),
        (
            DEMO,
            "demo",
            ("--partition-range", "batch_0000...batch_0009"),
            "'batch_0009' is not a batch of demo",
        ),
        (DEMO, "demo", ("--partition-range", "batch_1...batch_0001"), "'batch_1' is not a batch of demo"),
        (UNREGISTERED, "mine", ("--partition", "batch_0000"), "of mine. No batches are registered yet"),
    ],
    ids=["partition", "end-of-range", "start-of-range", "unregistered"],
)
def test_a_wrong_partition_key_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    dataset: str,
    option: tuple[str, str],
    message: str,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    module = tmp_path / "graph.py"
    module.write_text(MODULE % (str(tmp_path / "data"), settings))
    select = ("--select", f'key:"{dataset}/sequences"')
    done = CliRunner().invoke(asset_cli, ["materialize", "-f", str(module), *select, *option])
    assert done.exit_code == 1
    line = next(line for line in done.output.splitlines() if line.startswith("Error: "))
    assert message in line
    assert f"'opengenome batches --dataset {dataset}' lists them." in line
    assert "Traceback" not in done.output
