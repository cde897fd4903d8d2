"""Dagster's UI as a user sees it: elements are found by their text, read, and clicked."""

import re
from dataclasses import dataclass

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from opengenome_assets_tests.browser.chromium import wait_for

LOCATION = "opengenome_assets.definitions"
DIALOG = "//*[@role='dialog']"
GREEN = "green"
# Dagster names its colours; the last one of a node is that of its state.
_COLOUR = re.compile(r"background(?:-color)?: var\(--color-(?:background|accent)-(\w+)\)")
# In one go, since a graph is looked at often while a machine is busy with its runs.
_NODES = """
return [...document.querySelectorAll("foreignObject")]
  .filter(box => box.querySelector("[aria-label=asset]"))
  .map(box => {
    const place = box.getBoundingClientRect()
    const name = box.querySelector("[data-tooltip]").innerText
    return [place.y, place.x, name, box.firstElementChild.innerText, box.outerHTML]
  })
"""
_FILLED = re.compile(r"(\d+)% filled")


@dataclass(frozen=True)
class Node:
    """An asset in a graph.

    Attributes:
        name: without the data set's.
        text: all of its text.
        colour: colour of its state, by the name in Dagster's palette.
    """

    name: str
    text: str
    colour: str

    @property
    def filled(self) -> str:
        """Percent of its partitions that are materialized."""
        found = _FILLED.search(self.text)
        return found[1] if found else ""


@dataclass(frozen=True)
class DagsterPages:
    """The pages of one webserver in one browser.

    Attributes:
        browser: that shows them.
        address: of the webserver.
    """

    browser: Chrome
    address: str

    def open(self, path: str) -> None:
        """Go to a page."""
        self.browser.get(f"{self.address}{path}")

    def open_group(self, name: str) -> None:
        """Go to the graph of one group, and wait for it to be drawn."""
        self.open(f"/locations/{LOCATION}/asset-groups/{name}/lineage")
        self.find(f"//*[@data-tooltip='{name}'] | //*[text()='{name}']", f"the group {name}")

    def shown(self, xpath: str) -> list[WebElement]:
        """What is shown at an XPath just now."""
        return [element for element in self.browser.find_elements(By.XPATH, xpath) if element.is_displayed()]

    def find(self, xpath: str, what: str) -> WebElement:
        """Wait for what is shown at an XPath, the last of several."""
        return wait_for(self.browser, lambda _: next(reversed(self.shown(xpath)), None), what)

    def click(self, xpath: str, what: str) -> None:
        """Click what is shown at an XPath, the last of several, as soon as it takes clicks."""

        def press(_: Chrome) -> bool:
            element = next(reversed(self.shown(xpath)), None)
            if element is None or not element.is_enabled():
                return False
            element.click()
            return True

        wait_for(self.browser, press, what)

    def click_button(self, label: str) -> None:
        """Click the button that says this."""
        self.click(f"//button[normalize-space(.)='{label}']", f"the button '{label}'")

    def click_button_until(self, label: str, xpath: str) -> None:
        """Click the button that says this, again and again, until something is shown at an XPath."""

        def press(_: Chrome) -> bool:
            if not self.shown(xpath):
                self.click_button(label)
            return bool(self.shown(xpath))

        wait_for(self.browser, press, f"what the button '{label}' is for")

    def click_icon(self, name: str) -> None:
        """Click the button that says nothing and shows this icon."""
        self.click(f"//button[normalize-space(.)=''][.//*[@aria-label='{name}']]", f"the icon '{name}'")

    def nodes(self, assets: int) -> list[Node]:
        """Wait for a graph of N loaded assets, and read it in the order of the lineage."""

        def read(browser: Chrome) -> list[Node] | None:
            found = [
                Node(name, text, _colour(markup))
                for _, _, name, text, markup in sorted(browser.execute_script(_NODES))
            ]
            loaded = len(found) == assets and not any("Loading" in node.text for node in found)
            return found if loaded else None

        return wait_for(self.browser, read, f"a graph of {assets} assets")

    def colour_beside(self, label: str) -> str:
        """Colour of the dot next to a name in a list."""
        dot = self.find(f"//*[@data-tooltip='{label}']/following-sibling::*", f"the dot next to {label}")
        return _colour(dot.get_attribute("outerHTML"))


def _colour(markup: str | None) -> str:
    found = _COLOUR.findall(markup or "")
    return found[-1] if found else ""
