"""``opengenome ingest``: which inputs it finds, and what it registers."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches.manifest import Manifest, load_manifest, read_file_list
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.scenario import write_fasta


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def one_home(home: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warehouses of these tests share Dagster's home; to make its databases takes longer than to register."""
    monkeypatch.setenv("DAGSTER_HOME", str(home))


@pytest.fixture
def genomes(tmp_path: Path) -> Path:
    """Three files of one record each, as a shell's glob would find them."""
    folder = tmp_path / "genomes"
    folder.mkdir()
    for name in ("a", "b", "c"):
        write_fasta(folder / f"{name}.fasta", {name: "ACGACG"})
    return folder


def registered(warehouse: Path, dataset: str) -> Manifest:
    return load_manifest(DatasetFolder(str(warehouse), dataset))


def names(warehouse: Path, dataset: str = "genomes") -> list[str]:
    folder = DatasetFolder(str(warehouse), dataset)
    return [file["name"] for file in read_file_list(folder, load_manifest(folder))]


def test_it_says_rows_and_batches(genomes: Path, warehouse: Path) -> None:
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--batch-size", 2)
    assert said.out.splitlines()[0] == "genomes: 3 rows in 2 batches, batch_0000 to batch_0001"
    assert said.code == 0


def test_it_prints_dagsters_command_for_all_batches(
    genomes: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--sample", 1)
    assert said.out.splitlines()[1] == (
        "all batches and the table with Dagster: OPENGENOME_DATASET=genomes OPENGENOME_SAMPLE=1 "
        f"OPENGENOME_WAREHOUSE={warehouse} DAGSTER_HOME={warehouse}/.dagster "
        "dagster asset materialize -m opengenome_assets.definitions "
        "--select 'key:\"genomes@sample-1/*\"' --partition-range batch_0000...batch_0000"
    )
    assert "dagster asset materialize" not in said.err


def test_a_glob_that_the_shell_expanded_stands_after_one_input(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", *sorted(genomes.glob("[ab].fasta")), "--warehouse", warehouse)
    assert names(warehouse) == ["a.fasta", "b.fasta"]


def test_a_glob_that_no_shell_expanded_is_expanded(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes / "[bc].fasta", "--warehouse", warehouse)
    assert names(warehouse) == ["b.fasta", "c.fasta"]


def test_input_may_be_given_several_times(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "-i", genomes / "a.fasta", "-i", genomes / "c.fasta", "-w", warehouse)
    assert names(warehouse) == ["a.fasta", "c.fasta"]


def test_a_file_that_is_named_twice_is_read_once(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes / "a.fasta", genomes, "--dataset", "d", "-w", warehouse)
    assert names(warehouse, "d") == ["a.fasta", "b.fasta", "c.fasta"]


def test_one_input_is_named_by_its_own_stem(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes / "a.fasta", "--warehouse", warehouse)
    assert registered(warehouse, "a").rows == 1


def test_a_data_set_is_named_as_asked_for(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--dataset", "other")
    assert registered(warehouse, "other").rows == 3


def test_without_a_warehouse_data_below_this_folder_is_meant(
    genomes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    opengenome("ingest", "--input", genomes)
    assert registered(tmp_path / "data", "genomes").rows == 3


def test_inputs_of_several_folders_need_a_name(genomes: Path, warehouse: Path, tmp_path: Path) -> None:
    other = write_fasta(tmp_path / "d.fasta", {"d": "ACG"})
    said = opengenome("ingest", "--input", genomes / "a.fasta", other, "--warehouse", warehouse)
    assert said.code == 2
    assert "--input: inputs from several folders need a name. Set one with --dataset." in said.err


def test_inputs_without_their_option_are_refused(genomes: Path, warehouse: Path) -> None:
    said = opengenome("ingest", genomes / "a.fasta", "--warehouse", warehouse)
    assert said.code == 2
    assert "a.fasta' is not understood. Inputs follow --input." in said.err


@pytest.mark.parametrize(("size", "boundaries"), [("2", (0, 2, 3)), ("auto", (0, 3))])
def test_the_batch_size_cuts_the_rows(
    genomes: Path, warehouse: Path, size: str, boundaries: tuple[int, ...]
) -> None:
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--batch-size", size)
    assert registered(warehouse, "genomes").boundaries == boundaries


def test_a_sample_is_registered_beside_the_whole(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse)
    whole = registered(warehouse, "genomes")
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--sample", 2)
    sample = registered(warehouse, "genomes@sample-2")
    assert (sample.rows, sample.input_rows) == (2, 3)
    assert (registered(warehouse, "genomes"), whole.rows) == (whole, 3)


def test_a_metadata_belongs_to_the_plan(genomes: Path, warehouse: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "groups.csv"
    metadata.write_text("seq_id,group\na,one\nnone,two\n")
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--metadata", metadata)
    assert registered(warehouse, "genomes").unmatched_ids == 1


def test_with_log_format_json_every_line_is_an_object(genomes: Path, warehouse: Path) -> None:
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--log-format", "json")
    assert any("genomes" in json.loads(line)["message"] for line in said.lines())


def test_the_data_sets_own_parameters_are_registered(genomes: Path, warehouse: Path) -> None:
    command = ("ingest", "--input", genomes, "--warehouse", warehouse)
    first = opengenome(*command, "--genetic-code", 2, "--no-skip-n")
    assert "OPENGENOME_GENETIC_CODE" not in first.out
    # Later ones ask for another table: the command for Dagster says so.
    again = opengenome(*command, "--strand", "-")
    assert " OPENGENOME_STRAND=- dagster asset materialize" in again.out
    table = load_manifest(DatasetFolder(str(warehouse), "genomes")).table
    assert table == TableParameters(genetic_code=2, skip_n=False)


def test_a_wrong_variable_of_the_table_is_refused(
    genomes: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_GENETIC_CODE", "7")
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse)
    assert (said.code, warehouse.exists()) == (2, False)
    assert said.lines()[-1].startswith("Error: OPENGENOME_GENETIC_CODE: '7' is none of NCBI's genetic codes.")
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse, "--genetic-code", 8)
    assert said.lines()[-1].startswith("Error: --genetic-code: ")


def test_another_input_under_a_name_that_is_taken_ends_with_1(genomes: Path, warehouse: Path) -> None:
    opengenome("ingest", "--input", genomes / "a.fasta", "--dataset", "d", "--warehouse", warehouse)
    said = opengenome("ingest", "--input", genomes / "b.fasta", "--dataset", "d", "--warehouse", warehouse)
    assert said.code == 1
    assert "was registered with" in said.lines()[-1]


def test_dagsters_home_is_inside_the_warehouse_unless_it_is_set(
    genomes: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME")
    opengenome("ingest", "--input", genomes, "--warehouse", warehouse)
    assert os.environ["DAGSTER_HOME"] == str(warehouse / ".dagster")


def test_a_dagster_home_that_is_no_folder_is_refused(
    genomes: Path, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "absent"))
    said = opengenome("ingest", "--input", genomes, "--warehouse", warehouse)
    assert (said.code, said.err) == (
        2,
        f"Error: DAGSTER_HOME: {tmp_path}/absent is not a folder. Create it, or unset the variable.\n",
    )


def test_an_input_takes_no_name_from_several_data_sets(
    genomes: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENGENOME_DATASET", "demo,organelle")
    opengenome("ingest", "--input", genomes / "*.fasta", "--warehouse", warehouse)
    assert registered(warehouse, "genomes").rows == 3


def test_invalid_and_masked_letters_are_skipped_on_request(warehouse: Path, tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fasta", {"a": "ATGaaa", "b": "ATGE"})
    command = ("ingest", "--input", fasta, "--warehouse", warehouse)
    refused = opengenome(*command)
    assert (refused.code, "--on-invalid=skip to skip such records" in refused.err) == (1, True)
    assert opengenome(*command, "--on-invalid", "skip", "--soft-mask", "skip").code == 0
    manifest = load_manifest(DatasetFolder(str(warehouse), "mine"))
    assert (manifest.rejected, manifest.settings.soft_mask) == (1, "skip")


def test_the_column_of_the_sequences_can_be_named(warehouse: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"dna": ["ATG", "CCCTTT"]}), tmp_path / "mine.parquet")
    said = opengenome(
        *("ingest", "--input", tmp_path / "mine.parquet", "--warehouse", warehouse),
        *("--sequence-column", "dna"),
    )
    assert said.code == 0, said.err
    assert load_manifest(DatasetFolder(str(warehouse), "mine")).input_bases == 9
