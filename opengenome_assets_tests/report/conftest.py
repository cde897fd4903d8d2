"""One report for all tests: drawing its pictures takes longer than everything that is asked of it."""

from pathlib import Path

import pytest
from filelock import FileLock

from opengenome_assets.report.page import build_report
from opengenome_assets_tests.report.scenario import full_inputs


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, bytes]:
    """File name → content; the workers of pytest-xdist share what the first of them draws."""
    if worker_id == "master":
        return build_report(full_inputs())
    folder = tmp_path_factory.getbasetemp().parent / "report"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _write(folder, build_report(full_inputs()))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _write(folder: Path, report: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, content in report.items():
        (folder / name).write_bytes(content)


@pytest.fixture(scope="session")
def page(report: dict[str, bytes]) -> str:
    return report["index.html"].decode()
