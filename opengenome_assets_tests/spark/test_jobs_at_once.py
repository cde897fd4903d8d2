"""How many Spark jobs run at a time: what the setting says, or as many as have tasks for all cores."""

from pathlib import Path

import pytest

from opengenome_assets.batching.registering import register
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import read_settings
from opengenome_assets.spark import counting
from opengenome_assets_tests.scenario import made_up_records, project, write_fasta


@pytest.mark.parametrize(("text", "jobs"), [("", None), ("auto", None), ("1", 1), ("32", 32)])
def test_the_setting_is_a_number_or_auto(text: str, jobs: int | None) -> None:
    assert read_settings({"OPENGENOME_SPARK_JOBS": text}).spark_jobs == jobs


@pytest.mark.parametrize("text", ["0", "33", "many", "-1", "2.5"])
def test_another_value_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(SettingError, match=rf"OPENGENOME_SPARK_JOBS: '{text}' .* 1 to 32, or 'auto'"):
        read_settings({"OPENGENOME_SPARK_JOBS": text})


@pytest.mark.parametrize(
    ("cores", "task_bases", "jobs"),
    [
        # A batch of about ten tasks: two jobs are enough for few cores, and many cores need more.
        (2, 450, 2),
        (20, 450, 5),
        # A batch that is one task: two jobs a core, up to what the driver carries.
        (4, 10**6, 8),
        (400, 10**6, 32),
    ],
)
def test_jobs_fill_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, task_bases: int, jobs: int
) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", made_up_records(40)), batch_size=10)
    manifest = register(own.runner.dataset, lambda line: None).manifest
    assert 4_000 < manifest.bases / 4 < 5_000
    monkeypatch.setattr(counting, "TASK_BASES", task_bases)
    assert counting._jobs_that_fill(cores, manifest, [[key] for key in manifest.plan.keys]) == jobs
