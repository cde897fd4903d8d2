"""``~`` means the home folder wherever a path is taken, and names are taken as they are."""

from pathlib import Path

import click
import pytest

import opengenome_assets
from opengenome_assets.batches.register import register
from opengenome_assets.cli.analyze import codon
from opengenome_assets.cli.export import export
from opengenome_assets.datasets.catalogue import resolve_datasets
from opengenome_assets.errors import InputNotFoundError, SettingError
from opengenome_assets.inputs.find import find_files
from opengenome_assets.paths import local_path
from opengenome_assets.settings import read_settings
from opengenome_assets_tests.scenario import write_fasta


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


@pytest.mark.parametrize("prefix", ["~/", "file://~/"])
def test_settings_expand_the_home_folder(home: Path, prefix: str) -> None:
    write_fasta(home / "a.fa", {"a": "ACGT"})
    (home / "m.tsv").write_text("seq_id\tgroup\na\tx\n")
    (home / "c.toml").write_text(f'[mine]\nlocation = "{prefix}a.fa"\n')
    paths = {"INPUT": "a.fa", "WAREHOUSE": "w", "METADATA": "m.tsv", "CATALOGUE": "c.toml"}
    settings = read_settings({f"OPENGENOME_{name}": f"{prefix}{path}" for name, path in paths.items()})
    (dataset,) = resolve_datasets(settings)
    assert (dataset.key, dataset.locations) == ("a", (str(home / "a.fa"),))
    assert register(dataset, lambda line: None).manifest.settings.metadata
    assert (home / "w" / "a" / "manifest.json").is_file()
    assert not list((home / "elsewhere").iterdir())


@pytest.mark.parametrize("prefix", ["~/", "file://~/"])
def test_a_catalogue_location_expands_the_home_folder(home: Path, prefix: str) -> None:
    write_fasta(home / "a.fa", {"a": "ACGT"})
    assert [file.uri for file in find_files(f"{prefix}a.fa")] == [str(home / "a.fa")]


@pytest.mark.parametrize("command", [codon, export])
def test_output_options_expand_the_home_folder(home: Path, command: click.Command) -> None:
    (option,) = [option for option in command.params if option.name == "output"]
    assert option.type.convert("~/x", option, None) == home / "x"


def test_the_loader_expands_the_home_folder(home: Path) -> None:
    (home / "t.csv").write_text("codon,count,freq,aa\nAAA,1,1.0,K\n")
    assert opengenome_assets.load_codon_frequencies("~/t.csv").num_rows == 1
    with pytest.raises(InputNotFoundError, match=str(home / "w")):
        opengenome_assets.load_codon_frequencies("~/w/mine")
    with pytest.raises(InputNotFoundError, match=str(home / "w")):
        opengenome_assets.load_codon_frequencies("mine", warehouse="~/w")


def test_a_name_that_only_begins_with_a_tilde_is_itself() -> None:
    assert local_path("~no_such_user~/a.fa") == "~no_such_user~/a.fa"


@pytest.mark.parametrize("variable", ["WAREHOUSE", "METADATA", "CATALOGUE"])
def test_a_path_that_is_not_utf_8_is_refused_escaped(variable: str) -> None:
    with pytest.raises(SettingError, match=rf"OPENGENOME_{variable}: /caf\\xe9 is not UTF-8"):
        read_settings({f"OPENGENOME_{variable}": "/caf\udce9"})
