"""The catalogue: the project's entries, the user's entries, and invalid entries."""

import re
from pathlib import Path

import pytest

from opengenome_assets.datasets.catalogue import read_catalogue, resolve_datasets
from opengenome_assets.errors import SettingError
from opengenome_assets.settings import read_settings
from opengenome_assets_tests.services import ROOT


def own(folder: Path, text: str) -> str:
    (folder / "own.toml").write_text(text)
    return str(folder / "own.toml")


def test_records_are_declared_where_two_sources_agree() -> None:
    declared = {name: entry.sequences for name, entry in read_catalogue().items() if entry.sequences}
    assert declared == {"demo": 12345, "organelle": 32240, "promoters": 173241}


def test_what_one_source_says_is_marked_as_unconfirmed() -> None:
    entries = read_catalogue()
    assert {name for name, entry in entries.items() if "unconfirmed" not in entry.description} == {
        "demo",
        "organelle",
    }


def test_the_page_lists_all_entries_with_declared_counts() -> None:
    page = (ROOT / "docs" / "how-to" / "catalogue.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", page, re.MULTILINE)
    entries = read_catalogue()
    assert [name for name, _ in rows] == list(entries)
    for name, records in rows:
        declared = entries[name].sequences
        assert (
            records == f"{declared:,}" if declared else ("unconfirmed" in records or records == "not known")
        )


def test_every_entry_but_the_demo_is_of_opengenome2() -> None:
    entries = read_catalogue()
    del entries["demo"]
    assert {entry.repository for entry in entries.values()} == {"arcinstitute/opengenome2"}


def test_an_entry_of_the_users_own_is_known_by_its_name(tmp_path: Path) -> None:
    file = own(
        tmp_path,
        '[barley]\ndescription = "mine"\nrepository = "me/barley"\npath = "*.fa"\nrevision = "v1"\nsequences = 7\n',
    )
    settings = read_settings({"OPENGENOME_DATASET": "barley", "OPENGENOME_CATALOGUE": file})
    (dataset,) = resolve_datasets(settings)
    assert dataset.entry is not None
    assert (dataset.entry.repository, dataset.entry.path, dataset.entry.revision) == (
        "me/barley",
        "*.fa",
        "v1",
    )
    assert dataset.declared == 7


def test_an_entry_of_the_users_own_can_name_any_location(tmp_path: Path) -> None:
    file = own(tmp_path, '[barley]\nlocation = "s3://bucket/barley/"\n')
    settings = read_settings({"OPENGENOME_DATASET": "barley", "OPENGENOME_CATALOGUE": file})
    assert resolve_datasets(settings)[0].locations == ("s3://bucket/barley/",)


def test_an_entry_of_the_users_own_wins_over_the_projects(tmp_path: Path) -> None:
    file = own(tmp_path, '[organelle]\nlocation = "organelles/"\n')
    assert read_catalogue(file)["organelle"].repository is None


def test_an_entry_can_have_parameters_of_its_table(tmp_path: Path) -> None:
    parameters = 'genetic_code = "Yeast Mitochondrial"\nstrand = "both"\nskip_stops = true\nmin_count = 2\n'
    entry = read_catalogue(own(tmp_path, f'[a]\nlocation = "x"\n{parameters}'))["a"]
    assert entry.location == "x"
    assert entry.table == {"genetic_code": 3, "strand": "both", "skip_stops": True, "min_count": 2}


UNCLEAR = {
    '[a]\nlocation = "x"\ngenetic_code = 7\n': r"own\.toml: entry \[a\]: genetic_code: 7 is none of NCBI's",
    '[a]\nlocation = "x"\nstrand = "x"\n': r"own\.toml: entry \[a\]: strand: 'x' is not allowed\. Give '\+' or",
    '[a]\nlocation = "x"\nframe = true\n': r"entry \[a\]: frame: True is not allowed",
    '[a]\nlocation = "x"\nskip_n = 1\n': r"entry \[a\]: skip_n: 1 is not allowed",
    '[a]\nrepository = "me/a"\n': r"own\.toml: entry \[a\]: 'repository' and 'path' must be set together",
    '[a]\npath = "a.fa"\n': r"'repository' and 'path' must be set together",
    '[a]\ndescription = "?"\n': r"has no source\. Set exactly one of repository \(with path\), location and generator",
    '[a]\nlocation = "x"\nrepository = "me/a"\npath = "a"\n': r"has repository and location\. Set exactly one",
    '[a]\nlocation = "x"\nrevision = "v1"\n': r"'revision' needs a 'repository'",
    '[a]\ngenerator = "chance"\n': r"generator 'chance' does not exist\. Allowed: 'demo'",
    '[a]\nlocation = "x"\nsequences = 0\n': r"sequences is 0\. Set the number of records",
    '[a]\nlocation = "x"\nsequences = true\n': r"'sequences' is not allowed",
    "[a]\nlocation = 3\n": r"'location' is not allowed\. Allowed: description \(str\)",
    '[a]\nurl = "x"\n': r"'url' is not allowed",
    'location = "x"\n': r"entry \[location\]: 'location' is not allowed",
    "a = 3\n": r"entry \[a\]: 'a' is not allowed",
    '["a b"]\nlocation = "x"\n': r"own\.toml: 'a b' cannot be the name of a data set.*Rename the entry\.",
    "[a\n": r"OPENGENOME_CATALOGUE: .*own\.toml cannot be read as TOML",
}


@pytest.mark.parametrize(("text", "message"), UNCLEAR.items())
def test_an_entry_that_is_not_clear_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read_catalogue(own(tmp_path, text))


def test_a_catalogue_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"OPENGENOME_CATALOGUE: .*none\.toml cannot be read as TOML"):
        read_catalogue(str(tmp_path / "none.toml"))
