"""A warehouse that version 0.1.0 wrote is read.

``format_1.zip`` holds it, with its input and sidecar table: every kind of file, from before some of them stated their
format. A later format gets a file of its own beside it; this one stays what it is.
"""

import shutil
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets import load_codon_frequencies
from opengenome_assets.batching.manifest import read_file_list
from opengenome_assets.batching.registering import register
from opengenome_assets.batching.rejecting import read_rejected
from opengenome_assets.batching.sidecar import kept_sidecar, sidecar_path
from opengenome_assets.batching.writing import is_written
from opengenome_assets.checking import by_sequence, counts, frequencies, recount, sequences
from opengenome_assets.counting.count_files import read_all_counts, unfinished_batches
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets_tests.scenario import Project, naive_counts

ARCHIVE = Path(__file__).with_name("format_1.zip")
BATCHES = ["batch_0000", "batch_0001"]


@pytest.fixture
def old(tmp_path: Path) -> Project:
    shutil.unpack_archive(ARCHIVE, tmp_path)
    return Project(tmp_path / "warehouse", {"OPENGENOME_DATASET": "genomes"})


@pytest.fixture
def records(tmp_path: Path, old: Project) -> dict[str, str]:
    del old
    lines = (tmp_path / "genomes.fa").read_text().splitlines()
    return {name.split()[0][1:]: letters for name, letters in zip(lines[::2], lines[1::2], strict=True)}


def test_its_plan_is_read(old: Project) -> None:
    assert (old.manifest.plan.keys, old.manifest.rows, old.manifest.rejected) == (BATCHES, 17, 1)


def test_its_list_of_files_is_read(old: Project) -> None:
    (file,) = read_file_list(old.folder, old.manifest)
    assert (file["name"], file["rows"]) == ("genomes.fa", 17)


def test_its_copy_of_the_sidecar_table_is_read(old: Project) -> None:
    digest = old.manifest.settings.metadata
    assert digest is not None
    kept = kept_sidecar(old.folder, digest)
    assert set(kept.groups.to_pylist()) == {"mitochondria", "plastids"}


@pytest.mark.parametrize("batch", BATCHES)
def test_its_sequences_are_read_and_hold(old: Project, batch: str) -> None:
    assert is_written(old.folder, old.manifest, batch)
    outcomes = sequences.check_sequences(old.folder, old.manifest, batch, None)
    assert all(outcome.passed for outcome in outcomes.values())


def test_its_rejected_records_are_read(old: Project) -> None:
    assert read_rejected(old.folder, old.manifest, "batch_0001")["row"].to_pylist() == [16]


def test_its_counts_are_those_of_slicing_strings(old: Project, records: dict[str, str]) -> None:
    grouped = read_all_counts(old.folder, old.manifest).group_by(["strand", "frame", "codon"])
    found = {
        (row["strand"], row["frame"], row["codon"]): row["count_sum"]
        for row in grouped.aggregate([("count", "sum")]).to_pylist()
    }
    assert found == naive_counts([letters for name, letters in records.items() if name != "protein"])


@pytest.mark.parametrize("batch", BATCHES)
def test_its_counts_hold_against_its_sequences(old: Project, batch: str) -> None:
    assert counts.check_counts(old.folder, old.manifest, batch).passed
    assert by_sequence.check_by_sequence(old.folder, old.manifest, batch).passed


def test_its_table_is_read(old: Project) -> None:
    table = load_codon_frequencies("genomes", warehouse=old.warehouse)
    assert pc.sum(table.filter(pc.field("group") == "all")["count"]).as_py() == 819
    assert frequencies.read_table(old.folder)[1] == TableParameters()


def test_its_table_holds_against_its_batches(old: Project) -> None:
    folder, manifest = old.folder, old.manifest
    assert frequencies.check_total(folder, manifest).passed
    assert frequencies.check_sums(folder, manifest).passed
    assert frequencies.check_complete(folder, manifest).passed
    assert recount.check_recount(folder, manifest, seed=1).passed


def test_its_input_is_known_again_and_nothing_is_to_be_done_anew(old: Project, tmp_path: Path) -> None:
    again = Project(
        old.warehouse,
        {
            "OPENGENOME_DATASET": "genomes",
            "OPENGENOME_INPUT": str(tmp_path / "genomes.fa"),
            "OPENGENOME_METADATA": str(tmp_path / "groups.tsv"),
        },
    )
    assert not register(again.runner.dataset, lambda line: None).is_new
    assert unfinished_batches(again.folder, again.manifest) == {}


def test_a_sidecar_table_that_another_version_of_arrow_kept_is_known_again(
    old: Project, tmp_path: Path
) -> None:
    digest = "0" * 64
    manifest = Path(old.folder.location("manifest.json"))
    known = old.manifest.settings.metadata
    assert known is not None
    manifest.write_text(manifest.read_text().replace(known, digest))
    kept = Path(old.folder.location(sidecar_path(known)))
    # Another writer, another file of the same rows.
    pq.write_table(pq.read_table(kept), old.folder.location(sidecar_path(digest)), compression="none")
    kept.unlink()
    test_its_input_is_known_again_and_nothing_is_to_be_done_anew(old, tmp_path)
