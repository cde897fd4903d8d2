"""Registering an input: the manifest, and refused inputs."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from opengenome_assets.batches import scan
from opengenome_assets.batches.manifest import find_manifest, read_file_list
from opengenome_assets.batches.register import register
from opengenome_assets.batches.workers import Threads
from opengenome_assets.errors import (
    EmptyPlanError,
    InputFormatError,
    InvalidLetterError,
    ManifestError,
    PlanConflictError,
)
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, all_counts, project, write_fasta


def registered(own: Project) -> bool:
    return register(own.runner.dataset, lambda line: None).is_new


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    return write_fasta(tmp_path / "mine.fasta", {"a": "ACGTACGT", "b": "ACG", "c": "", "d": "AC"})


def test_the_manifest_tells_rows_bases_and_boundaries(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta, batch_size=3)
    assert registered(own)
    fields = own.manifest_fields()
    assert fields["boundaries"] == [0, 3, 4]
    assert fields["batch_bases"] == [11, 2]
    assert (fields["input_rows"], fields["input_bases"]) == (4, 13)
    assert (fields["longest"], fields["longest_id"]) == (8, "a")


def test_the_list_of_files_tells_hash_and_rows_of_each(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    write_fasta(folder / "b.fa", {"b": "AC"})
    write_fasta(folder / "a.fa", {"a1": "ACG", "a2": "A"})
    own = project(tmp_path, folder)
    registered(own)
    files = read_file_list(own.folder, own.manifest)
    assert [(row["name"], row["rows"], row["bases"]) for row in files] == [("a.fa", 2, 4), ("b.fa", 1, 2)]
    contents = [(folder / name).read_bytes() for name in ("a.fa", "b.fa")]
    assert [row["sha256"] for row in files] == [hashlib.sha256(each).hexdigest() for each in contents]


def test_registering_the_same_input_again_changes_nothing(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    before = own.manifest_fields()
    assert not registered(own)
    assert own.manifest_fields() == before


def test_the_same_contents_touched_are_the_same_input(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    fingerprint = own.manifest.fingerprint
    os.utime(fasta, (1, 1))
    assert not registered(own)
    assert own.manifest.fingerprint == fingerprint


def test_a_moved_input_keeps_the_plan_and_is_read_from_there(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    fingerprint = own.manifest.fingerprint
    moved = tmp_path / "elsewhere" / fasta.name
    moved.parent.mkdir()
    fasta.rename(moved)
    again = project(tmp_path, moved)
    assert not registered(again)
    assert again.manifest.fingerprint == fingerprint
    assert read_file_list(again.folder, again.manifest)[0]["uri"] == str(moved)


def test_another_input_under_a_name_that_is_taken_is_refused(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    other = write_fasta(tmp_path / "other.fasta", {"z": "ACGT"})
    with pytest.raises(
        PlanConflictError,
        match=r"was registered with.*OPENGENOME_DATASET=….*opengenome datasets remove mine --warehouse",
    ):
        registered(project(tmp_path, other))
    assert own.manifest.input_rows == 4


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("batch_size", 2),
        ("batch_size", "auto"),
        ("soft_mask", "skip"),
        ("on_invalid", "skip"),
        ("sequences", 5),
    ],
)
def test_another_plan_under_a_name_that_is_taken_is_refused(
    tmp_path: Path, fasta: Path, setting: str, value: object
) -> None:
    registered(project(tmp_path, fasta))
    with pytest.raises(
        PlanConflictError, match=f"{setting.upper()}.*opengenome datasets remove mine --warehouse"
    ):
        registered(project(tmp_path, fasta, **{setting: value}))


def test_an_input_with_an_undeclared_row_count_is_not_registered(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta, sequences=5)
    with pytest.raises(PlanConflictError, match=r"5 rows declared, but the input has 4"):
        registered(own)
    assert find_manifest(own.folder) is None


def test_a_protein_file_is_refused_naming_record_and_position(tmp_path: Path) -> None:
    protein = write_fasta(tmp_path / "protein.fa", {"fine": "ACGT", "kinase": "MKLV"})
    with pytest.raises(
        InvalidLetterError, match=r"protein.fa: record 'kinase' \(row 1\) has .*L.* at position 3"
    ):
        registered(project(tmp_path, protein))


def test_the_input_need_not_be_named_again_once_it_is_registered(tmp_path: Path, fasta: Path) -> None:
    registered(project(tmp_path, fasta))
    later = Project(tmp_path / "warehouse", {"OPENGENOME_DATASET": "mine"})
    assert not registered(later)


def test_a_damaged_manifest_is_an_error_and_never_nothing(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    Path(own.folder.location("manifest.json")).write_text('{"dataset": "mine"')
    with pytest.raises(ManifestError, match=r"manifest.json: cannot be read .* register the input again"):
        find_manifest(own.folder)


@pytest.mark.parametrize(
    "change",
    [
        {"boundaries": [0, 3, 2, 4]},
        {"boundaries": []},
        {"boundaries": [0, "4"]},
        {"batch_bases": []},
        {"dataset": "another"},
        {"surplus": 1},
    ],
)
def test_a_manifest_that_cannot_be_a_plan_is_an_error(
    tmp_path: Path, fasta: Path, change: dict[str, object]
) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    path = Path(own.folder.location("manifest.json"))
    path.write_text(json.dumps(own.manifest_fields() | change))
    with pytest.raises(ManifestError, match="cannot be read"):
        find_manifest(own.folder)


def test_a_manifest_of_a_newer_version_is_refused(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta)
    registered(own)
    path = Path(own.folder.location("manifest.json"))
    path.write_text(json.dumps(own.manifest_fields() | {"format": 99}))
    with pytest.raises(ManifestError, match="written in format 99"):
        find_manifest(own.folder)


def test_the_manifest_has_auto_batches_sized_by_bases(tmp_path: Path, fasta: Path) -> None:
    own = project(tmp_path, fasta, batch_size="auto")
    registered(own)
    assert own.manifest.boundaries == (0, 4)
    assert own.manifest.settings.batch_size == "auto"


def test_an_input_without_records_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"sequence": pa.array([], pa.string())}), tmp_path / "none.parquet")
    own = project(tmp_path, tmp_path / "none.parquet")
    with pytest.raises(EmptyPlanError, match=r"^mine: the input has no records\. .*OPENGENOME_INPUT"):
        registered(own)
    assert find_manifest(own.folder) is None


def many_files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        write_fasta(folder / f"g{number:03d}.fa", {f"g{number}": "ACGTAC"})
    return folder


def lines_of_registering(own: Project) -> list[str]:
    lines: list[str] = []
    register(own.runner.dataset, lines.append)
    return lines


def test_many_small_files_have_no_line_each(tmp_path: Path) -> None:
    assert lines_of_registering(project(tmp_path, many_files(tmp_path / "many", 50))) == []


def test_progress_is_logged_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "LINE_SECONDS", 1e-9)
    monkeypatch.setattr(scan, "PART_FILES", 1)
    lines: list[str] = []
    own = project(tmp_path, many_files(tmp_path / "many", 3))
    register(own.runner.dataset, lines.append, Threads(1))
    assert [line.split("  ")[:4] for line in lines] == [
        ["registering", "0/3 files", "1 record", "6 bp"],
        ["registering", "1/3 files", "2 records", "12 bp"],
        ["registering", "2/3 files", "3 records", "18 bp"],
    ]


def archive(path: Path, records: dict[str, str]) -> Path:
    """A tar archive with each record in a file."""
    with tarfile.open(path, "w") as tar:
        for name, letters in records.items():
            content = f">{name}\n{letters}\n".encode()
            info = tarfile.TarInfo(f"data/{name}.fna")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        tar.addfile(tarfile.TarInfo("data/README.txt"))
    return path


def test_members_of_archives_that_are_left_out_are_logged(tmp_path: Path) -> None:
    own = project(tmp_path, archive(tmp_path / "x.tar", {"a": "ACG"}))
    lines: list[str] = []
    register(own.runner.dataset, lines.append)
    assert "leaving out  1 member of x.tar: 1 .txt file" in lines


def test_an_invalid_letter_in_an_archive_names_the_member(tmp_path: Path) -> None:
    own = project(tmp_path, archive(tmp_path / "x.tar", {"a": "ACG", "b": "AC!"}))
    with pytest.raises(InvalidLetterError, match=r"x\.tar/data/b\.fna: record 'b' \(row 1\) has '!'"):
        registered(own)


@pytest.mark.parametrize("unpacked", ["data/b.fna", "x/data/b.fna", "data/b.fna.gz"])
def test_an_archive_beside_its_unpacked_files_is_refused(tmp_path: Path, unpacked: str) -> None:
    folder = tmp_path / "many"
    path = folder / unpacked
    path.parent.mkdir(parents=True)
    archive(folder / "x.tar", {"a": "ACG", "b": "ACG"})
    path.write_bytes(b">b\nACG\n")
    with pytest.raises(
        InputFormatError, match=r"x\.tar/data/b\.fna is also in the input as .*data/b\.fna, and"
    ):
        registered(project(tmp_path, folder))


def test_an_archive_beside_other_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    archive(tmp_path / "many" / "x.tar", {"a": "ACG", "b": "ACG"})
    write_fasta(tmp_path / "many" / "b.fna", {"c": "ACG"})
    own = project(tmp_path, tmp_path / "many")
    assert registered(own)
    assert own.manifest_fields()["input_rows"] == 3


def test_groups_by_file_are_the_members_of_an_archive(tmp_path: Path) -> None:
    archive(tmp_path / "x.tar", {"a": "ACG", "b": "ACG"})
    own = project(tmp_path, tmp_path / "x.tar", group="file")
    registered(own)
    write_and_count(own)
    assert set(all_counts(own.files)["group"].to_pylist()) == {"x.tar/data/a.fna", "x.tar/data/b.fna"}


def test_archives_of_one_name_are_no_groups_by_file(tmp_path: Path) -> None:
    for name in "xy":
        (tmp_path / "many" / name).mkdir(parents=True)
        archive(tmp_path / "many" / name / "x.tar", {name: "ACG"})
    with pytest.raises(InputFormatError, match=r"many/x/x\.tar and .*many/y/x\.tar have the same name"):
        registered(project(tmp_path, tmp_path / "many", group="file"))


def test_two_formats_in_several_places_are_refused(tmp_path: Path, fasta: Path) -> None:
    (tmp_path / "mine.gbff").write_text("LOCUS       AB1    4 bp    DNA     linear   UNK 01-JAN-1980\n")
    own = project(tmp_path, f"{fasta}\n{tmp_path / 'mine.gbff'}")
    with pytest.raises(
        InputFormatError, match=r"both FASTA \(mine\.fasta\) and GenBank or EMBL \(mine\.gbff\)"
    ):
        registered(own)
    assert find_manifest(own.folder) is None
