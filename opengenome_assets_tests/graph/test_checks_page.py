"""The page of checks explains every figure that a check reports."""

import re
import shutil
from pathlib import Path

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.checks.batch import check_by_sequence, check_counts, check_sequences
from opengenome_assets.checks.recount import check_batch_recount, check_recount
from opengenome_assets.checks.table import check_complete, check_planted, check_sums, check_total
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.spark.stages import measuring_work
from opengenome_assets_tests.counts.without_spark import do
from opengenome_assets_tests.graph.tampering import PLAIN, Finished
from opengenome_assets_tests.services import ROOT

BATCH = "batch_0000"


def explained_figures() -> dict[str, set[str]]:
    """Names of figures by check, from the tables of the page."""
    page = (ROOT / "docs" / "reference" / "checks.md").read_text()
    parts = re.split(r"^###? (.+)\n", page, flags=re.MULTILINE)
    cells = {
        name: " ".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {name: set(re.findall("`([^`]+)`", text)) for name, text in cells.items() if text}


def test_every_figure_of_a_check_is_explained(untouched_demo: Finished, tmp_path: Path) -> None:
    # A copy, because another table is written into it.
    shutil.copytree(untouched_demo.folder.root, tmp_path / untouched_demo.folder.dataset)
    files = BatchFiles(DatasetFolder(str(tmp_path), untouched_demo.folder.dataset), untouched_demo.manifest)
    do(measuring_work(files, PLAIN), BATCH)
    outcomes = check_sequences(files, BATCH) | {
        "total_codon_count": check_counts(files, BATCH),
        "sums_to_batch_counts": check_by_sequence(files, BATCH),
        "total_equals_batches": check_total(files),
        "frequencies_sum_to_one": check_sums(files),
        "batches_complete": check_complete(files),
        "recount_agrees": check_recount(files, 1),
        "batch_recount_agrees": check_batch_recount(files, PLAIN, 1),
        "matches_planted": check_planted(files.folder),
    }
    # The page names the first and the last of the figures of each frame.
    reported = {
        check: {
            name for name in outcome.figures if not re.fullmatch(r"counted (\+[12]|-[01])|expected 1", name)
        }
        for check, outcome in outcomes.items()
    }
    assert reported == explained_figures()
