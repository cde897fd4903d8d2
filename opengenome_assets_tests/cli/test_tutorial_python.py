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


def shown(cell: str, names: dict[str, Any]) -> str:
    """Run a cell; what it printed, then its last value unless that is None."""
    tree = ast.parse(cell)
    end = tree.body[-1]
    last = ast.Expression(end.value) if isinstance(end, ast.Expr) else None
    if last:
        tree.body.pop()
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, str(PAGE), "exec"), names)  # noqa: S102 (the page's own code)
        value = eval(compile(last, str(PAGE), "eval"), names) if last else None  # noqa: S307
    return out.getvalue() + ("" if value is None else f"{value!r}\n")


def test_each_cell_shows_the_output_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shows = [(cell, shown(cell, names)) for cell, _ in CELLS]
    assert shows == CELLS


def test_most_cells_have_an_output() -> None:
    assert len([output for _, output in CELLS if output]) > 5
