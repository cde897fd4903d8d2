"""Locations as users write them: paths, ``~``, ``file://``, other URIs, and bytes that are no UTF-8."""

import os
from urllib.request import url2pathname


def is_uri(location: str) -> bool:
    """Whether fsspec has to open the location; `local_path` has turned ``file://`` into a path before."""
    return "://" in location


def local_path(location: str) -> str:
    """Turn ``~`` and a ``file://`` URI into a path; another URI or path is unchanged."""
    if location.startswith("file://"):
        location = url2pathname(location.removeprefix("file://"))
    return os.path.expanduser(location)  # noqa: PTH111 - Path would raise for an unknown user


def printable(path: str) -> str:
    """A path with the bytes that are no UTF-8 escaped; equal to the path where there are none."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
