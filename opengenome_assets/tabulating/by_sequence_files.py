"""The files of per-sequence tables, one per batch: which are the planned ones, and how they were made."""

import json

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets.storage.batch_files import opened_batch
from opengenome_assets.storage.warehouse import BY_SEQUENCE, DatasetFolder, by_sequence_path
from opengenome_assets.tabulating.by_sequence import PARAMETERS
from opengenome_assets.tabulating.parameters import TableParameters


def parameters_by_batch(folder: DatasetFolder, manifest: Manifest) -> dict[str, TableParameters]:
    """What each batch's table was made with, as its footer says; a batch without the planned table is left out.

    Raises:
        NewerFormatError: a newer version wrote a table.
    """
    found = {}
    for batch in manifest.plan.keys:
        location, stamp = folder.location(by_sequence_path(batch)), manifest.stamp(batch)
        try:
            with opened_batch(location, stamp, CODON_USAGE_BY_SEQUENCE, BY_SEQUENCE) as file:
                found[batch] = TableParameters(**json.loads(file.schema_arrow.metadata[PARAMETERS]))
        except BatchFileError:
            continue
    return found
