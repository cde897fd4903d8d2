import re
from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from opengenome_assets.report import codon_figures, summary_figures
from opengenome_assets.report.page import build_report, group_pictures, render_page
from opengenome_assets.tables.text import rows_of_group
from opengenome_assets_tests.report import naive
from opengenome_assets_tests.report.marks import texts
from opengenome_assets_tests.report.parsed import Page
from opengenome_assets_tests.report.scenario import BATCHES, DISTINCT, EVIL, bare_inputs, full_inputs
from opengenome_assets_tests.tables.tables import (
    all_oracle_counts,
    counts_table,
    needs_genomes,
    oracle_counts,
)

SECTIONS = ["usage", "table", "acids", "frames", "measures", "groups-drawn", "counting", "checks", "origin"]
OF_CODONS = {"codons", "heat_map", "wheel", "top_and_bottom"}
PICTURES = OF_CODONS | {
    "stop_codons",
    "amino_acids",
    "rscu",
    "gc",
    "groups",
    "spread",
    "six_frames",
    "batches",
}


def page_of(inputs):
    """The page without pictures, which take long to draw."""
    return render_page(inputs, {}, {})


def test_every_picture_stands_in_the_page_and_beside_it(report, page):
    assert set(report) >= {"index.html", *(f"{name}.svg" for name in PICTURES)}
    assert set(Page(page).ids("figure")) == PICTURES


def test_every_section_is_there(page):
    assert Page(page).ids("section") == SECTIONS


def test_without_checks_and_groups_they_have_no_section():
    absent = {"usage", "groups-drawn", "checks"}
    sections = Page(page_of(bare_inputs(DISTINCT))).ids("section")
    assert sections == [section for section in SECTIONS if section not in absent]


@pytest.mark.parametrize(
    ("codons", "parameters", "pictures", "shown"),
    [
        ({"AAA": 1}, {}, PICTURES - {"groups", "spread"}, {"AAA": "1"}),
        ({"NNN": 3}, {"skip_n": False}, OF_CODONS | {"amino_acids", "stop_codons", "batches"}, {"NNN": "3"}),
        ({"TAA": 3}, {"skip_stops": True}, {"six_frames", "batches"}, {}),
        ({"AAA": 9, "CCC": 1}, {"min_count": 2}, PICTURES - {"groups", "spread"}, {"AAA": "9"}),
    ],
)
def test_tables_with_next_to_nothing_have_a_report(codons, parameters, pictures, shown):
    report = build_report(bare_inputs(codons, **parameters))
    assert report.keys() == {"index.html", *(f"{name}.svg" for name in pictures)}
    rows = Page(report["index.html"].decode()).table("codon", "amino acid")
    assert {row["codon"]: row["count"] for row in rows if row["count"] != "0"} == shown


def test_a_table_of_zeros_has_a_report_without_pictures():
    inputs = full_inputs(counts_table({"AAA": 1}, frame=1))
    assert set(build_report(inputs)) == {"index.html", "spread.svg", "six_frames.svg", "batches.svg"}


def test_batches_without_times_are_drawn_without_rates():
    seconds = pa.array([None, None, None], pa.float64())
    untimed = BATCHES.set_column(3, "seconds", seconds)
    svg = summary_figures.batches(untimed).svg
    assert "Mbp" in texts(svg)
    assert not any("per second" in text for text in texts(svg))


def test_small_batches_have_a_unit_that_fits():
    small = pa.table({"key": ["batch_0000"], "rows": [1], "bases": [16_569], "seconds": [0.5]})
    picture = summary_figures.batches(small)
    assert picture.description == "1 batch of 16.6 kb together, 33.1 kb to 33.1 kb per second per core."
    assert {"kb", "kb per second per core"} <= set(texts(picture.svg))


def test_the_same_inputs_give_the_same_bytes(report):
    inputs = full_inputs()
    frames = [row for row in inputs.six_frames.to_pylist() if row["group"] == "all"]
    again = [
        codon_figures.heat_map(rows_of_group(inputs.frequencies, "all")),
        summary_figures.six_frames(frames),
        summary_figures.batches(inputs.batches),
    ]
    assert {f"{each.name}.svg": each.svg.encode() for each in again}.items() <= report.items()
    assert page_of(inputs) == page_of(full_inputs())


def test_nothing_in_the_page_asks_for_anything_outside_of_it(page):
    for tag, attrs in Page(page).tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "base", "image"}
        assert not any(name.startswith("on") for name in attrs)
        for name in ("href", "xlink:href", "src"):
            assert attrs.get(name, "#").startswith("#")
    assert "@import" not in page
    assert set(re.findall(r"url\(\s*(.)", page)) <= {"#"}


def test_a_name_that_is_markup_is_shown_and_not_run(page):
    assert "<script" not in page
    assert "&lt;script&gt;document.title=" in page


