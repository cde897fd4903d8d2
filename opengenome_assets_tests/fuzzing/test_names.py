"""Names and texts from outside: none leads out of the warehouse, none becomes markup."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from opengenome_assets.datasets.names import check_dataset_name
from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.tables.text import codon_table_markdown, escape_markdown
from opengenome_assets_tests.scenario import naive_counts, project, write_fasta

NASTY = st.text(st.sampled_from("./\\~%\x00:ab-_<>*[]()!`|#&;'\"\n "), max_size=12)
OUTSIDE_NAMES = (
    "../out",
    "/etc/out",
    "..",
    "a/../../out",
    "%2e%2e/out",
    "-rf",
    "<b>x</b>",
    "con:out",
    "~root",
)


@given(name=st.one_of(NASTY, st.text(max_size=12)))
def test_a_data_sets_name_is_a_folder_or_is_refused(name: str) -> None:
    try:
        check_dataset_name(name)
    except SettingError:
        return
    assert Path(DatasetFolder("/warehouse", name).root).resolve().parent == Path("/warehouse")


@given(text=st.one_of(NASTY, st.text(max_size=20)))
def test_an_escaped_text_is_shown_as_it_is_by_a_markdown_reader(text: str) -> None:
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"x{escape_markdown(text)}x")
    inside = re.fullmatch(r"<p>x(.*)x</p>\n", shown, re.DOTALL)
    assert inside is not None
    assert not re.search(r"<[a-zA-Z/!?]", inside[1])
    # Line ends are blanks in a line of text; what HTML cannot hold is replaced.
    plain = re.sub(r"[\r\n]", " ", text).replace("\x00", "\ufffd")
    assert html.unescape(inside[1]) == plain


@pytest.mark.spark
def test_ids_that_look_like_paths_stay_in_the_warehouse(tmp_path: Path, spark: object) -> None:
    records = {name: "ATGAAATTTGGG"[: 6 + number] for number, name in enumerate(OUTSIDE_NAMES)}
    own = project(tmp_path, write_fasta(tmp_path / "mine.fa", records), batch_size=2, by_sequence="yes")
    own.run()
    assert {path.name for path in tmp_path.iterdir()} == {"mine.fa", "warehouse"}
    assert {path.name for path in (tmp_path / "warehouse").iterdir() if not path.name.startswith(".")} >= {
        "mine"
    }
    inside = [path for path in (tmp_path / "warehouse" / "mine").rglob("*") if path.is_file()]
    assert not [path for path in inside if "out" in path.name or "etc" in path.parts]
    counted = dict(zip(*(own.table()[name].to_pylist() for name in ("codon", "count")), strict=True))
    expected = naive_counts(list(records.values()))
    assert {codon: count for codon, count in counted.items() if count} == {
        codon: count for (strand, frame, codon), count in expected.items() if (strand, frame) == ("+", 0)
    }
    page = (tmp_path / "warehouse" / "mine" / "report" / "index.html").read_text()
    assert "<b>x</b>" not in page


class _Tags(HTMLParser):
    """The attributes of all tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs


def acts(page: str) -> list[tuple[str, str | None]]:
    """What of a page would run a script of others."""
    return [
        (name, value)
        for name, value in _Tags(page).attributes
        if name.startswith("on") or (value or "").strip().lower().startswith("javascript:")
    ]


ACTING = "<img src=x onerror=alert(1)>|[y](javascript:alert(1))"


def test_what_acts_is_found() -> None:
    assert len(acts(MarkdownIt("commonmark", {"html": True}).render(f"x {ACTING}"))) >= 1
    assert acts("<a href=' JavaScript:alert(1)'>") == [("href", " JavaScript:alert(1)")]


@pytest.mark.spark
def test_markup_from_outside_reaches_no_page(tmp_path: Path, spark: object) -> None:
    path = tmp_path / f"{ACTING.replace('/', '')}.fa"
    path.write_text(f">one {ACTING}\nATGAAATTTGGG\n>{ACTING} two\nATGAAATTT\n")
    metadata = tmp_path / "groups.tsv"
    metadata.write_text(f"seq_id\tgroup\none\t{ACTING}\n")
    own = project(tmp_path, path, metadata=metadata)
    own.run()
    report = tmp_path / "warehouse" / "mine" / "report"
    pages = [file.read_text() for file in report.rglob("*") if file.suffix in (".html", ".svg")]
    # As text it is there.
    assert any("alert(1)" in page for page in pages)
    assert [acts(page) for page in pages] == [[]] * len(pages)
    # Dagster's pages show the table of all groups, the command line that of any.
    texts = [
        value.md_str
        for asset in ("codon_frequencies", "codon_usage_report")
        for record in own.instance.fetch_materializations(dg.AssetKey(["mine", asset]), limit=50).records
        for value in record.asset_materialization.metadata.values()
        if isinstance(value, dg.MarkdownMetadataValue)
    ]
    assert texts
    texts.append(codon_table_markdown(own.table(), ACTING))
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    assert [acts(reader.render(text)) for text in texts] == [[]] * len(texts)
