"""Names of data sets: those that a location gives, and those that are allowed."""

from pathlib import Path

import pytest

from opengenome_assets.datasets.names import check_dataset_name, name_of_location
from opengenome_assets.errors import SettingError


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("/data/barley.fasta", "barley"),
        ("/data/barley.FNA.GZ", "barley"),
        ("/data/barley.pq", "barley"),
        ("/data/barley.v2.fa", "barley.v2"),
        ("/data/rye/*.fa", "rye"),
        ("/data/rye/part-[0-9]/x?.fa", "rye"),
        ("/data/rye/", "rye"),
        ("s3://bucket/path/oat.fa.zst", "oat"),
        ("s3://bucket", "bucket"),
        ("hf://datasets/owner/wheat", "wheat"),
    ],
)
def test_a_location_names_its_data_set(location: str, name: str) -> None:
    assert name_of_location(location) == name


def test_a_relative_location_is_named_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "millet").mkdir()
    monkeypatch.chdir(tmp_path / "millet")
    assert name_of_location("*.fa") == name_of_location(".") == "millet"


@pytest.mark.parametrize("location", ["/*.fa", "/", "/data/über.fa"])
def test_a_location_that_gives_no_name_is_refused(location: str) -> None:
    with pytest.raises(SettingError) as refused:
        name_of_location(location)
    assert str(refused.value).startswith(f"OPENGENOME_INPUT={location}: ")
    assert str(refused.value).endswith(" Set such a name with OPENGENOME_DATASET.")


@pytest.mark.parametrize("name", ["a", "_", "7", "A.b_c-9", "x" * 100])
def test_a_name_of_up_to_100_characters_is_allowed(name: str) -> None:
    assert check_dataset_name(name) == name


@pytest.mark.parametrize("name", ["", ".a", "-a", "a b", "ä", "a/b", "x" * 101])
def test_a_name_that_is_no_folder_or_key_is_refused(name: str) -> None:
    with pytest.raises(SettingError) as refused:
        check_dataset_name(name)
    assert str(refused.value).startswith(f"OPENGENOME_DATASET: {name!r} cannot be the name of a data set. ")
    assert "up to 100 letters" in str(refused.value)
    assert str(refused.value).endswith(" Set such a name with OPENGENOME_DATASET.")