def test_every_id_in_the_page_is_used_once(page):
    assert [name for name, times in Counter(Page(page).ids()).items() if times > 1] == []


def test_every_reference_within_the_page_finds_its_target(page):
    found = set(Page(page).ids())
    wanted = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    labels = {i for _, attrs in Page(page).tags for i in attrs.get("aria-labelledby", "").split()}
    assert wanted | labels <= found


def test_every_picture_has_a_title_and_a_description(report):
    for name, svg in report.items():
        if name.endswith(".svg"):
            root = ET.fromstring(svg)  # noqa: S314 (drawn by the project)
            assert root.get("role") == "img"
            title, description = list(root)[:2]
            assert title.text
            assert len(description.text) > 20


def test_no_picture_holds_a_bitmap_or_a_date(report):
    for name, svg in report.items():
        if name.endswith(".svg"):
            assert b"<image" not in svg
            assert b"<dc:date" not in svg
            assert b"DOCTYPE" not in svg


def test_names_in_pictures_are_short_printable_and_no_formula(report):
    assert any(text.startswith("<script>") and text.endswith("…") for text in texts(report["groups.svg"]))


def test_the_page_says_which_genetic_codes_are_pooled(page):
    pooled = (
        "Pooled over the genetic codes 2 (Vertebrate Mitochondrial) and "
        "11 (Bacterial / Archaeal / Plant Plastid): each record is read by its own code."
    )
    for name in ("amino_acids", "rscu", "stop_codons"):
        caption = re.search(rf'<figure id="{name}".*?</figure>', page, re.DOTALL)[0]
        assert pooled in caption.split("<figcaption>")[1]


def test_codons_that_min_count_hides_are_mentioned():
    page = page_of(bare_inputs({"AAA": 9, "CCC": 2, "GGG": 1}, min_count=3))
    assert "3 codons of 2 kinds" in page
    proline = {"amino acid": "Pro (P)", "codons": "2", "per thousand": "166.67"}
    assert proline in Page(page).table("amino acid")


def test_groups_without_a_point_are_mentioned():
    mixed = [counts_table(DISTINCT, group="mixed", genetic_code=code) for code in (1, 2)]
    plain = counts_table(DISTINCT, group="plain", genetic_code=1)
    inputs = full_inputs(pa.concat_tables([*mixed, plain]))
    drawn = summary_figures.groups_by_enc(inputs.measures.to_pylist())
    page = render_page(inputs, {drawn.name: drawn}, {})
    assert "too few codons: 1 group." in page


def test_ambiguous_codons_in_the_table_are_mentioned():
    page = page_of(full_inputs(skip_n=False))
    assert "53 codons with a letter other than A, C, G and T" in page
    rows = {row["codon"]: row["count"] for row in Page(page).table("codon", "amino acid")}
    assert (rows["NNN"], rows["RAY"], len(rows)) == ("50", "3", 66)


def test_codons_that_are_sense_and_stop_are_named():
    page = Page(page_of(full_inputs(counts_table(DISTINCT), genetic_code=28)))
    assert [row["sense and stop"] for row in page.table("group", "code")] == ["TAA TAG TGA"]
    frame = page.table("frame", "codons")[0]
    assert (frame["frame"], frame["stops"]) == ("+0", "0")
    assert frame["sense and stop"] == f"{sum(DISTINCT[codon] for codon in ('TAA', 'TAG', 'TGA')):,}"


@pytest.mark.usefixtures("empty_pictures")
def test_only_so_many_groups_are_drawn_and_the_rest_is_mentioned():
    inputs = full_inputs()
    groups = group_pictures(inputs, most=1)
    assert [rscu.name for _, rscu in groups.values()] == ["group_01_rscu"]
    assert "Further groups in the table: 1." in render_page(inputs, {}, groups)


@pytest.mark.parametrize(
    ("more", "text"), [(1, "1 smaller group is only"), (1_998, "1,998 smaller groups are")]
)
def test_groups_that_are_left_out_are_mentioned(more, text):
    inputs = full_inputs()
    page = " ".join(page_of(replace(inputs, group_count=2 + more)).split())
    assert f"shows the 2 groups with the most codons, the largest first. {text} " in page
    assert Page(page).tiles["groups"] == f"{2 + more:,}"
    assert "most codons" not in page_of(inputs)


def test_no_file_is_named_after_a_group(report):
    assert all(re.fullmatch(r"[a-z_0-9]+\.(svg|html)", name) for name in report)
    assert EVIL not in report


@needs_genomes
def test_the_report_of_the_real_genomes_states_their_counts():
    page = Page(page_of(full_inputs(all_oracle_counts())))
    assert page.tiles["codons in the table"] == "5,221,766"
    rows = page.table("codon", "amino acid")
    assert {row["codon"]: row["count"] for row in rows} == {
        codon: f"{oracle_counts()[codon]:,}" for codon in naive.PRINTED
    }
