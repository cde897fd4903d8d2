"""A warehouse that version 0.1.0 wrote is read.

``format_1.zip`` holds it, with its input and metadata table: every kind of file, from before some of them stated their
format. A later format gets a file of its own beside it; this one stays what it is.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from opengenome_assets import load_codon_frequencies
from opengenome_assets.batches.manifest import read_file_list, write_manifest
from opengenome_assets.batches.register import fingerprint, register
from opengenome_assets.batches.rejected import read_rejected
from opengenome_assets.checks import batch as of_batch
from opengenome_assets.checks import recount
from opengenome_assets.checks import table as of_table
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.errors import PlanConflictError
from opengenome_assets.files.formats import MANIFEST_FILE
from opengenome_assets.metadata.metadata_table import kept_metadata, metadata_path
from opengenome_assets.report.write import make_report
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import parameters_of, read_table_header
from opengenome_assets_tests.scenario import Project, all_counts, naive_counts

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


def test_its_manifest_is_written_with_the_same_values(old: Project) -> None:
    manifest, before = old.manifest, old.manifest_fields()
    write_manifest(old.folder, manifest, b"")
    after = old.manifest_fields()
    settings = after.pop("settings")
    assert settings == {**manifest_settings(before), "group": None, "ignore_version": False, "column": None}
    defaults = {
        "frame": 0,
        "strand": "+",
        "genetic_code": 1,
        "skip_n": True,
        "skip_stops": False,
        "min_count": 0,
    }
    added = {"unassigned": None, "without_code": None, "masked": 0, "table": defaults}
    assert after == before | added


def manifest_settings(fields: dict[str, object]) -> dict[str, object]:
    """Take the settings out of a manifest's fields."""
    settings = fields.pop("settings")
    assert isinstance(settings, dict)
    return settings


def test_its_plan_has_the_same_fingerprint_today(old: Project) -> None:
    manifest = old.manifest
    files = read_file_list(old.folder, manifest)
    assert fingerprint(files, manifest.settings, manifest.plan) == manifest.fingerprint
    by_file = replace(manifest.settings, group="file")
    assert fingerprint(files, by_file, manifest.plan) != manifest.fingerprint


def test_its_list_of_files_is_read(old: Project) -> None:
    (file,) = read_file_list(old.folder, old.manifest)
    assert (file["name"], file["rows"]) == ("genomes.fa", 17)


def test_its_copy_of_the_metadata_table_is_read(old: Project) -> None:
    digest = old.manifest.settings.metadata
    assert digest is not None
    kept = kept_metadata(old.folder, digest)
    assert set(kept.groups.to_pylist()) == {"mitochondria", "plastids"}


@pytest.mark.parametrize("batch", BATCHES)
def test_its_sequences_are_read_and_hold(old: Project, batch: str) -> None:
    assert old.files.sequences(batch).is_planned()
    outcomes = of_batch.check_sequences(old.files, batch)
    assert all(outcome.passed for outcome in outcomes.values())


def test_its_rejected_records_are_read(old: Project) -> None:
    assert read_rejected(old.files, "batch_0001")["row"].to_pylist() == [16]


def test_its_counts_are_those_of_slicing_strings(old: Project, records: dict[str, str]) -> None:
    grouped = all_counts(old.files).group_by(["strand", "frame", "codon"])
    found = {
        (row["strand"], row["frame"], row["codon"]): row["count_sum"]
        for row in grouped.aggregate([("count", "sum")]).to_pylist()
    }
    assert found == naive_counts([letters for name, letters in records.items() if name != "protein"])


@pytest.mark.parametrize("batch", BATCHES)
def test_its_counts_hold_against_its_sequences(old: Project, batch: str) -> None:
    assert of_batch.check_counts(old.files, batch).passed
    assert of_batch.check_by_sequence(old.files, batch).passed


def test_its_table_is_read(old: Project) -> None:
    table = load_codon_frequencies("genomes", warehouse=old.warehouse)
    assert pc.sum(table.filter(pc.field("group") == "all")["count"]).as_py() == 819
    assert parameters_of(read_table_header(old.folder)) == TableParameters()


def test_its_table_holds_against_its_batches(old: Project) -> None:
    assert of_table.check_total(old.files).passed
    assert of_table.check_sums(old.files).passed
    assert of_table.check_complete(old.files).passed
    assert recount.check_recount(old.files, seed=1).passed


@pytest.mark.usefixtures("empty_pictures")
def test_its_report_says_what_it_does_not_know(old: Project) -> None:
    page = make_report(old.files, [], {})["index.html"].decode()
    assert page.count("not known") == 2
    assert '<th scope="row">records_without_code</th><td class="text">not known</td>' in page


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
    assert unfinished_batches(again.files) == {}


def test_its_manifest_states_the_new_format_when_its_input_moves(old: Project, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    moved = (tmp_path / "genomes.fa").rename(tmp_path / "moved" / "genomes.fa")
    assert old.manifest.format == 1
    again = Project(old.warehouse, {"OPENGENOME_DATASET": "genomes", "OPENGENOME_INPUT": str(moved)})
    assert not again.registered().is_new
    assert again.manifest.format == MANIFEST_FILE.written
    assert unfinished_batches(again.files) == {}


def test_a_source_that_it_ignored_is_another_table_now(old: Project, tmp_path: Path) -> None:
    lines = (tmp_path / "groups.tsv").read_text().splitlines()
    sources = ["source", *["elsewhere.fa"] * (len(lines) - 1)]
    rows = [f"{line}\t{source}\n" for line, source in zip(lines, sources, strict=True)]
    (tmp_path / "groups.tsv").write_text("".join(rows))
    environment = {"OPENGENOME_DATASET": "genomes", "OPENGENOME_INPUT": str(tmp_path / "genomes.fa")}
    table = {"OPENGENOME_METADATA": str(tmp_path / "groups.tsv")}
    with pytest.raises(PlanConflictError, match="another metadata table"):
        Project(old.warehouse, environment | table).registered()
    assert not Project(old.warehouse, environment).registered().is_new


def test_a_metadata_table_of_another_arrow_is_known_again(old: Project, tmp_path: Path) -> None:
    digest = "0" * 64
    manifest = Path(old.folder.location("manifest.json"))
    known = old.manifest.settings.metadata
    assert known is not None
    manifest.write_text(manifest.read_text().replace(known, digest))
    kept = Path(old.folder.location(metadata_path(known)))
    # Another writer, another file of the same rows.
    pq.write_table(pq.read_table(kept), old.folder.location(metadata_path(digest)), compression="none")
    kept.unlink()
    test_its_input_is_known_again_and_nothing_is_to_be_done_anew(old, tmp_path)
