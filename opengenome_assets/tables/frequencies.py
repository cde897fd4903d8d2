"""The codon frequency table: how it is made from the counts, its files, and what they say of its making."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import PROVENANCE, BatchFiles
from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.counts.count_files import read_all_counts, rows_of_frame
from opengenome_assets.errors import BatchFileError, SettingError, WarehouseError
from opengenome_assets.files.formats import FREQUENCY_TABLE, stated_format, writer_in
from opengenome_assets.files.warehouse import (
    FREQUENCIES_JSON,
    FREQUENCIES_PARQUET,
    FREQUENCIES_TSV,
    DatasetFolder,
    open_location,
)
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.groups import ALL, AMBIGUOUS, GroupTally, nullable, read_codons, tally_groups
from opengenome_assets.tables.parameters import TableParameters
from opengenome_assets.tables.text import table_tsv
from opengenome_assets.tables.without_code import codons_without_code

_PARAMETERS = b"opengenome_assets.parameters"
_WITHOUT_CODE = "codons_without_code"


def codon_frequencies(counts: pa.Table, parameters: TableParameters) -> pa.Table:
    """Make the table from the batches' counts.

    Rows of a group: the 64 codons in the order A, C, G, T, zeros too, then (unless ``skip_n``) the
    ambiguous codons that were seen, from A to Z, with amino acid X and neither fraction nor RSCU.

    Each record is read by its own genetic code, and groups of several codes are added up exactly. ``fraction`` is
    the codon's share among all codons read as its amino acid. ``rscu`` is its count over the count that even
    use would give: for each code, the amino acid's codons divided by the size that its family has under that
    code. Under one code this is fraction × family size.

    A codon that the group's codes read differently has no amino acid, and so neither fraction nor RSCU: all
    three are null. Its count and frequency are given. ``codon_readings`` splits it. ``skip_stops`` drops each
    code's stops from the records of that code; such a reading then no longer differs from another.

    Args:
        counts: schema ``CODON_COUNTS``, the rows of all batches in any order.
        parameters: frame, strand, code and what to leave out.

    Returns:
        Schema ``CODON_FREQUENCIES``. Frequencies are null where a group has no codons at all.
    """
    tallies = tally_groups(counts, parameters.strand, parameters.frame, parameters.code)
    return pa.concat_tables([_group_table(each, parameters) for each in tallies])


def _group_table(tally: GroupTally, parameters: TableParameters) -> pa.Table:
    readings = read_codons(tally, skip_stops=parameters.skip_stops)
    kept = readings.kept
    ambiguous = {} if parameters.skip_n else tally.ambiguous
    unknown = np.full(len(ambiguous), np.nan)
    all_counts = np.concatenate(
        [readings.codon_counts[kept], np.array(list(ambiguous.values()), dtype=np.int64)]
    )
    frequency = measures.frequency(all_counts[None])[0]
    table = pa.table(
        {
            "group": [tally.group] * all_counts.size,
            "codon": [*compress(CODONS, kept), *ambiguous],
            "amino_acid": [*compress(readings.amino_acids, kept), *(AMBIGUOUS for _ in ambiguous)],
            "count": all_counts,
            "frequency": nullable(frequency),
            "per_thousand": nullable(frequency * 1000),
            "fraction": nullable(np.concatenate([readings.of_codons(readings.fraction)[kept], unknown])),
            "rscu": nullable(np.concatenate([readings.of_codons(readings.rscu)[kept], unknown])),
        },
        schema=CODON_FREQUENCIES,
    )
    return table.filter(pa.array(all_counts >= parameters.min_count))


@dataclass(frozen=True)
class MadeTable:
    """The table, its paths, and its totals.

    Attributes:
        table: schema ``CODON_FREQUENCIES``.
        codons: codons in the table, over all groups.
        skipped: codons of the chosen frame that the parameters left out.
        without_code: codons that the default code reads because their record has none, while others have one.
        parquet: place of the Parquet file.
        tsv: place of the TSV file.
    """

    table: pa.Table
    codons: int
    skipped: int
    without_code: int
    parquet: str
    tsv: str


@dataclass(frozen=True)
class Making:
    """What a table was made from, and how.

    Attributes:
        dataset: key of the data set.
        fingerprint: of its plan.
        parameters: with the number of the genetic code.
    """

    dataset: str
    fingerprint: str
    parameters: TableParameters


def make_table(files: BatchFiles, parameters: TableParameters) -> MadeTable:
    """Make the table of all batches, after making sure that all of them are there, and write it.

    Raises:
        EmptyPlanError: the plan has no batches.
        BatchFileError: batches are missing or not of this plan.
        SettingError: ``min_count`` hides all rows.
    """
    counts = read_all_counts(files)
    whole = codon_frequencies(counts, replace(parameters, min_count=0))
    table = whole.filter(pc.field("count") >= parameters.min_count)
    if not table.num_rows:
        highest = pc.max(whole["count"]).as_py() or 0
        raise SettingError(
            f"{files.folder.dataset}: min_count {parameters.min_count} hides all codons, since the highest count is "
            f"{highest:,}. Set it to at most {highest}."
        )
    here = rows_of_frame(counts, parameters.strand, parameters.frame)
    codons = pc.sum(whole.filter(pc.field("group") == ALL)["count"]).as_py() or 0
    folder = files.folder
    without_code = codons_without_code(files, parameters.strand, parameters.frame)
    write_table(folder, table, parameters, files.manifest.provenance() | {_WITHOUT_CODE: without_code})
    return MadeTable(
        table=table,
        codons=codons,
        skipped=(pc.sum(here["count"]).as_py() or 0) - codons,
        without_code=without_code,
        parquet=folder.location(FREQUENCIES_PARQUET),
        tsv=folder.location(FREQUENCIES_TSV),
    )


def write_table(
    folder: DatasetFolder, table: pa.Table, parameters: TableParameters, provenance: dict[str, Any]
) -> None:
    """Write the table as Parquet and TSV, then a JSON file with its parameters and checksums.

    Each file is written whole or not at all. The JSON names the sha256 of the other two, so a reader notices when a
    write ended between them.
    """
    metadata = {
        PROVENANCE: json.dumps(provenance, sort_keys=True).encode(),
        _PARAMETERS: json.dumps(asdict(parameters), sort_keys=True).encode(),
    }
    schema = FREQUENCY_TABLE.stated(table.schema.with_metadata(metadata))
    parquet = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(schema.metadata), parquet, compression="zstd", write_page_checksum=True
    )
    files = {FREQUENCIES_PARQUET: parquet.getvalue(), FREQUENCIES_TSV: table_tsv(table).encode()}
    making = {
        **provenance,
        "parameters": asdict(parameters),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[FREQUENCIES_JSON] = f"{json.dumps(making, indent=1, sort_keys=True)}\n".encode()
    for name, content in files.items():
        folder.write(name, content)


def read_table_file(folder: DatasetFolder) -> pa.Table:
    """Read the table of a data set, with its provenance.

    Raises:
        BatchFileError: it is of a version that is not read.
    """
    with folder.open(FREQUENCIES_PARQUET) as file:
        # Out of memory: Arrow's threads could still hold a Python file when the interpreter ends, and abort it.
        table = pq.read_table(pa.BufferReader(file.read()))
    remedy = f"Materialize {folder.dataset}/codon_frequencies again."
    if refusal := format_refusal(table.schema, folder.location(FREQUENCIES_PARQUET), remedy):
        raise BatchFileError(refusal)
    return table


def format_refusal(schema: pa.Schema, location: str, remedy: str) -> str | None:
    """The error for a table of an unsupported version; None if it is supported.

    Args:
        schema: schema of the table, with its provenance.
        location: of the table.
        remedy: what to do about one that is too old.
    """
    text = (schema.metadata or {}).get(PROVENANCE)
    return FREQUENCY_TABLE.refusal(
        stated_format(schema), location, writer_in(json.loads(text) if text else None), remedy
    )


def find_making(location: str) -> Making | None:
    """Provenance of a Parquet table; None if there is no table, or it has none.

    Raises:
        WarehouseError: the object store cannot be reached, or refuses.
    """
    try:
        with open_location(location) as file:
            metadata = pq.read_schema(pa.BufferReader(file.read())).metadata or {}
        provenance, fields = json.loads(metadata[PROVENANCE]), json.loads(metadata[_PARAMETERS])
        parameters = TableParameters(**fields)
        return Making(
            provenance["dataset"],
            provenance["fingerprint"],
            replace(parameters, genetic_code=parameters.code.id),
        )
    except WarehouseError:
        raise
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException, SettingError):
        return None


def parameters_of(table: pa.Table) -> TableParameters:
    """The parameters that a table was made with.

    Raises:
        BatchFileError: the table does not say.
    """
    return TableParameters(**_metadata(table, _PARAMETERS))


def fingerprint_of(table: pa.Table) -> str:
    """The fingerprint of the plan that a table was made from."""
    return str(_metadata(table, PROVENANCE)["fingerprint"])


def effective_records_of(table: pa.Table) -> float | None:
    """The effective number of records of a table; None if the table does not state it."""
    text = (table.schema.metadata or {}).get(PROVENANCE)
    value = json.loads(text).get("effective_records") if text else None
    return None if value is None else float(value)


def codons_without_code_of(table: pa.Table) -> int:
    """Codons of a table that the default code reads while other records have a code; 0 if the table does not state it."""
    return int(_metadata(table, PROVENANCE).get(_WITHOUT_CODE, 0))


def _metadata(table: pa.Table, key: bytes) -> dict[str, Any]:
    text = (table.schema.metadata or {}).get(key)
    if text is None:
        msg = (
            f"the table carries no {key.decode()}: it was not written by this project. Materialize it again."
        )
        raise BatchFileError(msg)
    fields: dict[str, Any] = json.loads(text)
    return fields
