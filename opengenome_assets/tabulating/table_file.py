"""The final table's file: how it is written, and what it says of its making."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batching.manifest import Manifest
from opengenome_assets.counting.count_files import read_all_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.storage.formats import FREQUENCY_TABLE, stated_format, writer_in
from opengenome_assets.storage.stamps import PROVENANCE
from opengenome_assets.storage.warehouse import FREQUENCIES_PARQUET, FREQUENCIES_TSV, DatasetFolder
from opengenome_assets.tabulating.frequencies import codon_frequencies
from opengenome_assets.tabulating.parameters import TableParameters
from opengenome_assets.tabulating.tally import ALL
from opengenome_assets.tabulating.tsv import table_tsv

_PARAMETERS = b"opengenome_assets.parameters"


@dataclass(frozen=True)
class MadeTable:
    """The table, where it lies, and what it holds.

    Attributes:
        table: schema ``CODON_FREQUENCIES``.
        codons: codons in the table, over all groups.
        skipped: codons of the chosen frame that the parameters left out.
        parquet: place of the Parquet file.
        tsv: place of the TSV file.
    """

    table: pa.Table
    codons: int
    skipped: int
    parquet: str
    tsv: str


def make_table(folder: DatasetFolder, manifest: Manifest, parameters: TableParameters) -> MadeTable:
    """Make the table of all batches, after making sure that all of them are there, and write it.

    Raises:
        EmptyPlanError: the plan has no batches.
        BatchFileError: batches are missing or not of this plan.
    """
    counts = read_all_counts(folder, manifest)
    whole = codon_frequencies(counts, replace(parameters, min_count=0))
    table = whole.filter(pc.field("count") >= parameters.min_count)
    here = counts.filter((pc.field("strand") == parameters.strand) & (pc.field("frame") == parameters.frame))
    codons = pc.sum(whole.filter(pc.field("group") == ALL)["count"]).as_py() or 0
    write_table(folder, table, parameters, manifest.provenance())
    return MadeTable(
        table=table,
        codons=codons,
        skipped=(pc.sum(here["count"]).as_py() or 0) - codons,
        parquet=folder.location(FREQUENCIES_PARQUET),
        tsv=folder.location(FREQUENCIES_TSV),
    )


def write_table(
    folder: DatasetFolder, table: pa.Table, parameters: TableParameters, provenance: dict[str, Any]
) -> None:
    """Write the table as Parquet, then as TSV, each whole or not at all."""
    metadata = {
        PROVENANCE: json.dumps(provenance, sort_keys=True).encode(),
        _PARAMETERS: json.dumps(asdict(parameters), sort_keys=True).encode(),
    }
    schema = FREQUENCY_TABLE.stated(table.schema.with_metadata(metadata))
    with folder.replace(FREQUENCIES_PARQUET) as file:
        pq.write_table(
            table.replace_schema_metadata(schema.metadata), file, compression="zstd", write_page_checksum=True
        )
    folder.write(FREQUENCIES_TSV, table_tsv(table).encode())


def read_table_file(folder: DatasetFolder) -> pa.Table:
    """Read the table of a data set, with what it says of its making.

    Raises:
        BatchFileError: it is of a version that is not read.
    """
    with folder.open(FREQUENCIES_PARQUET) as file:
        # Out of memory: Arrow's threads could still hold a Python file when the interpreter ends, and abort it.
        table = pq.read_table(pa.BufferReader(file.read()))
    mend = f"Materialize {folder.dataset}/codon_frequencies again."
    if refusal := format_refusal(table.schema, folder.location(FREQUENCIES_PARQUET), mend):
        raise BatchFileError(refusal)
    return table


def format_refusal(schema: pa.Schema, location: str, mend: str) -> str | None:
    """Why a table of this schema is not read, or None where it is.

    Args:
        schema: with what the table says of its making.
        location: of the table.
        mend: what to do about one that is too old.
    """
    text = (schema.metadata or {}).get(PROVENANCE)
    return FREQUENCY_TABLE.refusal(
        stated_format(schema), location, writer_in(json.loads(text) if text else None), mend
    )


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
    """The effective number of records that a table was made from, or None where it does not say."""
    text = (table.schema.metadata or {}).get(PROVENANCE)
    value = json.loads(text).get("effective_records") if text else None
    return None if value is None else float(value)


def _metadata(table: pa.Table, key: bytes) -> dict[str, Any]:
    text = (table.schema.metadata or {}).get(key)
    if text is None:
        msg = (
            f"the table carries no {key.decode()}: it was not written by this project. Materialize it again."
        )
        raise BatchFileError(msg)
    fields: dict[str, Any] = json.loads(text)
    return fields
