"""The report of many groups shows the largest, says how many it leaves out, and pools all of them."""

import random

import pytest

from opengenome_assets.report import page, write
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables import frequencies
from opengenome_assets.tables.frequencies import make_table
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.report.parsed import Page
from opengenome_assets_tests.scenario import project, write_fasta

# Codons by group. Neither the names nor the records are in this order; two are alike.
SIZES = {"elm": 90, "ash": 200, "fir": 150, "bay": 90, "oak": 310, "yew": 20}
LARGEST = ["oak", "ash", "fir", "bay", "elm", "yew"]
TABLES = ("measures", "readings", "expectations", "six_frames")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")
    chance = random.Random(3)
    records = {f"of_{group}": "".join(chance.choices("ACGT", k=3 * size)) for group, size in SIZES.items()}
    metadata = folder / "groups.tsv"
    metadata.write_text("seq_id\tgroup\n" + "".join(f"of_{group}\t{group}\n" for group in SIZES))
    made = project(folder, write_fasta(folder / "mine.fa", records), metadata=metadata, batch_size=4)
    write_and_count(made)
    make_table(made.files, TableParameters())
    return made


@pytest.fixture
def report(own, monkeypatch, request):
    """With N groups, and nothing drawn."""
    monkeypatch.setattr(write, "GROUPS_SHOWN", request.param)
    # Parts of the table end within groups.
    monkeypatch.setattr(frequencies, "_ROWS_HELD", 50)
    monkeypatch.setattr(
        write, "build_report", lambda inputs: {"index.html": page.render_page(inputs, {}, {}).encode()}
    )
    return write.make_report(own.files, [], {})


def groups_of(tsv):
    return list(dict.fromkeys(line.split("\t")[0] for line in tsv.decode().splitlines()[1:]))


@pytest.mark.parametrize("report", [3, 4, 6, 500], indirect=True)
def test_each_table_has_the_largest_groups_first(report, request):
    shown = ["all", *LARGEST[: request.node.callspec.params["report"]]]
    for name in TABLES:
        assert groups_of(report[f"{name}.tsv"]) == shown
    rows = Page(report["index.html"].decode()).table("group", "code")
    assert [(row["group"], row["codons"]) for row in rows] == [
        (group, str(SIZES.get(group, sum(SIZES.values())))) for group in shown
    ]


@pytest.mark.parametrize(
    ("report", "left_out"), [(3, "3 smaller groups"), (5, "1 smaller group"), (6, None)], indirect=["report"]
)
def test_the_page_says_how_many_groups_it_leaves_out(report, left_out):
    text = report["index.html"].decode()
    assert ('id="groups-left-out"' in text) == (left_out is not None)
    assert left_out is None or left_out in text
    assert Page(text).tiles["groups"] == "6"


@pytest.mark.parametrize("report", [2], indirect=True)
def test_codons_of_left_out_groups_are_in_all(report):
    assert Page(report["index.html"].decode()).tiles["codons in the table"] == str(sum(SIZES.values()))
    six = [line.split("\t") for line in report["six_frames.tsv"].decode().splitlines()]
    first = dict(zip(six[0], six[1], strict=True))
    assert (first["group"], first["strand"], first["frame"]) == ("all", "+", "0")
    assert first["codons"] == str(sum(SIZES.values()))


@pytest.mark.usefixtures("empty_pictures")
def test_the_largest_groups_are_drawn(own, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        write, "build_report", lambda inputs: drawn.update(page.group_pictures(inputs, most=2)) or {}
    )
    write.make_report(own.files, [], {})
    assert [(group, heat.name) for group, (heat, _) in drawn.items()] == [
        ("oak", "group_01_heat_map"),
        ("ash", "group_02_heat_map"),
    ]
