"""The commands of dg in a clone of this project, beside those of dagster."""

import json
import re

import dagster as dg
import pytest

from opengenome_assets_tests.scenario import made_up_records, write_fasta
from opengenome_assets_tests.services import ROOT, Place, make_place, run_command

pytestmark = pytest.mark.service

NAMES = ("codon_counts", "codon_frequencies", "codon_usage_report", "raw_sequences", "sequences")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("dg")
    source = write_fasta(folder / "mine.fa", made_up_records(20))
    return make_place(folder / "place", dataset="mine", input=source, batch_size=6)


def test_dg_lists_and_checks_the_definitions(place: Place) -> None:
    listed = run_command(place, "dg", "list", "defs", "--json", HOME=str(place.folder))
    assert listed.returncode == 0, listed.stderr
    assert [asset["asset_key"] for asset in json.loads(listed.stdout)["assets"]] == [
        f"mine/{name}" for name in NAMES
    ]
    checked = run_command(place, "dg", "check", "defs", HOME=str(place.folder))
    assert checked.returncode == 0, checked.stderr
    assert "All definitions loaded successfully." in checked.stdout


def test_dg_launches_a_range_as_documented(place: Place) -> None:
    page = (ROOT / "docs" / "how-to" / "own-data.md").read_text()
    commands = re.findall(r"^dg launch --assets '(.*?)'(?: --partition-range '(.*?)')?$", page, re.MULTILINE)
    (register, no_range), (everything, batches) = commands
    assert (register, no_range, everything) == ('key:"mine/raw_sequences"', "", 'key:"mine/*"')
    # The range without Spark, of the two first batches.
    first = batches.split("...")[0]
    for arguments in (
        (register,),
        ('key:"mine/sequences"', "--partition-range", f"{first}...batch_0001"),
    ):
        done = run_command(place, "dg", "launch", "--assets", *arguments, HOME=str(place.folder))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SupersessionWarning" not in done.stderr
    with dg.DagsterInstance.from_config(str(place.home)) as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["mine", "sequences"])) == {
            first,
            "batch_0001",
        }
