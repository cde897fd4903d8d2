"""Provides the input of a data set: the user's location, a download from the hub, or the generated demo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opengenome_assets.datasets.catalogue import CatalogueEntry, Dataset
from opengenome_assets.errors import InputNotFoundError


@dataclass(frozen=True)
class ObtainedInput:
    """An input that can be read.

    Attributes:
        locations: files, folders, globs or URIs.
        source: origin of the input, for the manifest.
    """

    locations: tuple[str, ...]
    source: dict[str, Any]


def obtain_input(
    dataset: Dataset, log: Callable[[str], None], registered: Mapping[str, Any] | None = None
) -> ObtainedInput:
    """Download or generate the input of a data set if necessary.

    Args:
        dataset: the data set.
        log: called with a line about the progress.
        registered: source of the registered input, if the data set has one.

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

        # Use the registered commit, because a newer one would be another input.
        revision = entry.revision
        if registered and was_fetched(entry, registered):
            revision = registered["revision"]
        fetched = fetch(entry.repository, entry.path, revision, log)
        source = {"repository": entry.repository, "path": entry.path, "revision": fetched.revision}
        return ObtainedInput(fetched.paths, source | ({"pinned": entry.revision} if entry.revision else {}))
    msg = (
        f"{dataset.key}: no input. Set OPENGENOME_INPUT to a file, a folder, a glob or a URI, or OPENGENOME_DATASET "
        "to a data set of the catalogue."
    )
    raise InputNotFoundError(msg)


def was_fetched(entry: CatalogueEntry | None, source: Mapping[str, Any]) -> bool:
    """Whether a registered input is that of an entry of the catalogue, with a known commit."""
    if entry is None or entry.repository is None or "revision" not in source:
        return False
    same = (source.get("repository"), source.get("path")) == (entry.repository, entry.path)
    return same and entry.revision in (None, source.get("revision"), source.get("pinned"))
