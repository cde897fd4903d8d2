"""The manifest as written, as read, and as refused."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from opengenome_assets.batches.manifest import (
    Manifest,
    PlanSettings,
    Unresolved,
    find_manifest,
    load_manifest,
    read_file_list,
    removal_command,
    write_manifest,
)
from opengenome_assets.errors import ManifestError, NotRegisteredError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets_tests.scenario import Project, project, write_fasta

RECORDS = {"a": "ACGTACGT", "b": "ACG", "c": "TTTTTTTTTTTT", "d": "GC", "e": "ACGTAC"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("manifest")
    made = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=2)
    made.registered()
    return made


@pytest.fixture
def changed(own: Project, tmp_path: Path) -> Callable[..., DatasetFolder]:
    """A data set whose manifest has other values, under the same name."""

    def change(**values: object) -> DatasetFolder:
        (tmp_path / "mine").mkdir(exist_ok=True)
        content = json.loads((own.warehouse / "mine" / "manifest.json").read_text())
        (tmp_path / "mine" / "manifest.json").write_text(json.dumps(content | values))
        return DatasetFolder(str(tmp_path), "mine")

    return change


def test_a_manifest_has_the_figures_of_the_input(own: Project) -> None:
    manifest = own.manifest
    assert (manifest.input_rows, manifest.input_bases) == (5, 31)
    assert (manifest.rows, manifest.bases) == (5, 31)
    assert (manifest.boundaries, manifest.batch_bases) == ((0, 2, 4, 5), (11, 14, 6))
    assert (manifest.longest, manifest.longest_id) == (12, "c")
    assert [manifest.bases_of(key) for key in manifest.plan.keys] == [11, 14, 6]
    assert manifest.effective_records == pytest.approx(31**2 / (64 + 9 + 144 + 4 + 36))


def test_a_stamp_has_the_rows_of_its_batch(own: Project) -> None:
    assert asdict(own.manifest.stamp("batch_0001")) == {
        "dataset": "mine",
        "batch": "batch_0001",
        "first_row": 2,
        "end_row": 4,
        "batch_size": 2,
        "fingerprint": own.manifest.fingerprint,
        "format": own.manifest.stamp("batch_0000").format,
    }


def test_provenance_names_every_figure(own: Project) -> None:
    manifest = replace(
        own.manifest, unassigned=Unresolved(7, ("x",)), without_code=Unresolved(3), masked=11, files=13
    )
    found = manifest.provenance()
    versions = found.pop("versions")
    assert found == {
        "dataset": "mine",
        "source": manifest.source,
        "input_files": 13,
        "input_file_list_sha256": manifest.file_list,
        "fingerprint": manifest.fingerprint,
        "rows": 5,
        "bases": 31,
        "effective_records": manifest.effective_records,
        "unassigned_records": 7,
        "masked_letters": 11,
        "records_without_code": 3,
        "batches": 3,
        "settings": asdict(manifest.settings),
    }
    assert set(versions) == {
        "opengenome-assets",
        "dagster",
        "pyspark",
        "pyarrow",
        "numpy",
        "numba",
        "biopython",
    }
    assert all(text and text[0].isdigit() for text in versions.values())
    unknown = replace(manifest, unassigned=None, without_code=None).provenance()
    assert (unknown["unassigned_records"], unknown["records_without_code"]) == (None, None)


@pytest.mark.parametrize(
    ("unresolved", "shown"),
    [(Unresolved(2, ("a", "b")), "a, b"), (Unresolved(3, ("a", "b")), "a, b …"), (Unresolved(), "")],
)
def test_examples_say_whether_there_are_more(unresolved: Unresolved, shown: str) -> None:
    assert unresolved.shown == shown


def test_what_is_written_is_read(own: Project) -> None:
    manifest = find_manifest(own.folder)
    assert isinstance(manifest, Manifest)
    assert manifest == load_manifest(own.folder) == own.manifest
    assert find_manifest(DatasetFolder(str(own.warehouse), "other")) is None


def test_a_new_manifest_removes_the_earlier_list_of_files(own: Project, tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "mine")
    for content in (b"first", b"second"):
        listed = replace(own.manifest, file_list=hashlib.sha256(content).hexdigest())
        write_manifest(folder, listed, content)
    (left,) = (tmp_path / "mine" / "input_files").iterdir()
    assert left.read_bytes() == b"second"
    assert find_manifest(folder) == listed


def test_an_older_format_is_refused_with_what_to_do(changed: Callable[..., DatasetFolder]) -> None:
    folder = changed(format=0)
    with pytest.raises(ManifestError) as refused:
        find_manifest(folder)
    assert str(refused.value).endswith(
        f"Remove {folder.root} and run opengenome analyze codon on the input again, or use the version that wrote the "
        "manifest."
    )


def test_a_data_set_without_a_manifest_is_one_error(tmp_path: Path) -> None:
    folder = DatasetFolder(str(tmp_path), "other")
    with pytest.raises(NotRegisteredError) as raised:
        load_manifest(folder)
    assert str(raised.value) == (
        f"other: nothing is registered at {tmp_path}/other/manifest.json. Materialize other/raw_sequences first."
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"boundaries": [0], "batch_bases": []}, "boundaries must begin with 0 and increase"),
        ({"boundaries": [1, 2, 4, 5]}, "boundaries must begin with 0 and increase"),
        ({"boundaries": [0, 2, 2, 5]}, "boundaries must begin with 0 and increase"),
        ({"boundaries": [0, 4, 2, 5]}, "boundaries must begin with 0 and increase"),
        ({"batch_bases": [11, 20]}, "2 numbers of bases for 3 batches"),
        ({"batch_bases": [11, 14, 5, 1]}, "4 numbers of bases for 3 batches"),
        ({"batch_bases": [11, 14, -1]}, "5 planned rows of 5, or a negative number of bases"),
        (
            {"boundaries": [0, 2, 4, 6], "input_rows": 5},
            "6 planned rows of 5, or a negative number of bases",
        ),
        ({"dataset": "yours"}, "it belongs to data set 'yours', not 'mine'"),
    ],
)
def test_an_impossible_plan_is_refused(
    changed: Callable[..., DatasetFolder], values: dict[str, Any], reason: str
) -> None:
    folder = changed(**values)
    with pytest.raises(ManifestError) as raised:
        find_manifest(folder)
    assert str(raised.value) == (
        f"{folder.root}/manifest.json: cannot be read ({reason}). Restore it, or remove {folder.root} and register the "
        "input again."
    )


@pytest.mark.parametrize(
    "values",
    [
        {"batch_bases": [0, 0, 0]},
        {"boundaries": [0, 1, 2, 3]},
        {"boundaries": [0, 5], "batch_bases": [31]},
    ],
)
def test_a_plan_at_the_limits_is_read(changed: Callable[..., DatasetFolder], values: dict[str, Any]) -> None:
    manifest = load_manifest(changed(**values))
    assert {name: list(getattr(manifest, name)) for name in values} == values


@pytest.mark.parametrize("values", [{"rejected": True}, {"more": 1}, {"settings": {"batch_size": 2}}])
def test_other_types_and_keys_are_refused(
    changed: Callable[..., DatasetFolder], values: dict[str, Any]
) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        find_manifest(changed(**values))


def test_defaults_of_new_settings_stay_out_of_the_fingerprint() -> None:
    plain = PlanSettings(batch_size=2, sample=None, on_invalid="fail", soft_mask="count", metadata=None)
    old = {"batch_size": 2, "sample": None, "on_invalid": "fail", "soft_mask": "count", "metadata": None}
    assert plain.ingredients() == old
    assert replace(plain, group="file").ingredients() == old | {"group": "file"}
    assert replace(plain, ignore_version=True, column="dna").ingredients() == old | {
        "ignore_version": True,
        "column": "dna",
    }


def test_the_list_of_files_is_read_by_its_checksum(own: Project) -> None:
    (file,) = read_file_list(own.folder, own.manifest)
    source = Path(own.environment["OPENGENOME_INPUT"])
    assert (file["uri"], file["name"], file["format"]) == (str(source), "mine.fa", "fasta")
    assert file["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert (file["rows"], file["bases"], file["size"]) == (5, 31, source.stat().st_size)


@pytest.mark.parametrize("change", ["missing", "damaged"])
def test_another_list_of_files_is_refused(own: Project, tmp_path: Path, change: str) -> None:
    folder = DatasetFolder(str(tmp_path), "mine")
    name = f"input_files/{own.manifest.file_list[:16]}.parquet"
    if change == "damaged":
        content = bytearray((own.warehouse / "mine" / name).read_bytes())
        content[20] ^= 1
        folder.write(name, bytes(content))
    with pytest.raises(ManifestError) as raised:
        read_file_list(folder, own.manifest)
    assert str(raised.value) == (
        f"{tmp_path}/mine/{name}: missing, or its checksum differs from the one in manifest.json. Restore it, or remove "
        f"{tmp_path}/mine and register the input again."
    )


def test_the_removal_command_has_absolute_and_quoted_paths(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert removal_command(DatasetFolder("my data", "mine")) == (
        f"opengenome datasets remove mine --warehouse '{tmp_path}/my data'"
    )
    assert removal_command(DatasetFolder("s3://bucket/data", "mine")) == (
        "opengenome datasets remove mine --warehouse s3://bucket/data"
    )
