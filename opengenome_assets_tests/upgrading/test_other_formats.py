"""Files of a newer or a much older version: the errors, and what the main command does with them."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets import load_codon_frequencies
from opengenome_assets.batches.batch_files import STAMP, BatchFiles
from opengenome_assets.batches.manifest import load_manifest, read_file_list
from opengenome_assets.counts.count_files import unfinished_batches
from opengenome_assets.errors import InputFormatError, ManifestError, NewerFormatError, OpengenomeError
from opengenome_assets.files.formats import LayoutVersions
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.metadata.metadata_table import kept_metadata
from opengenome_assets_tests.cli.scenario import Said, clean_room, opengenome
from opengenome_assets_tests.scenario import made_up_records, write_fasta
from opengenome_assets_tests.upgrading.formats import STATED, restate

NEW, OLD = 99, 0
KINDS = ("sequences", "rejected", "codon_counts", "input_files", "sidecar", "codon_frequencies.parquet")


class Made:
    """A data set of three batches with every kind of file, and the command that made it."""

    def __init__(self, folder: Path) -> None:
        records = made_up_records(12) | {"protein": "MKLV"}
        self.input = write_fasta(folder / "mine.fa", records)
        self.metadata = folder / "groups.tsv"
        self.metadata.write_text("seq_id\tgroup\n" + "".join(f"{name}\tg\n" for name in records))
        self.warehouse = folder / "warehouse"
        self.folder = DatasetFolder(str(self.warehouse), "mine")
        self.said = self.analyze()

    def analyze(self) -> Said:
        """Run the main command to its end."""
        with clean_room(), pytest.MonkeyPatch.context() as environment:
            environment.setenv("OPENGENOME_ON_INVALID", "skip")
            return opengenome(
                *("analyze", "codon", "--input", self.input, "--metadata", self.metadata),
                *("--warehouse", self.warehouse, "--batch-size", 5),
            )

    def path(self, place: str) -> Path:
        """The one file at a place, or the first of a folder's."""
        path = Path(self.folder.location(place))
        return path if path.is_file() else min(path.iterdir())

    @contextmanager
    def restated(self, place: str, version: int) -> Iterator[Path]:
        """A file that says it is of another format, until the block ends."""
        path = self.path(place)
        before = path.read_bytes()
        restate(path, version)
        try:
            yield path
        finally:
            path.write_bytes(before)

    def table(self) -> pa.Table:
        return load_codon_frequencies("mine", warehouse=self.warehouse)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Made:
    del spark
    own = Made(tmp_path_factory.mktemp("formats"))
    assert own.said.code == 0, own.said.err
    return own


@pytest.mark.parametrize(
    ("found", "is_read"), [(1, False), (2, True), (3, True), (4, False), ("3", False), (None, False)]
)
def test_formats_are_read_from_the_oldest_to_the_written_one(found: object, *, is_read: bool) -> None:
    refusal = LayoutVersions(written=3, oldest=2).refusal(found, "a.parquet", None, "Do this.")
    assert (refusal is None) == is_read


def test_a_refusal_names_what_was_found_and_what_is_read() -> None:
    refusal = LayoutVersions(written=3, oldest=2).refusal(1, "a.parquet", "0.0.1", "Do this.")
    assert refusal is not None
    assert refusal.startswith("a.parquet: written in format 1 by opengenome-assets 0.0.1; this version, ")
    assert refusal.endswith("reads format 2 to 3. That is too old to be read. Do this.")


@pytest.mark.spark
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_carries_its_format(made: Made, kind: str) -> None:
    metadata = pq.read_schema(made.path(kind)).metadata
    stated = json.loads(metadata[STAMP])["format"] if STAMP in metadata else int(metadata[STATED])
    assert stated == (2 if kind == "sidecar" else 1)


@pytest.mark.spark
def test_no_other_kind_of_parquet_file_is_there(made: Made) -> None:
    root = Path(made.folder.root)
    places = {str(path.relative_to(root)).split("/")[0] for path in root.rglob("*.parquet")}
    assert places == set(KINDS)
    assert made.folder.exists("manifest.json")


def says_so(error: pytest.ExceptionInfo[OpengenomeError], path: Path, version: int) -> bool:
    reported = f"{path}: written in format {version}"
    return str(error.value).startswith(reported) and "\n" not in str(error.value)


