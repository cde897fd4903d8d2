"""Brings a data set's input within reach: generates the demo, or takes what the user named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import InputNotFoundError


@dataclass(frozen=True)
class Origin:
    """Where an input lies, and what is known of where it came from."""

    locations: tuple[str, ...]
    source: dict[str, Any]


def bring_input(dataset: Dataset, log: Callable[[str], None]) -> Origin:
    """Make sure that the input of a data set lies somewhere that can be read.

    Args:
        dataset: the data set.
        log: takes a line on what is going on.

    Raises:
        InputNotFoundError: nobody said where the input is.
    """
    if dataset.locations:
        return Origin(dataset.locations, {"locations": list(dataset.locations)})
    if dataset.entry and dataset.entry.generator == "demo":
        return _generate_demo(dataset, log)
    msg = (
        f"{dataset.key}: no input. Set OPENGENOME_INPUT to a file, a folder, a glob or a URI, or "
        "OPENGENOME_DATASET to a name of the catalogue."
    )
    raise InputNotFoundError(msg)


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
