"""Which names of data sets are known, and what to say of one that is not."""

from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from opengenome_assets.datasets.catalogue import read_catalogue
from opengenome_assets.errors import WarehouseError
from opengenome_assets.files.warehouse import registered_names

MOST_LISTED = 10


def known_names(warehouse: str, own_catalogue: str | None = None) -> list[str]:
    """Data sets that are registered in the warehouse, then those that only the catalogue names; each by name."""
    registered: list[str] = []
    # The names only help to find a mistake: a store that lists nothing must not hide it.
    with suppress(WarehouseError):
        registered = registered_names(warehouse)
    return [*registered, *sorted(set(read_catalogue(own_catalogue)) - set(registered))]


def unknown_dataset(name: str, warehouse: str, own_catalogue: str | None = None) -> str:
    """One error for a name under which nothing is registered, with the names that it may be a slip of."""
    known = known_names(warehouse, own_catalogue)
    near = get_close_matches(name, known, n=3)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    else:
        more = f" and {len(known) - MOST_LISTED:,} more" if len(known) > MOST_LISTED else ""
        hint = f"Known names: {', '.join(known[:MOST_LISTED])}{more}."
    place = warehouse if "://" in warehouse else Path(warehouse).absolute()
    return (
        f"{name}: no data set of this name is registered in {place}. {hint} "
        "To register a new one: opengenome ingest --input PATH --dataset NAME."
    )
