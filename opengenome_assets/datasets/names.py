"""Names of data sets: which ones are allowed, and the default name of an input."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from opengenome_assets.errors import SettingError
from opengenome_assets.files.split_files import split_part, whole_of
from opengenome_assets.paths import is_uri, printable

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_EXTENSIONS = re.compile(
    r"(\.(fa|fasta|fna|ffn|fas|fsa|parquet|pq|tar|tgz|tbz2?|txz|tzst|zip))?(\.(gz|bgz|bz2|xz|zst))?$",
    re.IGNORECASE,
)


def check_dataset_name(
    name: str,
    place: str = "OPENGENOME_DATASET",
    remedy: str = "Set such a name with OPENGENOME_DATASET.",
) -> str:
    """Return the name if it can be a folder and an asset key.

    Raises:
        SettingError: the name has other characters than letters, digits, ``.``, ``_``, ``-``.
    """
    if not _NAME.fullmatch(name) or len(name) > 100:
        msg = (
            f"{place}: {name!r} cannot be the name of a data set. Allowed: up to 100 letters, digits, '.', '_' "
            f"and '-', beginning with a letter, a digit or '_'. {remedy}"
        )
        raise SettingError(msg)
    return name


def name_of_location(location: str) -> str:
    """The name of the last folder or file, without extensions.

    Raises:
        SettingError: it cannot be the name of a data set.
    """
    path = location.rsplit("://", maxsplit=1)[-1] if is_uri(location) else str(Path(location).absolute())
    fixed = [part for part in PurePosixPath(path).parts if not re.search(r"[*?\[\]/]", part)]
    name = whole_of(fixed[-1]) if fixed else ""
    part = split_part(name)
    if part is not None and _EXTENSIONS.sub("", part.whole) != part.whole:
        name = part.whole
    stem = _EXTENSIONS.sub("", name)
    return check_dataset_name(stem.strip(), f"OPENGENOME_INPUT={printable(location)}")


def name_of_folder(locations: Sequence[str]) -> str:
    """The name of the folder that contains all files.

    Raises:
        SettingError: there is no such folder, or its name cannot be that of a data set.
    """
    folders = {"" if is_uri(each) else str(Path(each).absolute().parent) for each in locations}
    folder = folders.pop()
    if folders or not folder:
        msg = "OPENGENOME_INPUT: inputs from several folders need a name. Set one with OPENGENOME_DATASET."
        raise SettingError(msg)
    return check_dataset_name(Path(folder).name, f"OPENGENOME_INPUT={printable(folder)}")
