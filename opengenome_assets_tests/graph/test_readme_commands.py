"""README's commands without make, run unchanged on an input of one batch."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from opengenome_assets import load_codon_frequencies
from opengenome_assets_tests.scenario import write_fasta
from opengenome_assets_tests.services import BIN, ROOT, own_lines, run_script, shell_blocks

BLOCKS = shell_blocks(ROOT / "README.md")
ANALYZE, RANGE, ONE_BATCH = (
    next(block for block in BLOCKS if word in block)
    for word in ("opengenome analyze", "--partition-range", "--partition ")
)


@dataclass(frozen=True)
class Followed:
    """A folder like a clone, in which commands were run."""

    folder: Path
    done: subprocess.CompletedProcess[str]

    @property
    def has_telemetry(self) -> bool:
        with dg.DagsterInstance.from_config(str(self.folder / "data" / ".dagster")) as instance:
            return instance.telemetry_enabled


def follow(folder: Path, commands: str) -> Followed:
    """Run commands of README in a new folder that has the project and a small input."""
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "bin").symlink_to(BIN)
    (folder / "opengenome_assets").symlink_to(ROOT / "opengenome_assets")
    (folder / "path" / "to" / "genomes").mkdir(parents=True)
    write_fasta(folder / "path" / "to" / "genomes" / "some.fasta", {"a": "ATGAAATTTG", "b": "AC"})
    return Followed(folder, run_script(folder, commands, within=480))


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Registering, all batches and the table; then one batch again."""
    return follow(tmp_path_factory.mktemp("readme") / "clone", RANGE + ONE_BATCH)


@pytest.mark.service
@pytest.mark.spark
def test_dagsters_commands_count_a_data_set_of_one_batch(followed: Followed) -> None:
    assert followed.done.returncode == 0, followed.done.stderr
    table = load_codon_frequencies("mine", warehouse=followed.folder / "data")
    counts = dict(zip(table["codon"].to_pylist(), table["count"].to_pylist(), strict=True))
    assert {codon: count for codon, count in counts.items() if count} == {"ATG": 1, "AAA": 1, "TTT": 1}


@pytest.mark.service
@pytest.mark.spark
def test_registering_logs_the_command_for_all_batches(followed: Followed) -> None:
    _, *said = "\n".join(own_lines(followed.done)).split("command for all batches and the table: ")
    # Registering logs it, and the range run, which finds the input registered, does so again.
    assert [text.splitlines()[0] for text in said] == 2 * [
        f"OPENGENOME_DATASET=mine OPENGENOME_WAREHOUSE={followed.folder}/data "
        f"DAGSTER_HOME={followed.folder}/data/.dagster dagster asset materialize -m opengenome_assets.definitions "
        "--select 'key:\"mine/*\"' --partition-range batch_0000...batch_0000"
    ]


@pytest.mark.service
@pytest.mark.spark
def test_dagsters_commands_keep_telemetry_off(followed: Followed) -> None:
    assert not followed.has_telemetry


def test_the_recipe_without_make_keeps_telemetry_off(tmp_path: Path) -> None:
    before, _ = ANALYZE.split(".venv/bin/opengenome")
    registering = ".venv/bin/opengenome ingest --input path/to/genomes --dataset mine\n"
    followed = follow(tmp_path / "clone", before + registering)
    assert followed.done.returncode == 0, followed.done.stderr
    assert not followed.has_telemetry
