"""Makes a data set's input readable: takes what the user named, downloads from the hub, or generates the demo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opengenome_assets.datasets.catalogue import CatalogueEntry, Dataset
from opengenome_assets.errors import InputNotFoundError


@dataclass(frozen=True)
class ObtainedInput:
    """An input that can be read now.

    Attributes:
        locations: files, folders, globs or URIs.
        source: where it came from, for the manifest.
    """

    locations: tuple[str, ...]
    source: dict[str, Any]


def obtain_input(
    dataset: Dataset, log: Callable[[str], None], registered: Mapping[str, Any] | None = None
) -> ObtainedInput:
    """Make sure that the input of a data set can be read.

    Args:
        dataset: the data set.
        log: takes a line on what is going on.
        registered: the source of what is registered under the data set's name already, if anything is.

    Raises:
        InputNotFoundError: neither a setting nor the catalogue names an input.
        FetchError: the input cannot be fetched.
    """
    entry = dataset.entry
    if dataset.locations:
        return ObtainedInput(dataset.locations, {"locations": list(dataset.locations)})
    if entry and entry.generator:
        from opengenome_assets.datasets.demo import SEED, write_demo

        return ObtainedInput((write_demo(dataset.folder, log),), {"generator": entry.generator, "seed": SEED})
    if entry and entry.repository and entry.path:
        from opengenome_assets.datasets.hub import fetch

        # What is registered stays: a newer commit would be another input.
        revision = entry.revision
        if registered and was_fetched(entry, registered):
            revision = registered["revision"]
        fetched = fetch(entry.repository, entry.path, revision, log)
        source = {"repository": entry.repository, "path": entry.path, "revision": fetched.revision}
        return ObtainedInput(fetched.paths, source | ({"pinned": entry.revision} if entry.revision else {}))
    msg = (
        f"{dataset.key}: no input. Name a file, a folder, a glob or a URI with OPENGENOME_INPUT, or "
        "a data set of the catalogue with OPENGENOME_DATASET."
    )
    raise InputNotFoundError(msg)


def was_fetched(entry: CatalogueEntry | None, source: Mapping[str, Any]) -> bool:
    """Whether a registered input is the one that an entry of the catalogue means, and its commit is known."""
    if entry is None or entry.repository is None or "revision" not in source:
        return False
    same = (source.get("repository"), source.get("path")) == (entry.repository, entry.path)
    return same and entry.revision in (None, source.get("revision"), source.get("pinned"))
