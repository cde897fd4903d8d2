"""Which value of a setting holds: option over variable over catalogue, and each for the data set that it is of."""

from pathlib import Path

import pytest

from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import read_settings
from opengenome_assets.storage.warehouse import DatasetFolder
from opengenome_assets_tests.cli.scenario import opengenome
from opengenome_assets_tests.scenario import Project, write_fasta

CATALOGUE = """
[barley]
location = "barley.fa"
sequences = 40
[rye]
location = "rye.fa"
sequences = 7
[oat]
location = "oat.fa"
"""


def resolved(folder: Path, **environment: object) -> dict[str, tuple[tuple[str, ...], int | None]]:
    """Locations and declared rows of each data set, by key."""
    (folder / "own.toml").write_text(CATALOGUE)
    given = {"CATALOGUE": folder / "own.toml"} | environment
    settings = read_settings({f"OPENGENOME_{name}": str(value) for name, value in given.items()})
    return {each.key: (each.locations, each.declared) for each in resolve_datasets(settings)}


def test_each_name_has_the_number_that_its_entry_declares(tmp_path: Path) -> None:
    assert resolved(tmp_path, DATASET="rye,barley,oat") == {
        "rye": (("rye.fa",), 7),
        "barley": (("barley.fa",), 40),
        "oat": (("oat.fa",), None),
    }


def test_a_declared_number_is_of_the_input_alone(tmp_path: Path) -> None:
    found = resolved(tmp_path, DATASET="mine,barley,rye,oat", INPUT="x.fa", SEQUENCES=12)
    assert found == {
        "mine": (("x.fa",), 12),
        "barley": (("barley.fa",), 40),
        "rye": (("rye.fa",), 7),
        "oat": (("oat.fa",), None),
    }


def test_a_declared_number_without_input_is_of_a_sole_name(tmp_path: Path) -> None:
    assert resolved(tmp_path, DATASET="oat", SEQUENCES=12) == {"oat": (("oat.fa",), 12)}
    assert resolved(tmp_path, DATASET="barley", SEQUENCES=12) == {"barley": (("barley.fa",), 12)}
    assert {declared for _, declared in resolved(tmp_path, DATASET="oat,mine", SEQUENCES=12).values()} == {
        None
    }


def test_a_sample_is_as_large_as_its_data_set_at_most(tmp_path: Path) -> None:
    found = resolved(tmp_path, DATASET="barley,rye,oat", SAMPLE=9)
    assert {key: declared for key, (_, declared) in found.items()} == {
        "barley@sample-9": 9,
        "rye@sample-9": 7,
        "oat@sample-9": None,
    }


def test_an_input_named_as_an_entry_has_no_declared_number(tmp_path: Path) -> None:
    assert resolved(tmp_path, DATASET="barley", INPUT="mine.fa") == {"barley": (("mine.fa",), None)}


@pytest.fixture
def genomes(tmp_path: Path) -> Path:
    return write_fasta(tmp_path / "mine.fa", {f"r{number}": "ACG" * number for number in range(7)})


VALUES = {
    "--batch-size": ("OPENGENOME_BATCH_SIZE", 3, 5, "batch_size"),
    "--sample": ("OPENGENOME_SAMPLE", 4, 2, "sample"),
}


@pytest.mark.parametrize("option", VALUES)
@pytest.mark.parametrize("is_given", [True, False])
def test_an_option_wins_over_its_variable(
    tmp_path: Path, genomes: Path, monkeypatch: pytest.MonkeyPatch, option: str, *, is_given: bool
) -> None:
    variable, of_option, of_variable, name = VALUES[option]
    monkeypatch.setenv(variable, str(of_variable))
    given = (option, of_option) if is_given else ()
    said = opengenome("ingest", "--input", genomes, "--warehouse", tmp_path / "w", *given)
    assert said.code == 0, said.err
    expected = of_option if is_given else of_variable
    (folder,) = [path.parent for path in (tmp_path / "w").glob("*/manifest.json")]
    manifest = Project(tmp_path / "w", {"OPENGENOME_DATASET": "mine"} | sample_of(folder)).manifest
    assert getattr(manifest.settings, name) == expected


def sample_of(folder: Path) -> dict[str, str]:
    _, _, size = folder.name.partition("@sample-")
    return {"OPENGENOME_SAMPLE": size} if size else {}


def test_paths_of_options_win_over_those_of_variables(
    tmp_path: Path, genomes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_fasta(tmp_path / "other.fa", {"o": "ACGT"})
    tables = {}
    for name in ("given", "of_variable"):
        tables[name] = tmp_path / f"{name}.tsv"
        tables[name].write_text(f"seq_id\tgroup\nr1\t{name}\nabsent_{name}\tx\n")
    for variable, value in (
        ("OPENGENOME_INPUT", other),
        ("OPENGENOME_DATASET", "theirs"),
        ("OPENGENOME_WAREHOUSE", tmp_path / "theirs"),
        ("OPENGENOME_METADATA", tables["of_variable"]),
    ):
        monkeypatch.setenv(variable, str(value))
    said = opengenome(
        *("ingest", "--input", genomes, "--dataset", "ours", "--warehouse", tmp_path / "ours"),
        *("--metadata", tables["given"]),
    )
    assert said.code == 0, said.err
    assert "absent_given" in said.err
    assert not (tmp_path / "theirs").exists()
    own = Project(tmp_path / "ours", {"OPENGENOME_DATASET": "ours"})
    assert (own.manifest.rows, own.manifest.longest_id) == (7, "r6")


def test_a_file_uri_names_a_local_warehouse(tmp_path: Path, genomes: Path) -> None:
    warehouse = tmp_path / "with blank"
    uri = warehouse.as_uri()
    assert uri.startswith("file:///")
    assert uri.endswith("with%20blank")
    environment = {"OPENGENOME_WAREHOUSE": uri, "OPENGENOME_INPUT": genomes.as_uri()}
    settings = read_settings(environment)
    assert settings.warehouse == str(warehouse)
    assert settings.datasets[0].locations == (str(genomes),)
    assert DatasetFolder(settings.warehouse, "mine").is_local
    said = opengenome("ingest", "--input", genomes.as_uri(), "--warehouse", uri)
    assert said.code == 0, said.err
    assert (warehouse / "mine" / "manifest.json").is_file()


@pytest.mark.parametrize("names", [",", "a,a", "a, a", " , "])
def test_names_that_are_none_or_one_twice_are_refused(names: str) -> None:
    with pytest.raises(
        SettingError, match=r"OPENGENOME_DATASET: .* must name one or more different data sets"
    ):
        read_settings({"OPENGENOME_DATASET": names})
