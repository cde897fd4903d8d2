"""Locations in users' notation: paths, ``~``, ``file://``, other URIs, and bytes that are not UTF-8."""

import os
from urllib.request import url2pathname


def is_uri(location: str) -> bool:
    """Whether fsspec has to open the location. Call `local_path` before, which turns ``file://`` into a path."""
    return "://" in location


def local_path(location: str) -> str:
    """Turn ``~`` and a ``file://`` URI into a path; another URI or path is unchanged."""
    if location.startswith("file://"):
        location = url2pathname(location.removeprefix("file://"))
    return os.path.expanduser(location)  # noqa: PTH111 - Path would raise for an unknown user


def printable(path: str) -> str:
    """A path in which bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
