"""What has to hold of a batch's per-sequence table: it adds up to the batch's counts."""

import json

import pyarrow.compute as pc

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.checking import Outcome
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.counting.count_files import AMBIGUOUS, codons_of_frame, read_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets.storage.batch_files import opened_batch, read_batch
from opengenome_assets.storage.warehouse import DatasetFolder, by_sequence_path
from opengenome_assets.tabulating.by_sequence import PARAMETERS
from opengenome_assets.units import number_of

_ASSET = "codon_usage_by_sequence"


def check_by_sequence(folder: DatasetFolder, manifest: Manifest, batch: str) -> Outcome:
    """Compare the sequences' codons, added up, with the counts that another kernel made of the batch."""
    location, stamp = folder.location(by_sequence_path(batch)), manifest.stamp(batch)
    sums = dict.fromkeys((*CODONS, "skipped_codons"), 0)
    rows = 0
    try:
        with opened_batch(location, stamp, CODON_USAGE_BY_SEQUENCE, _ASSET) as file:
            parameters = json.loads(file.schema_arrow.metadata[PARAMETERS])
        for table in read_batch(location, stamp, CODON_USAGE_BY_SEQUENCE, _ASSET, list(sums)):
            rows += table.num_rows
            for name in sums:
                sums[name] += pc.sum(table[name]).as_py() or 0
        counts = read_counts(folder, manifest, batch)
    except BatchFileError as error:
        return Outcome(passed=False, description=str(error))
    expected = codons_of_frame(counts, parameters["strand"], parameters["frame"])
    sums[AMBIGUOUS] = sums.pop("skipped_codons")
    differing = [name for name in sums if sums[name] != expected[name]]
    return Outcome(
        not differing,
        f"{number_of(sum(sums.values()), 'codon')} of {number_of(rows, 'sequence')}, "
        f"{sum(expected.values()):,} in the batch's counts",
        {
            "sequences": rows,
            "codons": sum(sums.values()),
            "batch_codons": sum(expected.values()),
            "differing": ", ".join(differing[:10]),
        },
    )
