"""The table of 60 organelle records, and what is right for each."""

from pathlib import Path

import pytest

ORGANELLES_60 = Path(__file__).parents[3] / "shared" / "opengenome2" / "organelles_60.csv"
needs_organelles_60 = pytest.mark.skipif(
    not ORGANELLES_60.is_file(), reason="the table ../shared/opengenome2/organelles_60.csv is absent"
)
