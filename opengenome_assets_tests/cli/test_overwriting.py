"""Which existing tables in --output a command refuses to overwrite, and the errors."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from opengenome_assets.cli.analyze import refuse_overwriting
from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import Making, codon_frequencies, write_table
from opengenome_assets_tests.tables.tables import counts_table

ASKED = Making("mine", "f1", TableParameters())


def write(folder: Path, making: Making = ASKED) -> None:
    """A table in a folder that says it was made like this."""
    own = DatasetFolder(str(folder.parent), folder.name)
    table = codon_frequencies(counts_table({"ATG": 3}), making.parameters)
    write_table(
        own, [table], making.parameters, {"dataset": making.dataset, "fingerprint": making.fingerprint}
    )


def other(**parameters: object) -> Making:
    return replace(ASKED, parameters=replace(TableParameters(), **parameters))


def test_an_empty_place_is_free(tmp_path: Path) -> None:
    refuse_overwriting(tmp_path / "output", ASKED)


def test_the_same_table_may_be_made_again(tmp_path: Path) -> None:
    write(tmp_path / "output")
    refuse_overwriting(tmp_path / "output", ASKED)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (replace(ASKED, dataset="yours"), "was made from data set yours; this is mine."),
        (replace(ASKED, fingerprint="f2"), "was made from another input named mine, or another plan of it."),
        (other(frame=2), "was made with frame=2, and frame=0 is asked for."),
    ],
    ids=["data_set", "input", "parameter"],
)
def test_another_table_in_the_output_is_refused(tmp_path: Path, there: Making, says: str) -> None:
    write(tmp_path / "output", there)
    with pytest.raises(SettingError) as refused:
        refuse_overwriting(tmp_path / "output", ASKED)
    assert str(refused.value).startswith(f"--output {tmp_path}/output: the table there {says}")


@pytest.mark.parametrize(
    "name",
    ["codon_frequencies.parquet", "codon_frequencies.tsv", "codon_frequencies.json", "report/index.html"],
)
def test_a_file_of_unknown_making_in_the_output_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "output" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(SettingError, match=f"{name} exists, and it is not known how it was made"):
        refuse_overwriting(tmp_path / "output", ASKED)


def test_other_files_in_the_output_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refuse_overwriting(tmp_path, ASKED)


def test_the_json_names_making_and_both_files(tmp_path: Path) -> None:
    write(tmp_path / "mine", other(frame=1))
    found = json.loads((tmp_path / "mine" / "codon_frequencies.json").read_text())
    assert (found["dataset"], found["fingerprint"], found["parameters"]["frame"]) == ("mine", "f1", 1)
    assert found["sha256"] == {
        name: hashlib.sha256((tmp_path / "mine" / name).read_bytes()).hexdigest()
        for name in ("codon_frequencies.parquet", "codon_frequencies.tsv")
    }
