"""The named data sets: catalogue entries, registered data sets, and the settings of one data set."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from opengenome_assets.datasets.names import check_dataset_name, name_of_location
from opengenome_assets.errors import SettingError, WarehouseError
from opengenome_assets.files.warehouse import DatasetFolder, registered_names
from opengenome_assets.paths import is_uri
from opengenome_assets.settings import DEFAULT_DATASET, PARAMETERS, Settings, TableParameters

MOST_LISTED = 10


@dataclass(frozen=True)
class CatalogueEntry:
    """One entry of the catalogue."""

    description: str = ""
    sequences: int | None = None
    generator: str | None = None
    repository: str | None = None
    path: str | None = None
    revision: str | None = None
    location: str | None = None
    # Parameters of its table, by name.
    table: Mapping[str, Any] = field(default_factory=dict)


_KEYS = {
    "description": str,
    "sequences": int,
    "generator": str,
    "repository": str,
    "path": str,
    "revision": str,
    "location": str,
}


@dataclass(frozen=True)
class Dataset:
    """One data set to process: its settings, its source, and the declared number of rows."""

    name: str
    asked: Settings
    entry: CatalogueEntry | None
    locations: tuple[str, ...]
    declared: int | None

    @property
    def key(self) -> str:
        """The name of the results. A sample has a separate name."""
        return self.name if self.asked.sample is None else f"{self.name}@sample-{self.asked.sample}"

    @property
    def folder(self) -> DatasetFolder:
        return DatasetFolder(self.asked.warehouse, self.key)

    def table_parameters(self, registered: TableParameters | None) -> TableParameters:
        """Parameters of the table that is asked for: those of options and variables over the data set's own.

        Args:
            registered: the data set's own parameters, once it is registered.
        """
        own = registered or TableParameters(**(self.entry.table if self.entry else {}))
        return replace(own, **self.asked.table)

    @property
    def description(self) -> str:
        return self.entry.description if self.entry else ", ".join(self.locations[:3])


def read_catalogue(own: str | None = None) -> dict[str, CatalogueEntry]:
    """The project's catalogue and the user's entries.

    Raises:
        SettingError: the user's file is missing or has an invalid entry.
    """
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    entries = _entries(tomllib.loads(text), "catalogue.toml")
    if own is not None:
        try:
            mine = tomllib.loads(Path(own).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            msg = f"OPENGENOME_CATALOGUE: {own} cannot be read as TOML ({error}). Correct the file, or set another one."
            raise SettingError(msg) from error
        entries |= _entries(mine, own)
    return entries


def _entries(tables: dict[str, Any], file: str) -> dict[str, CatalogueEntry]:
    entries = {}
    for name, table in tables.items():
        check_dataset_name(name, file, "Rename the entry.")
        wrong = [name]
        if isinstance(table, dict):
            parameters = {
                key: PARAMETERS[key].convert(table.pop(key), f"{file}: entry [{name}]: {key}")
                for key in PARAMETERS
                if key in table
            }
            wrong = [key for key, value in table.items() if type(value) is not _KEYS.get(key)]
        if wrong:
            allowed = ", ".join([*(f"{key} ({kind.__name__})" for key, kind in _KEYS.items()), *PARAMETERS])
            fault: str | None = f"'{wrong[0]}' is not allowed. Allowed: {allowed}."
        else:
            entries[name] = CatalogueEntry(**table, table=parameters)
            fault = _fault(entries[name])
        if fault:
            msg = f"{file}: entry [{name}]: {fault}"
            raise SettingError(msg)
    return entries


def _fault(entry: CatalogueEntry) -> str | None:
    """Why an entry does not name exactly one source of its data; None if it does."""
    if (entry.repository is None) != (entry.path is None):
        return "'repository' and 'path' must be set together: a data set on the hub, and files in it."
    ways = [name for name in ("generator", "repository", "location") if getattr(entry, name) is not None]
    if len(ways) != 1:
        found = " and ".join(ways) or "no source"
        return f"has {found}. Set exactly one of repository (with path), location and generator."
    if entry.generator not in (None, DEFAULT_DATASET):
        return f"generator '{entry.generator}' does not exist. Allowed: '{DEFAULT_DATASET}'."
    if entry.revision is not None and entry.repository is None:
        return "'revision' needs a 'repository'. Add that, or remove 'revision'."
    if entry.sequences is not None and entry.sequences < 1:
        return f"sequences is {entry.sequences}. Set the number of records, or remove it."
    return None


def resolve_datasets(settings: Settings) -> tuple[Dataset, ...]:
    """Combine settings and catalogue. An input in the settings overrides an entry of the same name.

    Raises:
        SettingError: a name is not allowed, or the user's catalogue cannot be read.
    """
    catalogue = read_catalogue(settings.catalogue)
    if settings.dataset or not settings.input:
        names = tuple(check_dataset_name(name) for name in settings.dataset or (DEFAULT_DATASET,))
    else:
        names = (name_of_location(settings.input[0]),)
    return tuple(
        _resolve(name, settings, catalogue, is_first=name == names[0], is_only=len(names) == 1)
        for name in names
    )


def _resolve(
    name: str, asked: Settings, catalogue: dict[str, CatalogueEntry], *, is_first: bool, is_only: bool
) -> Dataset:
    # With several names, the input belongs to the first. The others are registered or in the catalogue.
    locations = asked.input if is_first else ()
    entry = None if locations else catalogue.get(name)
    declared = entry.sequences if entry else None
    if locations or is_only:
        declared = asked.sequences or declared
    if asked.sample is not None and declared is not None:
        declared = min(asked.sample, declared)
    return Dataset(
        name=name,
        asked=asked,
        entry=entry,
        locations=locations or ((entry.location,) if entry and entry.location else ()),
        declared=declared,
    )


def known_names(warehouse: str, own_catalogue: str | None = None) -> list[str]:
    """Names of the data sets in the warehouse, then those that are only in the catalogue, each sorted."""
    registered: list[str] = []
    # The names are only a hint in another error, which a failure of the store must not replace.
    with suppress(WarehouseError):
        registered = registered_names(warehouse)
    return [*registered, *sorted(set(read_catalogue(own_catalogue)) - set(registered))]


def unknown_dataset(name: str, warehouse: str, own_catalogue: str | None = None) -> str:
    """The error for an unknown name, with similar names."""
    known = known_names(warehouse, own_catalogue)
    near = get_close_matches(name, known, n=3)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    else:
        more = f" and {len(known) - MOST_LISTED:,} more" if len(known) > MOST_LISTED else ""
        hint = f"Known names: {', '.join(known[:MOST_LISTED])}{more}."
    place = warehouse if is_uri(warehouse) else Path(warehouse).absolute()
    return (
        f"{name}: no data set with this name is registered in {place}. {hint} "
        "To register a new one: opengenome ingest --input PATH --dataset NAME."
    )
