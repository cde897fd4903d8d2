"""A read-only Dagster home, as in a container, can be opened, because its records are elsewhere."""

from pathlib import Path

import pytest

from opengenome_assets.running.instance import open_instance
from opengenome_assets_tests.faults.disks import remount, small_disk

ELSEWHERE = """
storage: {{sqlite: {{base_dir: {folder}}}}}
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config: {{base_dir: {folder}}}
"""


def test_a_home_that_cannot_be_written_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    with small_disk(home, "500k"):
        (home / "dagster.yaml").write_text(ELSEWHERE.format(folder=tmp_path / "records"))
        remount(home, "ro")
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        with open_instance(str(tmp_path / "warehouse")) as instance:
            assert instance.get_runs() == []
        assert [path.name for path in home.iterdir()] == ["dagster.yaml"]
