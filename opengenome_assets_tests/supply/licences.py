"""What is installed and under which licence: ``make licences`` writes the tables of docs/reference/dependencies.md.

The lock files say what is installed; each package's own metadata, read by pip-licenses, say the licence.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Set
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opengenome_assets_tests.services import ROOT

PAGE = ROOT / "docs" / "reference" / "dependencies.md"
IMAGE_LOCK = ROOT / "deployment" / "requirements.lock"
LOCK = ROOT / "requirements.lock"
BEGIN = "<!-- make licences writes from here on -->"
END = "<!-- to here -->"
# Platform of the image, which has no packages for Windows or another Python.
_IMAGE = {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "python_version": "3.11"}
_PYTHON = {"python_full_version": "3.11.9", "implementation_name": "cpython"}
# One name for what packages call differently; the rest is SPDX's, or the package's own words.
_SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD, of a kind that is not said",
    "BSD License": "BSD, of a kind that is not said",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def locked(path: Path) -> set[str]:
    """Names of the packages that a lock file installs on Linux with Python 3.11."""
    lines = [line.rstrip(" \\") for line in path.read_text().splitlines() if line[:1].isalnum()]
    requirements = [Requirement(line) for line in lines]
    return {
        canonicalize_name(each.name)
        for each in requirements
        if each.marker is None or each.marker.evaluate(_IMAGE | _PYTHON)
    }


def licences() -> dict[str, str]:
    """Licence of each package that is installed here."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {canonicalize_name(each["Name"]): _licence(each["License"]) for each in json.loads(done.stdout)}


def _licence(said: str) -> str:
    return "; ".join(_SPELLINGS.get(name, name) for name in said.split("; "))


def table(names: Set[str], known: dict[str, str]) -> str:
    """Packages by licence, the most frequent one first."""
    packages = defaultdict(list)
    for name in sorted(names):
        packages[known[name]].append(name)
    rows = sorted(packages.items(), key=lambda row: (-len(row[1]), row[0]))
    lines = [f"| {licence} | {len(names)} | {', '.join(names)} |" for licence, names in rows]
    return "\n".join(["| licence | packages | which |", "| --- | ---: | --- |", *lines])


def tables() -> str:
    """Both tables, as on the page."""
    known, image, everything = licences(), locked(IMAGE_LOCK), locked(LOCK)
    return (
        f"### In the image\n\n{table(image, known)}\n\n"
        f"### For development besides\n\n{table(everything - image, known)}\n"
    )


def written_tables() -> str:
    """The tables that the page has."""
    return PAGE.read_text().split(BEGIN)[1].split(END)[0].strip() + "\n"


def main() -> None:
    """Write the tables into the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables()}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
