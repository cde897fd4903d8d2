"""How many codons the default genetic code reads only because their record has no code, while others have one."""

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.counts.count_files import rows_of_frame


def codons_without_code(files: BatchFiles, strand: str, frame: int) -> int:
    """Codons of A, C, G and T in records without a genetic code; 0 if no record of the data set has one.

    Reads the counts of all batches, one row group at a time.

    Args:
        files: files of the data set.
        strand: ``+``, ``-``, or ``both`` for their sum.
        frame: 0, 1 or 2.

    Raises:
        BatchFileError: the counts of a batch are missing or do not belong to the plan.
    """
    without = 0
    has_codes = False
    for batch in files.batches:
        for counts in files.counts(batch).read(["genetic_code", "strand", "frame", "codon", "count"]):
            has_codes |= counts["genetic_code"].null_count < counts.num_rows
            is_read_by_default = pc.field("genetic_code").is_null() & pc.field("codon").isin(pa.array(CODONS))
            here = rows_of_frame(counts, strand, frame).filter(is_read_by_default)
            without += pc.sum(here["count"]).as_py() or 0
    return without if has_codes else 0
