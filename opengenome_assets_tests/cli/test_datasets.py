"""``opengenome datasets``: what is in the warehouse, and removing it without touching anything else."""

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import dagster as dg
import fsspec
import pytest
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.graph.build import build_definitions
from opengenome_assets.running.instance import open_instance
from opengenome_assets.running.inventory import inventory_of
from opengenome_assets_tests.cli.scenario import Said, clean_room, opengenome
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project, made_up_records, project, write_fasta

RECORDS = made_up_records(20)
BASES = sum(map(len, RECORDS.values()))


# Without one, no run can be queued.
LOCATION = GrpcServerCodeLocationOrigin("code-location", 4000, location_name="made_up")
ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "made_up"), "made_up")


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Four batches of data set ``mine``, counted, which Dagster's home in the warehouse knows."""
    folder = tmp_path_factory.mktemp("counted")
    made = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=5)
    write_and_count(made)
    with clean_room(), open_instance(str(made.warehouse)) as instance:
        record(instance, "mine", made.files.batches)
    return made


@pytest.fixture
def own(counted: Project, tmp_path: Path) -> Project:
    """A copy to work on, of the same input."""
    shutil.copytree(counted.warehouse, tmp_path / "warehouse")
    return replace(counted, warehouse=tmp_path / "warehouse")


def record(instance: dg.DagsterInstance, dataset: str, batches: list[str]) -> None:
    """Materializations of a data set's counts, and a failed check of them."""
    key = dg.AssetKey([dataset, "codon_counts"])
    for batch in batches:
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=batch))
    check = dg.AssetCheckEvaluation(asset_key=key, check_name="recount", passed=False)
    instance.report_runless_asset_event(check)


def listed(said: Said) -> dict[str, list[str]]:
    """Cells of each line of ``list``, by name."""
    assert (said.code, said.err) == (0, "")
    header, *lines = said.out.splitlines()
    assert header.split() == ["name", "records", "bases", "disk", "state"]
    return {line.split()[0]: line.split()[1:] for line in lines}


def run(own: Project, command: str, *options: object) -> Said:
    return opengenome("datasets", command, *options, "--warehouse", own.warehouse)


