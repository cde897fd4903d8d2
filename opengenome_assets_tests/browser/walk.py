"""A walk through Dagster's UI: view the graph, launch a backfill by clicks, view its result."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome

from opengenome_assets_tests.browser.chromium import open_browser, resize, wait_for
from opengenome_assets_tests.browser.dagster_pages import DIALOG, GREEN, DagsterPages, Node
from opengenome_assets_tests.services import (
    DAEMON,
    QUICK_QUEUE,
    STARTS_WITHIN,
    ask,
    make_place,
    service,
    wait_until,
    webserver,
)

ASSETS = ("raw_sequences", "sequences", "codon_counts", "codon_frequencies", "codon_usage_report")
BATCHES = ("batch_0000", "batch_0001", "batch_0002")
# Wide enough for a graph with all details of the assets.
WIDTH, HEIGHT = 1500, 800
BACKFILL_WITHIN = 400

DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"


@dataclass
class Seen:
    """What the pages showed.

    Attributes:
        organelle: the group that was not run.
        dialog: what the dialog said before launching.
        filled: percent of the partitions of ``codon_counts``, whenever another was shown, from launching on.
        demo: the group that was run, at the end.
        dots: colour of each partition of ``codon_counts``, at the end.
        checks: text of each check of the table.
        picture_width: of the picture in the table's metadata, in pixels as the browser decoded it.
        together: both groups in one graph.
    """

    organelle: list[Node] = field(default_factory=list)
    dialog: str = ""
    filled: list[str] = field(default_factory=list)
    demo: list[Node] = field(default_factory=list)
    dots: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    picture_width: int = 0
    together: list[Node] = field(default_factory=list)


def walk(folder: Path) -> Seen:
    """Serve ``demo`` and ``organelle``, and go through the pages.

    Args:
        folder: a new folder for the files of the servers, and for a screenshot of each page.
    """
    place = make_place(folder, QUICK_QUEUE, dataset="demo,organelle")
    with ExitStack() as running:
        port = running.enter_context(webserver(place))
        running.enter_context(service(place, "daemon.log", *DAEMON))
        wait_until(lambda: _launches_backfills(port), STARTS_WITHIN, "the daemon's first sign of life")
        browser = running.enter_context(open_browser(folder))
        try:
            return _look_at_everything(DagsterPages(browser, f"http://127.0.0.1:{port}"), folder)
        except TimeoutException:
            _keep(browser, folder, "lost")
            raise


def _launches_backfills(port: int) -> bool:
    """Whether the webserver knows of a daemon; before, its dialog would warn that there is none."""
    known = ask(port, DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    return any(each["healthy"] for each in known if each["daemonType"] == "BACKFILL")


def _look_at_everything(pages: DagsterPages, folder: Path) -> Seen:
    seen = Seen()
    resize(pages.browser, WIDTH, HEIGHT)
    pages.open_group("organelle")
    pages.click_button("Hide navigation")
    _leave_out(pages, "Latest event", "Automation")
    seen.organelle = pages.nodes(len(ASSETS))
    _keep(pages.browser, folder, "organelle")

    pages.open_group("demo")
    seen.filled = [_partitioned(pages.nodes(len(ASSETS))).filled]
    pages.click_button("Materialize all…")
    # Clicked before the dialog knows the partitions, the button chooses none of them.
    pages.click_button_until("All", f"{DIALOG}//*[text()='{len(BATCHES)} partitions']")
    seen.dialog = pages.find(DIALOG, "the dialog").text
    _keep(pages.browser, folder, "launching")
    pages.click_button("Launch backfill")
    seen.demo = _watch(pages, seen.filled)
    _keep(pages.browser, folder, "done")

    pages.open("/assets/demo/codon_counts?view=partitions")
    seen.dots = {batch: pages.colour_beside(batch) for batch in BATCHES}
    _keep(pages.browser, folder, "partitions")

    pages.open("/assets/demo/codon_frequencies?view=checks")
    pages.find("//*[text()='matches_planted']", "the list of checks")
    for row in pages.shown("//*[contains(@class, 'checkRow')]"):
        name, said = row.text.splitlines()
        seen.checks[name] = said
    _keep(pages.browser, folder, "checks")

    # Without the table of files below, whose places are this machine's.
    resize(pages.browser, 1125, 600)
    pages.open("/assets/demo/codon_frequencies?view=events")
    pages.click("//tr[td[normalize-space(.)='picture']]//a", "the picture's entry in the metadata")
    picture = pages.find(f"{DIALOG}//img", "the picture")
    wait_for(pages.browser, lambda _: picture.get_property("complete"), "the picture's pixels")
    seen.picture_width = int(str(picture.get_property("naturalWidth")))
    _keep(pages.browser, folder, "picture")

    resize(pages.browser, WIDTH, 640)
    pages.open("/asset-groups")
    pages.click_icon("panel_show_right")
    pages.click_icon("settings")
    pages.click("//*[text()='Expand all groups']", "the way to expand all groups")
    seen.together = pages.nodes(2 * len(ASSETS))
    # The menu stays open, and covers the graph.
    pages.click_icon("settings")
    wait_for(
        pages.browser, lambda _: not pages.shown("//*[text()='Collapse all groups']"), "the menu to close"
    )
    _keep(pages.browser, folder, "lineage")
    return seen


def _leave_out(pages: DagsterPages, *facets: str) -> None:
    """Take rows out of all assets in graphs that say nothing here."""
    pages.click_icon("config")
    for facet in facets:
        pages.click(f"{DIALOG}//label[normalize-space(.)='{facet}']", f"the facet '{facet}'")
    pages.click_button("Save")
    wait_for(pages.browser, lambda _: not pages.shown(DIALOG), "the dialog to close")


def _watch(pages: DagsterPages, filled: list[str]) -> list[Node]:
    """Note how the partitions fill until every asset is green; the graph as it is then."""

    def look(_: Chrome) -> list[Node] | None:
        nodes = pages.nodes(len(ASSETS))
        if (now := _partitioned(nodes).filled) not in ("", filled[-1]):
            filled.append(now)
        return nodes if {node.colour for node in nodes} == {GREEN} else None

    return wait_for(pages.browser, look, "an all green graph", BACKFILL_WITHIN)


def _partitioned(nodes: list[Node]) -> Node:
    return next(node for node in nodes if node.name == "codon_counts")


def _keep(browser: Chrome, folder: Path, name: str) -> None:
    browser.save_screenshot(str(folder / f"{name}.png"))
