"""Brings a data set's input within reach: takes what the user named, fetches it, or generates the demo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opengenome_assets.datasets.catalogue import CatalogueEntry, Dataset
from opengenome_assets.errors import InputNotFoundError


@dataclass(frozen=True)
class Origin:
    """Where an input lies, and what is known of where it came from."""

    locations: tuple[str, ...]
    source: dict[str, Any]


def bring_input(
    dataset: Dataset, log: Callable[[str], None], registered: Mapping[str, Any] | None = None
) -> Origin:
    """Make sure that the input of a data set lies somewhere that can be read.

    Args:
        dataset: the data set.
        log: takes a line on what is going on.
        registered: the source of what is registered under the data set's name already, if anything is.

    Raises:
        InputNotFoundError: nobody said where the input is.
        FetchError: it cannot be fetched.
    """
    if dataset.locations:
        return Origin(dataset.locations, {"locations": list(dataset.locations)})
    if dataset.entry and dataset.entry.generator == "demo":
        return _generate_demo(dataset, log)
    if dataset.entry and dataset.entry.repository and dataset.entry.path:
        return _fetch(dataset.entry, dataset.entry.repository, dataset.entry.path, log, registered or {})
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


def _fetch(
    entry: CatalogueEntry,
    repository: str,
    path: str,
    log: Callable[[str], None],
    registered: Mapping[str, Any],
) -> Origin:
    from opengenome_assets.datasets.hub import fetch

    # What is registered stays what it is: a newer commit would be another input.
    revision = registered["revision"] if was_fetched(entry, registered) else entry.revision
    fetched = fetch(repository, path, revision, log)
    source = {"repository": repository, "path": path, "revision": fetched.revision}
    return Origin(fetched.paths, source | ({"pinned": entry.revision} if entry.revision else {}))


def _generate_demo(dataset: Dataset, log: Callable[[str], None]) -> Origin:
    import pyarrow.parquet as pq

    from opengenome_assets.datasets.demo import NAME, RECORD_COUNT, SEED, make_records
    from opengenome_assets.schemas import RECORDS

    path = f"input/{NAME}"
    if not dataset.folder.exists(path):
        log(f"making {RECORD_COUNT:,} records with known codon counts")
        with dataset.folder.replace(path) as file, pq.ParquetWriter(file, RECORDS) as writer:
            for records in make_records():
                writer.write_batch(records)
    return Origin((dataset.folder.location(path),), {"generator": "demo", "seed": SEED})
