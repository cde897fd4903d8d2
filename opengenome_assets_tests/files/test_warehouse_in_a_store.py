"""A warehouse in an object store, with the real S3 client: complete or absent files, the same table, one-line errors."""

import gc
import importlib
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.batches.prune import prune_batch
from opengenome_assets.batches.write import write_batches
from opengenome_assets.checks import table
from opengenome_assets.checks.batch import check_counts
from opengenome_assets.checks.recount import check_recount
from opengenome_assets.checks.table import check_total
from opengenome_assets.errors import (
    BatchFileError,
    InputChangedError,
    OpengenomeError,
    PlanConflictError,
    WarehouseError,
)
from opengenome_assets.files.remote import PART_BYTES
from opengenome_assets.files.warehouse import DatasetFolder, registered_names
from opengenome_assets.running.forecast import forecast
from opengenome_assets.tables.frequencies import make_table, read_table_header
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta, write_parquet

pytestmark = pytest.mark.service

RECORDS = made_up_records(60)
FOLDER = DatasetFolder("s3://bucket/warehouse", "mine")


def remote(home: Path, **environment: object) -> Project:
    """A project whose input and warehouse are both in the bucket."""
    settings = {f"OPENGENOME_{name.upper()}": str(value) for name, value in environment.items()}
    places = {"OPENGENOME_INPUT": "s3://bucket/input/", "OPENGENOME_DATASET": "mine"}
    return Project("s3://bucket/warehouse", places | settings, home=home / "home")


def uploads(s3: Any) -> list[object]:
    """Uploads in parts that were begun and not ended."""
    return list(s3.call_s3("list_multipart_uploads", Bucket="bucket").get("Uploads", []))


def test_sizes_are_those_of_the_objects_below(s3: Any) -> None:
    assert FOLDER.sizes() == {}
    for path, content in (("mine/a", b"12"), ("mine/b/c", b"3"), ("mine2/d", b"4")):
        s3.pipe_file(f"bucket/warehouse/{path}", content)
    assert FOLDER.sizes() == {"a": 2, "b/c": 1}


@pytest.mark.spark
@pytest.mark.parametrize("write", [write_fasta, write_parquet])
def test_the_table_is_the_one_that_local_files_give(
    tmp_path: Path, s3: Any, spark_with_s3: None, write: Any
) -> None:
    name = "mine.fa" if write is write_fasta else "mine.parquet"
    local = project(tmp_path, write(tmp_path / name, RECORDS), batch_size=7)
    local.run()
    s3.put(str(tmp_path / name), f"bucket/input/{name}")
    own = remote(tmp_path, batch_size=7)
    assert all(check.passed for check in own.run())
    assert own.manifest.fingerprint == local.manifest.fingerprint
    assert own.table().equals(local.table())


@pytest.mark.spark
def test_a_run_that_lost_batches_counts_only_those_again(
    tmp_path: Path, s3: Any, spark_with_s3: None
) -> None:
    s3.put(str(write_fasta(tmp_path / "mine.fa", RECORDS)), "bucket/input/mine.fa")
    own = remote(tmp_path, batch_size=20)
    own.run()
    before = own.table()
    s3.rm("bucket/warehouse/mine/codon_counts/batch_0001.parquet")
    assert own.runner.missing_batches() == ["batch_0001"]
    own.run()
    assert own.table().equals(before)


def test_sequences_in_a_store_are_pruned(tmp_path: Path, s3: Any) -> None:
    s3.put(str(write_fasta(tmp_path / "mine.fa", RECORDS)), "bucket/input/mine.fa")
    own = remote(tmp_path, batch_size=20)
    write_and_count(own)
    files = own.files
    size = s3.size("bucket/warehouse/mine/sequences/batch_0001.parquet")
    freed = prune_batch(files, "batch_0001")
    assert freed == size - s3.size("bucket/warehouse/mine/lengths/batch_0001.parquet")
    assert FOLDER.names("sequences") == ["batch_0000.parquet", "batch_0002.parquet"]
    assert check_counts(files, "batch_0001").passed
    assert check_recount(files, seed=1).figures["records"] == 40
    with pytest.raises(BatchFileError, match="removed by opengenome prune"):
        list(files.sequences("batch_0001").read())
    expected = forecast(own.dataset)
    assert (expected.disk_free, expected.is_too_large, expected.batches_to_count) == (None, False, 0)


