"""``--input -``: keeps standard input as a file of the data set, so that later runs need no standard input."""

import hashlib
import sys
from dataclasses import replace
from typing import IO

from opengenome_assets.batches.manifest import find_manifest
from opengenome_assets.datasets.catalogue import Dataset
from opengenome_assets.errors import SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import STANDARD_INPUT
from opengenome_assets.settings import Settings

# In a data set's folder. The first bytes decide the compression.
KEPT = "input/stdin.fasta"
_BLOCK = 2**20


def refuse_unnamed(settings: Settings) -> None:
    """Reject standard input without the name of a data set, because it has no file name.

    Raises:
        SettingError: there is no name.
    """
    if STANDARD_INPUT in settings.input and not settings.dataset:
        msg = "OPENGENOME_INPUT: standard input (-) needs a name for its data set. Give --dataset NAME."
        raise SettingError(msg)


def keep_standard_input(dataset: Dataset) -> Dataset:
    """The data set with standard input as a file, if its input is ``-``; otherwise unchanged.

    Raises:
        SettingError: there are other inputs beside it, standard input is a terminal or empty, or the data set is
            registered with another input. An existing file is unchanged then.
    """
    if STANDARD_INPUT not in dataset.locations:
        return dataset
    if len(dataset.locations) > 1:
        msg = "OPENGENOME_INPUT: standard input (-) cannot be combined with other inputs. Join them before the pipe."
        raise SettingError(msg)
    if sys.stdin.isatty():
        msg = (
            "OPENGENOME_INPUT: - means standard input, which is a terminal here. Pipe FASTA into the command: "
            f"cat genomes.fa | opengenome analyze codon --input - --dataset {dataset.name}"
        )
        raise SettingError(msg)
    folder = dataset.folder
    with folder.replace(KEPT) as target:
        digest = _copy(sys.stdin.buffer, target)
        if digest is None:
            msg = "OPENGENOME_INPUT: standard input (-) is empty. Check the command before the pipe."
            raise SettingError(msg)
        if find_manifest(folder) is not None and digest != _kept_digest(folder):
            msg = (
                f"'{dataset.key}' was registered with another input than this standard input. Choose another name "
                "(OPENGENOME_DATASET=…)."
            )
            raise SettingError(msg)
    return replace(dataset, locations=(folder.location(KEPT),))


def _copy(source: IO[bytes], target: IO[bytes] | None) -> str | None:
    """Copy a stream. Returns its sha256; None if it is empty."""
    digest = hashlib.sha256()
    size = 0
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return digest.hexdigest() if size else None


def _kept_digest(folder: DatasetFolder) -> str | None:
    if not folder.exists(KEPT):
        return None
    with folder.open(KEPT) as file:
        return _copy(file, None)
