"""Dagster's commands on the project, each in a process with a separate home: what they store, write and print."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from opengenome_assets.datasets.demo import AMBIGUOUS, planted_counts
from opengenome_assets_tests.services import Place, make_place, own_lines, run_command

pytestmark = [pytest.mark.service, pytest.mark.spark]

MATERIALIZE = ("dagster", "asset", "materialize", "-m", "opengenome_assets.definitions")
WHOLE_RANGE = ("--partition-range", "batch_0000...batch_0002")
BATCHES = {"batch_0000", "batch_0001", "batch_0002"}
# Time, and who says it; then what is said. Dagster puts colours around it where it is asked to.
LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:]+ \+0000 - dagster - INFO - __ASSET_JOB - \S+ - demo__(\w+) - (.+)")
CHECKS = {
    "sequences": ("rows_as_planned", "only_nucleotide_letters", "unique_ids"),
    "codon_counts": ("total_codon_count",),
}


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    place: Place
    process: subprocess.CompletedProcess[str]

    def lines(self) -> list[str]:
        return own_lines(self.process)

    def materialized(self, asset: str, dataset: str = "demo") -> set[str]:
        """The partitions that the home remembers."""
        with dg.DagsterInstance.from_config(str(self.place.home)) as instance:
            return set(instance.get_materialized_partitions(dg.AssetKey([dataset, asset])))

    def checked(self, asset: str, check: str) -> dict[str | None, str]:
        """The stored outcome of each partition."""
        key = dg.AssetCheckKey(dg.AssetKey(["demo", asset]), check)
        with dg.DagsterInstance.from_config(str(self.place.home)) as instance:
            records = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
            return {record.partition: record.status.value for record in records}

    def files(self) -> set[str]:
        """Files in the data set's folder, without the input, the list of its files and the report."""
        folder = self.place.warehouse / "demo"
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        return {path for path in found if not path.startswith(("input", "report/"))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The whole demo from one command."""
    place = make_place(tmp_path_factory.mktemp("whole"), dataset="demo")
    return Done(place, run_command(place, *MATERIALIZE, "--select", "*", *WHOLE_RANGE))


@pytest.fixture(scope="module")
def one_batch(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One batch of one of two data sets, after registering."""
    place = make_place(tmp_path_factory.mktemp("one"), dataset="demo,organelle")
    registering = run_command(place, *MATERIALIZE, "--select", "demo/raw_sequences")
    assert registering.returncode == 0, registering.stderr
    by_name = ("--select", "demo/sequences,demo/codon_counts", "--partition", "batch_0001")
    return Done(place, run_command(place, *MATERIALIZE, *by_name))


def test_one_command_makes_everything(whole: Done) -> None:
    assert whole.process.returncode == 0, whole.process.stderr


def test_the_table_holds_what_was_planted(whole: Done) -> None:
    table = pq.read_table(whole.place.warehouse / "demo" / "codon_frequencies.parquet")
    planted = {codon: count for codon, count in planted_counts().items() if codon not in AMBIGUOUS}
    assert dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True)) == planted


def test_the_files_are_those_of_the_contract(whole: Done) -> None:
    per_batch = {f"{folder}/{batch}.parquet" for folder in ("sequences", "codon_counts") for batch in BATCHES}
    final = {"manifest.json", *(f"codon_frequencies.{suffix}" for suffix in ("parquet", "tsv", "json"))}
    assert whole.files() == per_batch | final


@pytest.mark.parametrize("asset", ["sequences", "codon_counts"])
def test_every_partition_is_remembered(whole: Done, asset: str) -> None:
    assert whole.materialized(asset) == BATCHES


@pytest.mark.parametrize(
    ("asset", "check"), [(asset, name) for asset, names in CHECKS.items() for name in names]
)
def test_a_check_is_stored_for_every_partition_and_over_all(whole: Done, asset: str, check: str) -> None:
    assert whole.checked(asset, check) == dict.fromkeys([*BATCHES, None], "SUCCEEDED")


def test_the_output_is_what_the_assets_say_and_nothing_else(whole: Done) -> None:
    assert [line for line in whole.lines() if not LINE.fullmatch(line)] == []


def test_the_output_tells_of_every_batch(whole: Done) -> None:
    said = [match.groups() for line in whole.lines() if (match := LINE.fullmatch(line))]
    batches = [text for asset, text in said if asset == "codon_counts" and " batch " in text]
    assert len(batches) == len(BATCHES)
    assert all(
        re.fullmatch(
            r"counting  batch \d/3  batch_000\d  [\d,]+ sequences  [\d.]+ Mbp  [\d.]+ m?s  [\d.]+ [kM]bp?/s",
            text,
        )
        for text in batches
    )


def test_no_process_outlives_the_command(whole: Done) -> None:
    assert whole.place.processes() == []


def test_one_partition_runs_by_itself(one_batch: Done) -> None:
    assert one_batch.process.returncode == 0, one_batch.process.stderr


def test_one_partition_makes_its_own_files_only(one_batch: Done) -> None:
    assert one_batch.files() == {
        "manifest.json",
        "sequences/batch_0001.parquet",
        "codon_counts/batch_0001.parquet",
    }


@pytest.mark.parametrize("asset", ["sequences", "codon_counts"])
def test_one_partition_is_remembered_alone(one_batch: Done, asset: str) -> None:
    assert one_batch.materialized(asset) == {"batch_0001"}


@pytest.mark.parametrize("asset", ["sequences", "codon_counts"])
def test_a_partition_of_one_data_set_is_none_of_the_other(one_batch: Done, asset: str) -> None:
    assert one_batch.materialized(asset, dataset="organelle") == set()


def test_a_check_of_one_partition_is_stored_for_it(one_batch: Done) -> None:
    assert one_batch.checked("codon_counts", "total_codon_count")["batch_0001"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        (
            ("dagster", "definitions", "validate", "-w", "workspace.yaml"),
            "All code locations passed validation.",
        ),
        (("dg", "check", "defs"), "All definitions loaded successfully."),
    ],
    ids=lambda argument: "_".join(argument[:2]) if isinstance(argument, tuple) else "",
)
def test_the_definitions_validate(tmp_path: Path, command: tuple[str, ...], verdict: str) -> None:
    done = run_command(make_place(tmp_path / "place", dataset="demo,organelle"), *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdict in done.stdout + done.stderr
