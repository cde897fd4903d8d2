"""Links of README, ARCHITECTURE and docs lead to a file, and to a heading where they name one."""

import re
from pathlib import Path

import pytest

from opengenome_assets_tests.services import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/results/*.md")])
# A fenced block is no prose: an example in it may look like a link or a heading.
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Names of the headings, made as code hosts make them."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(page)))
    return {heading.strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    broken = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    assert broken_links(page) == []


def test_broken_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# First, with `code`\n[a](#first-with-code) [b](#none) [c](none.md) [d](page.md#first) [e](https://x.y)\n"
        "```sh\n# none\n[f](none.md)\n```\n"
    )
    assert broken_links(page) == ["#none", "none.md", "page.md#first"]


def test_the_site_has_every_page() -> None:
    listed = re.findall(r"^ +- ([\w/.-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(ROOT)) for page in PAGES)


def test_every_page_of_docs_is_reached_from_the_index() -> None:
    seen: set[Path] = set()
    to_follow = [ROOT / "docs" / "README.md"]
    while to_follow:
        page = to_follow.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(prose(page))]
        to_follow += [target for target in targets if target.suffix == ".md" and target.is_file()]
    assert set(ROOT.glob("docs/**/*.md")) - seen == set()
