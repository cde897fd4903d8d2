import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.reporting import codon_pictures, context_pictures
from opengenome_assets.reporting.page import build_report
from opengenome_assets.tabulating.layout import rows_of_group
from opengenome_assets_tests.reporting.scenario import BATCHES, DISTINCT, EVIL, bare_inputs, full_inputs
from opengenome_assets_tests.tabulating.tables import all_oracle_counts, counts_table, needs_genomes

SECTIONS = ["usage", "table", "acids", "frames", "measures", "groups-drawn", "counting", "checks", "origin"]
PICTURES = [
    "codons",
    "heat_map",
    "wheel",
    "top_and_bottom",
    "stop_codons",
    "amino_acids",
    "rscu",
    "gc",
    "groups",
]
PICTURES += ["six_frames", "batches"]


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, and ids."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def ids(self, tag=None):
        return [attrs["id"] for name, attrs in self.tags if "id" in attrs and tag in (None, name)]


def texts(svg):
    """Every piece of text that a picture shows."""
    root = ET.fromstring(svg)  # noqa: S314
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(scope="module")
def report():
    return build_report(full_inputs())


@pytest.fixture(scope="module")
def page(report):
    return report["index.html"].decode()


def test_every_picture_stands_in_the_page_and_beside_it(report, page):
    assert set(report) >= {"index.html", *(f"{name}.svg" for name in PICTURES)}
    assert set(Page(page).ids("figure")) == set(PICTURES)


def test_every_section_is_there(page):
    assert Page(page).ids("section") == SECTIONS


def test_parts_that_are_absent_have_no_section():
    report = build_report(bare_inputs(DISTINCT))
    assert Page(report["index.html"].decode()).ids("section") == ["usage", "table", "acids"]


@pytest.mark.parametrize(
    ("codons", "parameters"),
    [
        ({"AAA": 1}, {}),
        ({"NNN": 3}, {"skip_n": False}),
        ({"TAA": 3}, {"skip_stops": True}),
        ({"AAA": 9, "CCC": 1}, {"min_count": 2}),
    ],
)
def test_tables_with_next_to_nothing_in_them_have_a_report(codons, parameters):
    assert b"</html>" in build_report(bare_inputs(codons, **parameters))["index.html"]


def test_a_table_of_zeros_has_a_report_without_pictures():
    inputs = full_inputs(counts_table({"AAA": 1}, frame=1))
    assert set(build_report(inputs)) == {"index.html", "six_frames.svg", "batches.svg"}


def test_batches_without_times_are_drawn_without_rates():
    seconds = pa.array([None, None, None], pa.float64())
    untimed = BATCHES.set_column(3, "seconds", seconds)
    svg = context_pictures.batches(untimed).svg
    assert "Mbp" in texts(svg)
    assert not any("per second" in text for text in texts(svg))


def test_small_batches_have_a_unit_that_fits():
    small = pa.table({"key": ["batch_0000"], "rows": [1], "bases": [16_569], "seconds": [0.5]})
    picture = context_pictures.batches(small)
    assert picture.description == "1 batch of 16.6 kb together, 33.1 kb to 33.1 kb per second per core."
    assert {"kb", "kb per second per core"} <= set(texts(picture.svg))


def test_the_same_inputs_give_the_same_bytes(report):
    assert build_report(full_inputs()) == report


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


def test_every_picture_has_a_title_and_a_description_for_those_who_do_not_see_it(report):
    for name, svg in report.items():
        if name.endswith(".svg"):
            root = ET.fromstring(svg)  # noqa: S314
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


def test_the_picture_of_all_codons_names_all_codons(report):
    assert set(texts(report["codons.svg"])) >= set(CODONS)


def test_the_heat_map_shows_each_codons_rate():
    svg = codon_pictures.heat_map(rows_of_group(bare_inputs({"AAA": 3, "TTT": 1}).frequencies, "all")).svg
    assert {"AAA", "750.0", "TTT", "250.0", "0.0"} <= set(texts(svg))


