"""The report in a real browser."""

import json
import shutil
import subprocess

import pytest

from opengenome_assets.reporting.page import build_report
from opengenome_assets_tests.reporting.scenario import full_inputs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)


def load(page, folder):
    """Open a page: its document when all has run, what the console said, and what the page asked for."""
    log = folder / "requests.json"
    command = [
        CHROMIUM,
        "--headless",
        # Root, as which continuous integration runs, has no sandbox.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        # Nothing leaves this machine, not even what the browser asks for on its own account.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
        "--enable-logging=stderr",
        f"--log-net-log={log}",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    asked = {
        event["params"]["url"]
        for event in json.loads(log.read_text())["events"]
        # The browser's own requests are of no origin.
        if "url" in event.get("params", {})
        and event["params"].get("initiator") not in {None, "not an origin"}
    }
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, said, asked


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for name, content in build_report(full_inputs()).items():
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
    assert loaded[0].count("<svg ") == 11 + 2 * 2


def test_a_page_that_does_ask_and_complain_is_seen_to(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://picture.invalid/a.png"><script>console.error("no")</script>')
    _, said, asked = load(page, tmp_path)
    assert asked == {"http://picture.invalid/a.png"}
    assert len(said) == 1
