"""The page of dependencies says what is locked, and under which licences."""

import re
import sys

import pytest

from opengenome_assets_tests.supply.licences import IMAGE_LOCK, LOCK, locked, tables, written_tables

# The page is of what the image's Python installs.
as_in_the_image = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or sys.platform != "linux", reason="the page is of Python 3.11 on Linux"
)


def packages(section: str) -> set[str]:
    return {
        name
        for row in re.findall(r"^\| .* \| \d+ \| (.*) \|$", section, flags=re.MULTILINE)
        for name in row.split(", ")
    }


def test_the_page_lists_what_is_locked_and_nothing_else() -> None:
    image, besides = written_tables().split("### For development besides")
    reported = "run make licences after make lock"
    assert packages(image) == locked(IMAGE_LOCK), reported
    assert packages(besides) == locked(LOCK) - locked(IMAGE_LOCK), reported


@as_in_the_image
def test_the_page_has_the_licences_that_the_packages_state() -> None:
    assert written_tables() == tables(), "run make licences"


def test_every_locked_package_has_a_hash() -> None:
    for path in (LOCK, IMAGE_LOCK):
        entries = re.split(r"^(?=[a-zA-Z0-9])", path.read_text(), flags=re.MULTILINE)[1:]
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