@pytest.mark.spark
@pytest.mark.parametrize("kind", ["sequences", "codon_counts"])
def test_a_batch_of_a_newer_version_is_left_to_it(made: Made, kind: str) -> None:
    with made.restated(kind, NEW) as path:
        before = path.read_bytes()
        if kind == "codon_counts":
            said = made.analyze()
            assert said.code == 2
            assert f"Error: {path}: written in format 99 by opengenome-assets 9.8.7" in said.err
            assert "Use version 9.8.7 or a newer one." in said.err
        else:
            with pytest.raises(NewerFormatError, match=r"Use version 9\.8\.7 or a newer one"):
                BatchFiles(made.folder, load_manifest(made.folder)).sequences("batch_0000").is_planned()
        assert path.read_bytes() == before


@pytest.mark.spark
def test_batches_that_are_too_old_are_made_again(made: Made) -> None:
    before = made.table()
    for kind in ("sequences", "codon_counts"):
        restate(made.path(kind), OLD)
    said = made.analyze()
    assert said.code == 0, said.err
    assert "1 of 3 batches counted now, 2 were finished before" in said.out
    assert made.table().equals(before)
    assert json.loads(pq.read_schema(made.path("sequences")).metadata[STAMP])["format"] == 1


@pytest.mark.spark
def test_a_batch_that_is_too_old_says_what_to_run(made: Made) -> None:
    with made.restated("codon_counts", OLD) as path:
        reasons = unfinished_batches(BatchFiles(made.folder, load_manifest(made.folder)))
    assert list(reasons) == ["batch_0000"]
    assert reasons["batch_0000"].startswith(f"{path}: written in format 0 by opengenome-assets 9.8.7")
    assert "Materialize mine/codon_counts for batch_0000 again." in reasons["batch_0000"]
    assert "opengenome analyze codon" in reasons["batch_0000"]


@pytest.mark.spark
@pytest.mark.parametrize(
    ("version", "advice"), [(NEW, "Use version 9.8.7"), (OLD, "with opengenome analyze codon")]
)
def test_a_table_of_another_version_is_not_read(made: Made, version: int, advice: str) -> None:
    with made.restated("codon_frequencies.parquet", version) as path:
        with pytest.raises(InputFormatError, match=advice) as error:
            made.table()
        assert says_so(error, path, version)


@pytest.mark.spark
def test_the_main_command_replaces_a_table_that_is_too_old(made: Made) -> None:
    before = made.table()
    restate(made.path("codon_frequencies.parquet"), OLD)
    assert made.analyze().code == 0
    assert made.table().equals(before)


UNSIGNED = [(NEW, "Use the newer version that wrote it"), (OLD, "Remove .* register the input again")]


@pytest.mark.spark
@pytest.mark.parametrize(("version", "advice"), UNSIGNED)
def test_a_metadata_table_of_another_version_is_not_read(made: Made, version: int, advice: str) -> None:
    digest = str(load_manifest(made.folder).settings.metadata)
    with made.restated("sidecar", version) as path:
        with pytest.raises(ManifestError, match=advice) as error:
            kept_metadata(made.folder, digest)
        assert says_so(error, path, version)


@pytest.mark.spark
@pytest.mark.parametrize(("version", "advice"), UNSIGNED)
def test_a_list_of_files_of_another_version_is_not_read(made: Made, version: int, advice: str) -> None:
    with made.restated("input_files", version) as path:
        content = path.read_bytes()
    # Its name is its sum, and the manifest says it.
    digest = hashlib.sha256(content).hexdigest()
    listed = path.with_name(f"{digest[:16]}.parquet")
    listed.write_bytes(content)
    with pytest.raises(ManifestError, match=advice) as error:
        read_file_list(made.folder, replace(load_manifest(made.folder), file_list=digest))
    listed.unlink()
    assert says_so(error, listed, version)


@pytest.mark.spark
@pytest.mark.parametrize(
    ("version", "advice"), [(NEW, "Use version 9.8.7 or a newer one"), (OLD, "opengenome analyze codon")]
)
def test_a_manifest_of_another_version_says_what_to_do(made: Made, version: int, advice: str) -> None:
    path = Path(made.folder.location("manifest.json"))
    before = path.read_text()
    fields = json.loads(before) | {"format": version, "versions": {"opengenome-assets": "9.8.7"}}
    path.write_text(json.dumps(fields))
    try:
        with pytest.raises(ManifestError, match=advice) as error:
            load_manifest(made.folder)
        assert made.analyze().code != 0
        assert path.read_text() == json.dumps(fields)
    finally:
        path.write_text(before)
    assert says_so(error, path, version)
