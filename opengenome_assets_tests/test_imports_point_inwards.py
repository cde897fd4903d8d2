"""Codons know no files, files no Spark, Spark no Dagster: an import only ever points inwards."""

import ast
from pathlib import Path

import pytest

import opengenome_assets

ROOT = Path(opengenome_assets.__file__).parent
# Inside out. A package may import from those before it, and from itself.
LAYERS = [
    "errors",
    "paths",
    "units",
    "schemas",
    "codons",
    "declaring",
    "settings",
    "files",
    "inputs",
    "metadata",
    "datasets",
    "batches",
    "counts",
    "tables",
    "report",
    "checks",
    "spark",
    "graph",
    "definitions",
    "running",
    "cli",
]
ONLY_IN = {
    "dagster": {"graph", "definitions", "running"},
    "dagster_pyspark": {"graph"},
    "pyspark": {"spark", "graph"},
    "py4j": {"spark"},
    "click": {"cli", "graph", "definitions"},
    "rich": {"cli"},
}
MODULES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_import_only_ever_points_inwards(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for module in imports(path):
        if module.startswith("opengenome_assets."):
            assert LAYERS.index(layer(module)) <= LAYERS.index(own), f"{own} imports {module}"
        top = module.split(".")[0]
        if top in ONLY_IN:
            assert own in ONLY_IN[top], f"{own} imports {module}"
