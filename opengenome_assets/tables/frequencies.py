"""The codon frequency table: how it is made from the counts, its files, and what they say of its making."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import PROVENANCE, BatchFiles
from opengenome_assets.codons import measures
from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.counts.count_files import read_counts
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
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.groups import ALL, AMBIGUOUS, Ambiguous, Frame, GroupBlock, Tallies
from opengenome_assets.tables.readings import nullable, read_codons
from opengenome_assets.tables.text import table_tsv
from opengenome_assets.tables.without_code import codons_without_code

_PARAMETERS = b"opengenome_assets.parameters"
_WITHOUT_CODE = "codons_without_code"
# Rows that are held while the table is read.
_ROWS_HELD = 1 << 16
REMOVE_IT = "An older version made it. Move or remove it, and run this again."


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
    frame = Frame(parameters.strand, parameters.frame)
    return pa.concat_tables(frequency_rows(Tallies([counts], [frame], parameters.code), parameters))


def frequency_rows(tallies: Tallies, parameters: TableParameters) -> Iterator[pa.Table]:
    """Make the rows of ``codon_frequencies`` from tallies of its frame, a thousand groups at a time."""
    frame = Frame(parameters.strand, parameters.frame)
    ambiguous = None if parameters.skip_n else tallies.ambiguous(frame)
    for blocks in tallies.blocks(frame):
        rows = pa.concat_tables([_block_rows(block, ambiguous, parameters) for block in blocks])
        order = np.argsort(rows["place"].to_numpy(), kind="stable")
        rows = rows.take(pa.array(order)).filter(pc.field("count") >= parameters.min_count)
        names = pa.array(tallies.groups).take(rows["place"].combine_chunks())
        yield rows.set_column(0, "group", names).cast(CODON_FREQUENCIES)


def _block_rows(block: GroupBlock, ambiguous: Ambiguous | None, parameters: TableParameters) -> pa.Table:
    """The rows of groups with the same codes: columns as ``CODON_FREQUENCIES``, with ``place`` for the group."""
    readings = read_codons(block.by_code, block.codes, skip_stops=parameters.skip_stops)
    kept = np.flatnonzero(readings.kept)
    places, groups = np.repeat(block.places, kept.size), block.places.size
    counts = readings.codon_counts[:, kept].ravel()
    codons = np.tile(np.array(CODONS)[kept], groups)
    letters = np.tile(np.array(readings.amino_acids, dtype=object)[kept], groups)
    fraction, rscu = (
        readings.of_codons(each)[:, kept].ravel() for each in (readings.fraction, readings.rscu)
    )
    if ambiguous is not None:
        of_block = np.isin(ambiguous.places, block.places)
        places = np.concatenate([places, ambiguous.places[of_block]])
        counts = np.concatenate([counts, ambiguous.counts[of_block]])
        codons = np.concatenate([codons, ambiguous.codons[of_block]])
        unknown = np.full(int(of_block.sum()), np.nan)
        letters = np.concatenate([letters, np.full(unknown.size, AMBIGUOUS, dtype=object)])
        fraction, rscu = np.concatenate([fraction, unknown]), np.concatenate([rscu, unknown])
    totals = np.zeros(int(block.places.max()) + 1, dtype=np.int64)
    np.add.at(totals, places, counts)
    frequency = measures.ratio(counts, totals[places])
    return pa.table(
        {
            "place": places,
            "codon": codons,
            "amino_acid": pa.array(letters, pa.string()),
            "count": counts,
            "frequency": nullable(frequency),
            "per_thousand": nullable(frequency * 1000),
            "fraction": nullable(fraction),
            "rscu": nullable(rscu),
        }
    )


@dataclass(frozen=True)
class MadeTable:
    """The table, its paths, and its totals.

    Attributes:
        pooled: schema ``CODON_FREQUENCIES``, the rows of ``all``.
        rows: rows of all groups.
        codons: codons of ``all``, hidden ones included.
        skipped: codons of the chosen frame that the parameters left out.
        without_code: codons that the default code reads because their record has none, while others have one.
        parquet: place of the Parquet file.
        tsv: place of the TSV file.
        sha256: hash of the TSV file. Tables with the same rows have the same hash.
    """

    pooled: pa.Table
    rows: int
    codons: int
    skipped: int
    without_code: int
    parquet: str
    tsv: str
    sha256: str


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
        BatchFileError: batches are missing or not of this plan.
        SettingError: ``min_count`` hides all rows; or the table there was made otherwise.
    """
    refuse_other_parameters(files, parameters)
    frame = Frame(parameters.strand, parameters.frame)
    tallies = Tallies(read_counts(files), [frame], parameters.code)
    chunks = frequency_rows(tallies, replace(parameters, min_count=0))
    first = next(chunks)
    pooled = first.filter(pc.field("group") == ALL)
    # No group has a codon more often than all groups together.
    highest = pc.max(pooled["count"]).as_py() or 0
    if highest < parameters.min_count:
        raise SettingError(
            f"{files.folder.dataset}: min_count {parameters.min_count} hides all codons, since the highest count is "
            f"{highest:,}. Set it to at most {highest}."
        )
    is_shown = pc.field("count") >= parameters.min_count
    shown = (chunk.filter(is_shown) for chunk in chain([first], chunks))
    folder = files.of_table(parameters).table
    without_code = codons_without_code(files, parameters.strand, parameters.frame)
    provenance = files.manifest.provenance() | {_WITHOUT_CODE: without_code}
    rows, sha256 = write_table(folder, shown, parameters, provenance)
    codons = pc.sum(pooled["count"]).as_py() or 0
    return MadeTable(
        pooled=pooled.filter(is_shown),
        rows=rows,
        codons=codons,
        skipped=tallies.total(frame) - codons,
        without_code=without_code,
        parquet=folder.location(FREQUENCIES_PARQUET),
        tsv=folder.location(FREQUENCIES_TSV),
        sha256=sha256,
    )


