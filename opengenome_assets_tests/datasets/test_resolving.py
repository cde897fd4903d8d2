"""The data sets that settings and catalogue mean together: their inputs, declared rows and table parameters."""

from pathlib import Path

import pytest

from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.settings import TableParameters, read_settings
from opengenome_assets_tests.test_settings import dataset, settings_from

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


TABLES = """
[barley]
location = "barley.fa"
frame = 1
genetic_code = 11
[rye]
location = "rye.fa"
"""


def test_parameters_are_those_of_the_first_source(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TABLES)
    variables = {"CATALOGUE": str(tmp_path / "own.toml"), "DATASET": "barley"}
    from_entry = dataset(**variables)
    assert from_entry.table_parameters(None) == TableParameters(frame=1, genetic_code=11)
    registered = TableParameters(genetic_code=4, min_count=2)
    assert from_entry.table_parameters(registered) == registered
    from_variable = dataset(**variables, GENETIC_CODE="2")
    assert from_variable.table_parameters(None) == TableParameters(frame=1, genetic_code=2)
    assert from_variable.table_parameters(registered) == TableParameters(genetic_code=2, min_count=2)


def test_variables_of_the_table_are_those_of_all_data_sets(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TABLES)
    settings = settings_from(CATALOGUE=str(tmp_path / "own.toml"), DATASET="barley,rye", STRAND="-")
    assert {each.key: each.table_parameters(None) for each in resolve_datasets(settings)} == {
        "barley": TableParameters(frame=1, genetic_code=11, strand="-"),
        "rye": TableParameters(strand="-"),
    }


def test_an_input_named_as_an_entry_has_default_parameters(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TABLES)
    own = dataset(CATALOGUE=str(tmp_path / "own.toml"), DATASET="barley", INPUT="mine.fa")
    assert own.table_parameters(None) == TableParameters()


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


def test_the_name_is_that_of_the_first_input() -> None:
    found = dataset(INPUT="genomes/first.fa.gz\nsecond.fa")
    assert (found.name, found.locations) == ("first", ("genomes/first.fa.gz", "second.fa"))


def test_a_file_that_begins_with_a_blank_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "  indented.fa").touch()
    (tmp_path / "plain.fa").touch()
    found = dataset(INPUT="  indented.fa\n  plain.fa\n   \n", DATASET="mine")
    assert found.locations == ("  indented.fa", "plain.fa")