def test_the_wheel_names_every_amino_acid_and_the_stop(report):
    shown = set(texts(report["wheel.svg"]))
    assert len({text for text in shown if re.fullmatch("[A-Z][a-z]{2}", text)}) == 20
    assert "stop" in shown


def test_codons_that_are_a_stop_to_some_code_are_shown_as_such(report):
    shown = set(texts(report["stop_codons.svg"]))
    assert shown >= {"AGA", "AGG", "TAA", "TAG", "TGA"}
    # AGA has place 8 of 64 codons, so 108 in each of two groups, whose codons are 2 × (100 + … + 163).
    assert shown >= {f"stop {1000 * 108 / 16832:.2f}", f"Arg {1000 * 108 / 16832:.2f}"}


def test_a_groups_name_in_a_picture_is_short_printable_and_no_formula(report):
    assert any(text.startswith("<script>") and text.endswith("…") for text in texts(report["groups.svg"]))


def test_a_check_that_failed_says_so_in_words(page):
    assert "✗ failed" in page
    assert "✓ passed" in page


def test_codons_that_the_codes_read_differently_are_split(page):
    assert "(AGA, AGG, ATA, TGA)" in page
    table = re.search(r'<table id="differing">.*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r"<tr><th scope=\"row\"><code>(...)</code></th><td>(.*?)</td><td>(.*?)</td>", table)
    assert rows == [
        ("AGA", "Arg (R)", "11"),
        ("AGA", "stop (*)", "2"),
        ("AGG", "Arg (R)", "11"),
        ("AGG", "stop (*)", "2"),
        ("ATA", "Ile (I)", "11"),
        ("ATA", "Met (M)", "2"),
        ("TGA", "Trp (W)", "2"),
        ("TGA", "stop (*)", "11"),
    ]


def test_the_page_says_which_genetic_codes_are_pooled(page):
    pooled = (
        "Pooled over the genetic codes 2 (Vertebrate Mitochondrial) and "
        "11 (Bacterial / Archaeal / Plant Plastid): each record is read by its own code."
    )
    for name in ("amino_acids", "rscu", "stop_codons"):
        caption = re.search(rf'<figure id="{name}".*?</figure>', page, re.DOTALL)[0]
        assert pooled in caption.split("<figcaption>")[1]


def test_codons_that_min_count_hides_are_mentioned():
    page = build_report(bare_inputs({"AAA": 9, "CCC": 2, "GGG": 1}, min_count=3))["index.html"].decode()
    assert "3 codons of 2 kinds" in page
    assert '<th scope="row">Pro (P)</th><td class="n">2</td>' in page


def test_groups_without_a_point_are_mentioned():
    mixed = [counts_table(DISTINCT, group="mixed", genetic_code=code) for code in (1, 2)]
    plain = counts_table(DISTINCT, group="plain", genetic_code=1)
    page = build_report(full_inputs(pa.concat_tables([*mixed, plain])))["index.html"].decode()
    assert "too few codons: 1 group." in page


def test_ambiguous_codons_in_the_table_are_mentioned():
    page = build_report(full_inputs(skip_n=False))["index.html"].decode()
    assert "50 codons with a letter other than A, C, G and T" in page


def test_codons_that_are_sense_and_stop_are_named():
    page = build_report(full_inputs(counts_table(DISTINCT), genetic_code=28))["index.html"].decode()
    assert "<td>TAA TAG TGA</td>" in page


def test_only_so_many_groups_are_drawn_and_the_rest_is_mentioned(monkeypatch):
    monkeypatch.setattr("opengenome_assets.reporting.page._GROUPS_DRAWN", 1)
    report = build_report(full_inputs())
    assert sum(name.endswith("_rscu.svg") for name in report) == 1
    assert b"Further groups in the table: 1." in report["index.html"]


def test_no_file_is_named_after_a_group(report):
    assert all(re.fullmatch(r"[a-z_0-9]+\.(svg|html)", name) for name in report)
    assert EVIL not in report


@needs_genomes
def test_the_report_of_the_real_genomes_states_their_total():
    page = build_report(full_inputs(all_oracle_counts()))["index.html"].decode()
    assert "<dd>5,221,766</dd>" in page
    assert "(206,921)" in page
