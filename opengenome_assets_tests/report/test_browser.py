"""The report in a real browser."""

import pytest

from opengenome_assets_tests.browser.chromium import ABSENT, HOW_TO_INSTALL, console, open_browser, requests

pytestmark = pytest.mark.skipif(ABSENT, reason=HOW_TO_INSTALL)


def load(page, folder):
    """Open a page: its document when all has run, what the console said, and what the page asked for."""
    with open_browser(folder) as browser:
        browser.get(page.as_uri())
        return browser.page_source, console(browser), requests(browser) - {page.as_uri()}


@pytest.fixture(scope="module")
def loaded(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for name, content in report.items():
        (folder / name).write_bytes(content)
    return load(folder / "index.html", folder)


def test_the_console_stays_empty(loaded):
    assert loaded[1] == []


def test_the_page_asks_for_nothing(loaded):
    assert loaded[2] == set()


def test_a_name_that_is_markup_does_not_run(loaded):
    title = loaded[0].split("<title>")[1].split("</title>")[0]
    assert title.startswith("a data set &lt;script&gt;")
    assert title.endswith("codon usage")


def test_the_pictures_are_in_the_document(loaded):
    assert loaded[0].count("<svg ") == 12 + 2 * 2


def test_a_page_that_does_ask_and_complain_is_seen_to(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://picture.invalid/a.png"><script>console.error("no")</script>')
    _, said, asked = load(page, tmp_path)
    assert asked == {"http://picture.invalid/a.png"}
    assert any(line.endswith('"no"') for line in said)