def refuse_other_parameters(files: BatchFiles, parameters: TableParameters) -> None:
    """Refuse to replace a table that was made from this plan with other parameters than its path says.

    Older versions had all tables of a data set at one path.

    Raises:
        SettingError: with the parameters of both.
    """
    location = files.of_table(parameters).table.location(FREQUENCIES_PARQUET)
    made = find_making(location)
    # A table of an older plan, or a damaged one, is out of date and may be replaced.
    if made and made.fingerprint == files.manifest.fingerprint and made.parameters != parameters:
        raise SettingError(f"{location} {differing_parameters(made.parameters, parameters)} {REMOVE_IT}")


def differing_parameters(made: TableParameters, asked: TableParameters) -> str:
    """Both values of each parameter that differs."""
    was, wanted = (
        ", ".join(f"{name}={value}" for name, value in one.differing(other).items())
        for one, other in ((made, asked), (asked, made))
    )
    return f"was made with {was}, and {wanted} is asked for."


def write_table(
    folder: DatasetFolder, chunks: Iterable[pa.Table], parameters: TableParameters, provenance: dict[str, Any]
) -> tuple[int, str]:
    """Write the table as Parquet and TSV, then a JSON file with its parameters and checksums. Holds one chunk.

    Each file is written whole or not at all. The JSON names the sha256 of the other two, so a reader notices when a
    write ended between them.

    Returns:
        The number of rows, and the hash of the TSV file.
    """
    metadata = {
        PROVENANCE: json.dumps(provenance, sort_keys=True).encode(),
        _PARAMETERS: json.dumps(asdict(parameters), sort_keys=True).encode(),
    }
    schema = FREQUENCY_TABLE.stated(CODON_FREQUENCIES.with_metadata(metadata))
    rows = 0
    with ExitStack() as stack:
        parquet, tsv = (
            _Hashed(stack.enter_context(folder.replace(name)))
            for name in (FREQUENCIES_PARQUET, FREQUENCIES_TSV)
        )
        sink = pa.PythonFile(parquet, mode="w")
        with pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True) as writer:
            for chunk in chunks:
                writer.write_table(chunk.replace_schema_metadata(schema.metadata))
                tsv.write(table_tsv(chunk, with_header=not rows).encode())
                rows += chunk.num_rows
    making = {
        **provenance,
        "parameters": asdict(parameters),
        "sha256": {FREQUENCIES_PARQUET: parquet.sha256, FREQUENCIES_TSV: tsv.sha256},
    }
    folder.write(FREQUENCIES_JSON, f"{json.dumps(making, indent=1, sort_keys=True)}\n".encode())
    return rows, tsv.sha256


class _Hashed:
    """A file to write to, which hashes what is written."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of everything written, in hexadecimal."""
        return self._hash.hexdigest()

    def flush(self) -> None:
        self._file.flush()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)


def read_table_header(folder: DatasetFolder) -> pa.Table:
    """The table in a folder without its rows: columns and provenance.

    Raises:
        BatchFileError: it is of a version that is not read.
    """
    with _open_table(folder) as file:
        return file.schema_arrow.empty_table()


def read_table_parts(folder: DatasetFolder, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Read the table in a folder, holding a limited number of rows at a time. A group may be in several parts.

    Args:
        folder: folder of the table.
        columns: names of columns; all of them by default.

    Raises:
        BatchFileError: as in ``read_table_header``.
    """
    with _open_table(folder) as file:
        for batch in file.iter_batches(_ROWS_HELD, columns=columns and list(columns), use_threads=False):
            yield pa.Table.from_batches([batch])


def read_table_groups(folder: DatasetFolder, groups: Collection[str]) -> pa.Table:
    """Read the rows of some groups, in the order of the table.

    Raises:
        BatchFileError: as in ``read_table_header``.
    """
    wanted = pc.field("group").isin(list(groups))
    parts = (part.filter(wanted) for part in read_table_parts(folder))
    return pa.concat_tables([read_table_header(folder), *parts])


@contextmanager
def _open_table(folder: DatasetFolder) -> Iterator[pq.ParquetFile]:
    """Open the table in a folder. Arrow's threads must not read it: they could hold a Python file when Python ends."""
    with folder.open(FREQUENCIES_PARQUET) as source:
        file = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
        remedy = f"Materialize {folder.dataset}/codon_frequencies again."
        if refusal := format_refusal(file.schema_arrow, folder.location(FREQUENCIES_PARQUET), remedy):
            raise BatchFileError(refusal)
        yield file


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
            metadata = pq.ParquetFile(file, pre_buffer=False).schema_arrow.metadata or {}
        provenance, fields = json.loads(metadata[PROVENANCE]), json.loads(metadata[_PARAMETERS])
        return Making(provenance["dataset"], provenance["fingerprint"], TableParameters(**fields))
    except WarehouseError:
        raise
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException, SettingError):
        return None


def making_metadata(schema: pa.Schema) -> dict[bytes, bytes]:
    """What a table's metadata say of its making, for a table that is derived from it; empty if they say nothing."""
    metadata = schema.metadata or {}
    return {key: metadata[key] for key in (PROVENANCE, _PARAMETERS) if key in metadata}


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
