"""Renews the README's screenshots of Dagster's UI: ``make pictures`` uses the same steps as the tests."""

import shutil
import tempfile
from pathlib import Path

from opengenome_assets_tests.browser.walk import walk
from opengenome_assets_tests.services import ROOT

# By the pages that they are of.
PICTURES = {"lineage": "dagster-lineage.png", "picture": "dagster-picture.png"}


def main() -> None:
    """Write the pictures into the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        walk(place)
        for page, name in PICTURES.items():
            shutil.copy(place / f"{page}.png", ROOT / "docs" / "images" / name)


if __name__ == "__main__":
    main()
