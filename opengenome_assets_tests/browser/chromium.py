"""Chromium for the tests: Debian's browser and driver, a separate profile, and access to this machine only."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.support.ui import WebDriverWait

Found = TypeVar("Found")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ABSENT = CHROMIUM is None or DRIVER is None
HOW_TO_INSTALL = "Chromium or its driver is not installed: apt-get install chromium chromium-driver"

_FLAGS = (
    "--headless=new",
    # Root, as which continuous integration runs, has no sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Nothing leaves this machine, not even what the browser asks for on its own account.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--hide-scrollbars",
)


# Errors while a page is redrawn or moves. They disappear a moment later.
_NOT_YET = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)


@contextmanager
def open_browser(folder: Path) -> Iterator[webdriver.Chrome]:
    """A browser without a window, closed at the block's end.

    Args:
        folder: holds its profile.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Both paths are given, or Selenium would go and fetch a driver.
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    """Give the page a size in pixels; a window's own size counts a frame that is not drawn."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait_for(
    browser: webdriver.Chrome, look: Callable[[webdriver.Chrome], Found | None], what: str, within: float = 60
) -> Found:
    """Look at a page, or act on it, until something comes of it, and return that.

    Raises:
        TimeoutException: nothing did in time.
    """
    wait = WebDriverWait(browser, within, 0.2, ignored_exceptions=_NOT_YET)
    found: Found = wait.until(look, f"waited {within:.0f} s for {what}")
    return found


def console(browser: webdriver.Chrome) -> list[str]:
    """What the console has said since it was last asked, errors of the browser's own among it."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requests(browser: webdriver.Chrome) -> set[str]:
    """Addresses that pages have asked for since this was last asked, their own among them."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    # The browser starts with its own page.
    asked = {each["request"]["url"] for each in sent if not each["documentURL"].startswith("chrome:")}
    return {url for url in asked if not url.startswith("data:")}