def disk(own: Project) -> int:
    root = Path(own.folder.root)
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def as_json(own: Project, command: str, *options: object) -> Mapping[str, object]:
    said = run(own, command, *options, "--format", "json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    return found if isinstance(found, dict) else next(each for each in found if each["name"] == "mine")


def test_list_shows_data_sets_then_the_catalogue(own: Project) -> None:
    found = listed(run(own, "list"))
    assert list(found)[:2] == ["mine", "demo"]
    assert found["demo"] == ["12,345", "not", "registered"]
    assert found["mine"][0] == "20"
    assert " ".join(found["mine"][-5:]) == "4 of 4 batches counted"


def test_list_as_json_has_exact_numbers(own: Project) -> None:
    found = as_json(own, "list")
    assert (found["records"], found["bases"], found["batches"]) == (20, BASES, 4)
    assert found["bytes"] == disk(own)


@pytest.mark.usefixtures("empty_pictures")
def test_state_follows_what_is_done(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", RECORDS), batch_size=5)
    own.registered()
    assert as_json(own, "list")["state"] == "registered"
    write_and_count(own)
    assert as_json(own, "list")["state"] == "4 of 4 batches counted"
    own.runner.tabulate({})
    assert as_json(own, "list")["state"] == "table made"
    Path(own.folder.location("codon_counts/batch_0002.parquet")).unlink()
    assert as_json(own, "list")["state"] == "3 of 4 batches counted"


@pytest.mark.usefixtures("empty_pictures")
def test_each_file_that_is_written_has_a_kind(own: Project) -> None:
    own.runner.tabulate({})
    own.runner.tabulate({"strand": "-"})
    found = inventory_of(str(own.warehouse), "mine", {})
    assert found.others == []
    assert found.other_tables == ["strand-minus"]
    assert list(found.bytes_by_kind) == [
        *("registration", "sequences", "codon_counts", "codon_frequencies", "report")
    ]


def test_a_damaged_manifest_does_not_hide_the_others(own: Project) -> None:
    damaged = Path(own.warehouse) / "damaged" / "manifest.json"
    damaged.parent.mkdir()
    damaged.write_text("{")
    said = run(own, "list")
    assert said.code == 0
    assert "manifest cannot be read" in said.out
    assert "\nmine " in said.out
    assert said.err.startswith(f"damaged: {damaged}: cannot be read")
    assert run(own, "remove", "damaged", "--yes").code == 2
    assert damaged.exists()


def test_info_shows_input_settings_and_disk_use(own: Project) -> None:
    said = run(own, "info", "mine")
    assert (said.code, said.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["records"] == "20"
    assert lines["batches"] == "4 of 4 counted"
    assert lines["source"] == f"locations {own.environment['OPENGENOME_INPUT']}"
    assert "batch_size 5, on_invalid fail" in lines["settings"]
    assert lines["table"] == ("frame 0, strand +, genetic_code 1, skip_n yes, skip_stops no, min_count 0")
    by_kind = as_json(own, "info", "mine")["bytes_by_kind"]
    assert isinstance(by_kind, dict)
    assert sum(by_kind.values()) == disk(own)


def test_info_of_an_entry_shows_where_it_is_from(warehouse: Path) -> None:
    said = opengenome("datasets", "info", "promoters", "-w", warehouse)
    assert (said.code, said.err) == (0, "")
    assert "repository arcinstitute/opengenome2, path fasta/promoters" in said.out
    assert "\nrecords      173,241\n" in said.out
    assert not warehouse.exists()


@pytest.mark.parametrize("command", ["info", "remove"])
@pytest.mark.parametrize("name", ["mines", "mine@sample-3", "promoters@sample-3"])
def test_a_name_that_is_not_registered_is_one_line(own: Project, command: str, name: str) -> None:
    said = run(own, command, name)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"Error: {name}: no data set with this name is registered in {own.warehouse}. "
        "opengenome datasets list shows the names.\n"
    )


@pytest.mark.parametrize("name", ["..", ".dagster", "../mine", "mine/codon_counts", "mine@sample-", "*"])
def test_a_name_that_is_no_name_is_refused(own: Project, name: str) -> None:
    before = disk(own)
    said = run(own, "remove", name, "--yes")
    assert (said.code, len(said.lines())) == (2, 1)
    assert "cannot be the name of a data set" in said.err
    assert disk(own) == before


def test_remove_frees_the_folder_and_keeps_the_input(own: Project) -> None:
    size = len(list(Path(own.folder.root).rglob("*.*")))
    said = run(own, "remove", "mine", "--yes")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"mine: removed {size} files in {own.folder.root} (")
    assert not Path(own.folder.root).exists()
    assert Path(own.environment["OPENGENOME_INPUT"]).stat().st_size > BASES
    assert "mine" not in listed(run(own, "list"))


def test_remove_keeps_files_that_others_wrote(own: Project, tmp_path: Path) -> None:
    root = Path(own.folder.root)
    mine = root / "sequences" / "mine.fa"
    mine.write_text(">a\nACG\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "batch_0000.parquet").write_text("x")
    (root / "rejected").symlink_to(outside)
    said = run(own, "remove", "mine", "--yes")
    assert said.out.splitlines()[-1] == (
        "mine: kept 2 files that opengenome did not write: rejected, sequences/mine.fa"
    )
    assert sorted(path.name for path in root.rglob("*")) == ["mine.fa", "rejected", "sequences"]
    assert (outside / "batch_0000.parquet").read_text() == "x"


def test_remove_wipes_only_its_own_records(tmp_path: Path) -> None:
    own = project(tmp_path, write_fasta(tmp_path / "a.fa", RECORDS), batch_size=5, dataset="a_b")
    write_and_count(own)
    names = ("a_b", "axb", "a_b2")
    with open_instance(str(own.warehouse)) as instance:
        for name in names:
            record(instance, name, own.files.batches)
    assert run(own, "remove", "a_b", "--yes").code == 0
    with open_instance(str(own.warehouse)) as instance:
        keys = {name: dg.AssetKey([name, "codon_counts"]) for name in names}
        left = {name: len(instance.get_materialized_partitions(key)) for name, key in keys.items()}
        checks = [dg.AssetCheckKey(key, "recount") for key in keys.values()]
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    assert left == {"a_b": 0, "axb": 4, "a_b2": 4}
    assert {key.asset_key.path[0] for key in latest} == {"axb", "a_b2"}


def test_after_removal_all_batches_are_missing_again(own: Project) -> None:
    with open_instance(str(own.warehouse)) as instance:
        own.__dict__["instance"] = instance
        assert own.runner.missing_batches() == []
    run(own, "remove", "mine", "--yes")
    with open_instance(str(own.warehouse)) as instance:
        own.__dict__["instance"] = instance
        manifest = own.registered().manifest
        files = BatchFiles(own.folder, manifest)
        assert all(done.error is None for done in write_batches(files, manifest.plan.keys))
        assert own.runner.missing_batches() == manifest.plan.keys


@pytest.mark.parametrize("answer", ["n\n", "\n", ""], ids=["no", "default", "no stdin"])
def test_remove_asks_and_no_answer_is_no(own: Project, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = disk(own)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    said = run(own, "remove", "mine")
    assert (said.code, said.out) == (2, "")
    assert "Remove 10 files in" in said.err
    assert said.err.endswith("Error: mine: nothing was removed. Answer y, or add --yes.\n")
    assert disk(own) == before


def test_remove_asks_and_y_is_yes(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(own, "remove", "mine").code == 0
    assert not Path(own.folder.root).exists()


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_remove_is_refused_while_a_run_is_active(own: Project, status: dg.DagsterRunStatus) -> None:
    before = disk(own)
    job = build_definitions([own.dataset]).resolve_implicit_global_asset_job_def()
    with open_instance(str(own.warehouse)) as instance:
        keys = [dg.AssetKey(["mine", "codon_counts"])]
        active = instance.create_run_for_job(
            job.get_subset(asset_selection=set(keys)), status=status, remote_job_origin=ORIGIN
        )
    said = run(own, "remove", "mine", "--yes")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Error: mine: run {active.run_id} of Dagster is not finished")
    assert disk(own) == before
    with open_instance(str(own.warehouse)) as instance:
        assert len(instance.get_materialized_partitions(keys[0])) == 4


def test_a_run_of_another_data_set_does_not_prevent_it(own: Project, tmp_path: Path) -> None:
    other = project(tmp_path, own.environment["OPENGENOME_INPUT"], dataset="yours", batch_size=5)
    other.registered()
    job = build_definitions([other.dataset]).resolve_implicit_global_asset_job_def()
    with open_instance(str(own.warehouse)) as instance:
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert run(own, "remove", "mine", "--yes").code == 0
    assert Path(other.folder.root).exists()


def test_data_sets_of_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fasta = write_fasta(tmp_path / "mine.fa", RECORDS)
    settings = {"OPENGENOME_INPUT": str(fasta), "OPENGENOME_DATASET": "mine", "OPENGENOME_BATCH_SIZE": "5"}
    own = Project("memory://listing/warehouse", settings, home=tmp_path / "home")
    write_and_count(own)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    store = fsspec.filesystem("memory")
    store.pipe_file("/listing/warehouse/mine2/keep.txt", b"x")
    store.pipe_file("/listing/warehouse/mine/notes.txt", b"x")
    found = as_json(own, "list")
    assert (found["state"], found["bytes"]) == ("4 of 4 batches counted", store.du("/listing/warehouse/mine"))
    said = run(own, "remove", "mine", "--yes")
    assert (said.code, said.err) == (0, "")
    assert store.find("/listing") == [
        "/listing/warehouse/mine/notes.txt",
        "/listing/warehouse/mine2/keep.txt",
    ]


def test_a_removal_that_fails_can_be_repeated(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = DatasetFolder.remove

    def fail_at_sequences(folder: DatasetFolder, path: str) -> None:
        if path.startswith("sequences"):
            raise PermissionError(13, "Permission denied", path)
        remove(folder, path)

    # The superuser may remove everything, so permissions cannot prevent it in every test run.
    with monkeypatch.context() as patched:
        patched.setattr(DatasetFolder, "remove", fail_at_sequences)
        said = run(own, "remove", "mine", "--yes")
    assert (said.code, said.out, len(said.lines())) == (2, "", 1)
    assert "cannot be removed" in said.err
    assert run(own, "remove", "mine", "--yes").code == 0
    assert not Path(own.folder.root).exists()
