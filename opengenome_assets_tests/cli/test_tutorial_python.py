"""The cells of docs/tutorial-python.md, run in order as a notebook does, and what they show."""

import ast
import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from opengenome_assets_tests.services import ROOT

PAGE = ROOT / "docs" / "tutorial-python.md"
# A cell, and the output below it.
CELL = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
CELLS = CELL.findall(PAGE.read_text())
IN_PROCESS = CELL.findall(PAGE.read_text().split("## Whole collections")[0])


def shown(cell: str, names: dict[str, Any]) -> str:
    """Run a cell; what it printed, then its last value unless that is None."""
    tree = ast.parse(cell)
    end = tree.body[-1]
    last = ast.Expression(end.value) if isinstance(end, ast.Expr) else None
    if last:
        tree.body.pop()
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, str(PAGE), "exec"), names)  # noqa: S102 (the page's own code)
        value = eval(compile(last, str(PAGE), "eval"), names) if last else None  # noqa: S307 (the page's own code)
    return out.getvalue() + ("" if value is None else f"{value!r}\n")


def shows(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    names: dict[str, Any] = {}
    return [(cell, shown(cell, names)) for cell, _ in cells]


def test_cells_without_the_graph_show_their_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(IN_PROCESS) > 5
    assert shows(IN_PROCESS) == IN_PROCESS


@pytest.mark.spark
def test_all_cells_show_their_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: object) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(CELLS) > len(IN_PROCESS)
    assert shows(CELLS) == CELLS