def test_registering_the_same_input_again_changes_nothing(tmp_path: Path, s3: Any) -> None:
    s3.put(str(write_fasta(tmp_path / "mine.fa", RECORDS)), "bucket/input/mine.fa")
    own = remote(tmp_path)
    own.runner.register()
    before = own.manifest_fields()
    own.runner.register()
    assert own.manifest_fields() == before


def test_a_file_appears_when_its_block_ends(s3: Any) -> None:
    with FOLDER.replace("a/b.bin") as file:
        file.write(b"whole")
        assert not FOLDER.exists("a/b.bin")
    with FOLDER.open("a/b.bin") as file:
        assert file.read() == b"whole"


@pytest.mark.parametrize("size", [10, PART_BYTES + 10], ids=["at once", "in parts"])
def test_an_interrupted_upload_leaves_the_old_object(s3: Any, size: int) -> None:
    FOLDER.write("a.bin", b"before")

    def fail() -> None:
        with FOLDER.replace("a.bin") as file:
            file.write(b"x" * size)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    # Collected, a file that was left open would finish its upload.
    gc.collect()
    with FOLDER.open("a.bin") as file:
        assert file.read() == b"before"
    assert uploads(s3) == []


def test_a_file_larger_than_a_part_is_whole(s3: Any) -> None:
    content = bytes(range(256)) * (PART_BYTES * 2 // 256 + 1)
    FOLDER.write("a.bin", content)
    with FOLDER.open("a.bin") as file:
        assert file.read() == content


def test_names_and_removing_are_those_of_a_folder(s3: Any) -> None:
    assert FOLDER.names("input_files") == []
    FOLDER.write("input_files/b", b"b")
    FOLDER.write("input_files/a", b"a")
    assert FOLDER.names("input_files") == ["a", "b"]
    FOLDER.remove("input_files/b")
    FOLDER.remove("input_files/b")
    assert FOLDER.names("input_files") == ["a"]


def test_files_of_another_writer_are_seen_at_once(s3: Any) -> None:
    other = type(s3)(skip_instance_cache=True)
    assert other is not s3
    FOLDER.write("counts/a", b"a")
    assert FOLDER.names("counts") == ["a"]
    assert not FOLDER.exists("counts/b")
    assert registered_names("s3://bucket/warehouse") == []
    other.pipe_file("bucket/warehouse/mine/counts/b", b"bb")
    other.pipe_file("bucket/warehouse/yours/manifest.json", b"{}")
    assert FOLDER.names("counts") == ["a", "b"]
    assert FOLDER.exists("counts/b")
    assert registered_names("s3://bucket/warehouse") == ["yours"]
    other.pipe_file("bucket/warehouse/mine/counts/b", b"longer than before")
    with FOLDER.open("counts/b") as file:
        assert file.read() == b"longer than before"
    other.rm_file("bucket/warehouse/mine/counts/a")
    assert FOLDER.names("counts") == ["b"]
    assert not FOLDER.exists("counts/a")


def test_an_input_that_another_client_changed_is_refused(tmp_path: Path, s3: Any) -> None:
    other = type(s3)(skip_instance_cache=True)
    other.pipe_file("bucket/input/mine.fa", b">a\nACGTAC\n>b\nCCC\n")
    # A warehouse in the same store would have its listings forgotten, and so the input's.
    own = project(tmp_path, "s3://bucket/input/")
    assert own.registered().is_new
    other.pipe_file("bucket/input/mine.fa", b">a\nACGTAC\n>b\nCCG\n")
    with pytest.raises(InputChangedError, match=r"mine\.fa: changed since it was registered"):
        list(write_batches(own.files, own.manifest.plan.keys))
    other.pipe_file("bucket/input/more.fa", b">c\nACG\n")
    with pytest.raises(PlanConflictError, match="was registered with"):
        own.registered()


def test_a_reader_asks_only_for_the_bytes_it_reads(s3: Any) -> None:
    FOLDER.write("a.bin", bytes(range(256)))
    asked: list[tuple[int, int]] = []
    with FOLDER.open("a.bin") as opened:
        file: Any = opened
        ask = file.cache.fetcher

        def noting(first: int, end: int) -> Any:
            asked.append((first, end))
            return ask(first, end)

        file.cache.fetcher = noting
        file.seek(200)
        assert file.read(3) == bytes([200, 201, 202])
    assert asked == [(200, 203)]


def test_an_empty_store_has_nothing_registered(s3: Any) -> None:
    assert find_manifest(FOLDER) is None


def test_a_missing_bucket_is_an_error_before_reading_input(tmp_path: Path, s3: Any) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", {"protein": "MKLV"}))
    own = Project("s3://nobodys/warehouse", own.environment, home=tmp_path)
    with pytest.raises(
        OpengenomeError, match=r"s3://nobodys/.*the object store has no such bucket .* Create it"
    ):
        own.runner.register()


def leave(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, the client asks a port at which nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3.clear_instance_cache()


def test_an_unreachable_store_is_one_line_and_no_empty_plan(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(s3, monkeypatch)
    with pytest.raises(
        WarehouseError, match=r"manifest\.json: the object store .* cannot be reached"
    ) as refused:
        find_manifest(FOLDER)
    assert "\n" not in str(refused.value)


def test_a_store_that_leaves_during_a_check_is_one_line(
    tmp_path: Path, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put(str(write_fasta(tmp_path / "mine.fa", RECORDS)), "bucket/input/mine.fa")
    own = remote(tmp_path, batch_size=20)
    write_and_count(own)
    files = own.files
    make_table(files, own.manifest.table)
    assert check_total(files).passed
    header = read_table_header(files.table)
    monkeypatch.setattr(table, "read_table_header", lambda _: header)
    leave(s3, monkeypatch)
    with pytest.raises(WarehouseError, match=r"the object store .* cannot be reached") as refused:
        check_total(files)
    assert "\n" not in str(refused.value)


def test_without_credentials_it_is_one_line(s3: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3.clear_instance_cache()
    with pytest.raises(WarehouseError, match=r"credentials for the store's client") as refused:
        FOLDER.write("a.bin", b"a")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("scheme", "extra"), [("s3", "s3"), ("gs", "gcs"), ("abfs", "azure")])
def test_a_package_that_is_missing_is_named_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, scheme: str, extra: str
) -> None:
    registry = importlib.import_module("fsspec.registry")
    for name in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, name, None)
    # What was imported before is kept under its scheme.
    monkeypatch.delitem(registry._registry, scheme, raising=False)
    folder = DatasetFolder(f"{scheme}://bucket/warehouse", "mine")
    with pytest.raises(
        WarehouseError,
        match=rf"OPENGENOME_WAREHOUSE: {scheme}://.* cannot be used: .*pip install 'opengenome-assets\[{extra}\]'\.",
    ):
        find_manifest(folder)


@pytest.mark.parametrize("warehouse", ["https://host/warehouse", "hf://datasets/me/mine"])
def test_a_place_that_cannot_be_written_to_is_no_warehouse(warehouse: str) -> None:
    with pytest.raises(WarehouseError, match=r"cannot be written to\. Allowed: a folder, s3"):
        DatasetFolder(warehouse, "mine").write("a.bin", b"a")


def test_a_scheme_that_nobody_knows_is_no_warehouse() -> None:
    with pytest.raises(WarehouseError, match=r"nosuch://.*Protocol not known.*Allowed: "):
        find_manifest(DatasetFolder("nosuch://bucket", "mine"))


def test_registered_names_are_listed_in_a_bucket(s3: Any) -> None:
    assert registered_names("s3://bucket/warehouse") == []
    for name in ("b", "a@sample-2"):
        DatasetFolder("s3://bucket/warehouse", name).write("manifest.json", b"{}")
    DatasetFolder("s3://bucket/warehouse", "c").write("codon_frequencies.tsv", b"")
    assert registered_names("s3://bucket/warehouse/") == ["a@sample-2", "b"]
