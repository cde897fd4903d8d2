"""One row per sequence: its codons in one frame, its measures, and how much of it was skipped."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.batches.batch_files import BatchFile, BatchFileKind, BatchFiles
from opengenome_assets.batches.manifest import BatchStamp
from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODE_OF_BYTE, CODONS, MASKED_CODE_OF_BYTE
from opengenome_assets.codons.genetic_codes import STOP, genetic_code
from opengenome_assets.codons.kernels import AMBIGUOUS, count_by_record
from opengenome_assets.errors import BatchFileError, NewerFormatError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.schemas import CODON_USAGE_BY_SEQUENCE
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import REMOVE_IT, differing_parameters
from opengenome_assets.tables.readings import nullable

PARAMETERS = b"opengenome_assets.parameters"
_MEASURES = ("enc_wright", "enc_sun", "gc", "gc1", "gc2", "gc3", "gc3s")
_COLUMNS = ["row", "seq_id", "length", "sequence", "group", "genetic_code"]


@dataclass(frozen=True)
class BySequence:
    """Writes the tables of a data set. Its size does not depend on the number of batches, because it is pickled for Spark.

    Attributes:
        folder: of the data set.
        table: folder of the tables.
        parameters: frame, strand, code, and whether stops take part.
        masked: take lower-case letters for N.
        provenance: origin of the data, written to each file.
    """

    folder: DatasetFolder
    table: DatasetFolder
    parameters: TableParameters
    masked: bool
    provenance: dict[str, Any]

    @classmethod
    def of(cls, files: BatchFiles, parameters: TableParameters) -> "BySequence":
        """For the batches of a data set."""
        manifest = files.manifest
        return cls(
            folder=files.folder,
            table=files.of_table(parameters.of_sequences(manifest.table)).table,
            parameters=parameters,
            masked=manifest.settings.soft_mask == "skip",
            provenance=manifest.provenance(),
        )

    def write(self, stamp: BatchStamp) -> tuple[int, int, int]:
        """Write the table of one batch, a row group of sequences at a time.

        Returns:
            Sequences, their bases, and the size of the file in bytes.

        Raises:
            BatchFileError: the batch of sequences is missing, damaged or another one than planned.
            OSError: the table cannot be written.
        """
        sequences = bases = 0
        sequences_file = BatchFile(self.folder, BatchFileKind.SEQUENCES, stamp)
        table = BatchFile(self.table, BatchFileKind.BY_SEQUENCE, stamp)
        with table.replace() as target:
            with pq.ParquetWriter(
                target, self._schema(table), compression="zstd", write_page_checksum=True
            ) as writer:
                for records in sequences_file.read(_COLUMNS):
                    writer.write_table(usage_by_sequence(records, self.parameters, masked=self.masked))
                    sequences += records.num_rows
                    bases += pc.sum(records["length"]).as_py() or 0
            size = target.tell()
        return sequences, bases, size

    def refuse_other_parameters(self, stamp: BatchStamp) -> None:
        """Refuse to replace a batch's table that was made with other parameters than its path says.

        Raises:
            BatchFileError: with the parameters of both.
        """
        table = BatchFile(self.table, BatchFileKind.BY_SEQUENCE, stamp)
        try:
            with table.open() as file:
                made = TableParameters(**json.loads(file.schema_arrow.metadata[PARAMETERS]))
        except NewerFormatError:
            raise
        except BatchFileError:
            # A missing, damaged or older table may be made again.
            return
        if made != self.parameters:
            raise BatchFileError(
                f"{table.location} {differing_parameters(made, self.parameters)} {REMOVE_IT}"
            )

    def _schema(self, table: BatchFile) -> pa.Schema:
        schema = table.stamped_schema(self.provenance)
        text = json.dumps(asdict(self.parameters), sort_keys=True).encode()
        return schema.with_metadata({**schema.metadata, PARAMETERS: text})


def usage_by_sequence(records: pa.Table, parameters: TableParameters, *, masked: bool = False) -> pa.Table:
    """Count and measure each record.

    A record is translated by its own genetic code where the metadata table names one. With ``skip_stops``
    the code's stops take no part in the measures; ``codons`` and the stops' own columns count them all the same.

    Args:
        records: schema ``SEQUENCES``, or those of its columns that are used.
        parameters: frame, strand, code, and whether stops take part; ``min_count`` has no say here.
        masked: take lower-case letters for N.

    Returns:
        Schema ``CODON_USAGE_BY_SEQUENCE``; measures are null where they are undefined.
    """
    codes_of_byte = MASKED_CODE_OF_BYTE if masked else CODE_OF_BYTE
    parts = []
    for batch in records.combine_chunks().to_batches():
        letters, offsets = letters_and_offsets(batch)
        counts = count_by_record(letters, offsets, parameters.frame, parameters.strand, codes_of_byte)
        codes = pc.fill_null(batch.column("genetic_code"), parameters.code.id).to_numpy(zero_copy_only=False)
        parts.append(_table(batch, counts, codes, skip_stops=parameters.skip_stops))
    return pa.concat_tables([CODON_USAGE_BY_SEQUENCE.empty_table(), *parts])


def _table(
    batch: pa.RecordBatch, counts: NDArray[np.int64], codes: NDArray[np.int32], *, skip_stops: bool
) -> pa.Table:
    plain, skipped = counts[:, :AMBIGUOUS], counts[:, AMBIGUOUS]
    measured = _measures(plain, codes, skip_stops=skip_stops)
    total = counts.sum(axis=1)
    columns = {
        "row": batch.column("row"),
        "seq_id": batch.column("seq_id"),
        "group": batch.column("group"),
        "genetic_code": pa.array(codes.astype(np.int32)),
        "length": batch.column("length"),
        "codons": pa.array(plain.sum(axis=1)),
        "skipped_codons": pa.array(skipped),
        "skipped_share": nullable(measures.ratio(skipped, total)),
        **{name: nullable(values) for name, values in measured.items()},
        **{codon: pa.array(plain[:, place]) for place, codon in enumerate(CODONS)},
    }
    return pa.table(columns, schema=CODON_USAGE_BY_SEQUENCE)


def _measures(
    counts: NDArray[np.int64], codes: NDArray[np.int32], *, skip_stops: bool
) -> dict[str, NDArray[np.float64]]:
    """Measures by name, each record's by its own code."""
    found = {name: np.full(len(counts), np.nan) for name in _MEASURES}
    for number in np.unique(codes):
        code, rows = genetic_code(int(number)), codes == number
        used = np.where(code.letters == STOP, 0, counts[rows]) if skip_stops else counts[rows]
        values = (
            measures.enc_wright(used, code),
            measures.enc_sun(used, code),
            measures.gc(used),
            *measures.gc_by_position(used).T,
            measures.gc3s(used, code),
        )
        for name, each in zip(_MEASURES, values, strict=True):
            found[name][rows] = each
    return found
