"""The wheel, which is installed without a clone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from opengenome_assets_tests.services import ROOT


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Paths in the wheel that is built from a copy of what it is made of."""
    place = tmp_path_factory.mktemp("wheel")
    for name in ("opengenome_assets", "pyproject.toml", "README.md", "LICENSE"):
        (place / name).symlink_to(ROOT / name)
    program = [
        str(Path(sys.executable).with_name("uv")),
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
    ]
    subprocess.run([*program, "--python", sys.executable, "--out-dir", str(place), str(place)], check=True)
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_every_file_of_the_package(names: set[str]) -> None:
    package = ROOT / "opengenome_assets"
    files = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name and not name.endswith((".nbi", ".nbc"))}
    assert expected == {name for name in names if name.startswith("opengenome_assets/")}


def test_the_wheel_has_no_tests(names: set[str]) -> None:
    assert not any(name.startswith(("opengenome_assets_tests", "benchmarks")) for name in names)
