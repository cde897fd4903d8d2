"""Makes the metadata table of an input: from NCBI, a user's table, the records' headers and features, and a taxdump."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.errors import InputFormatError, NcbiError, OpengenomeError, SettingError
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.flat_files import ANNOTATED, read_annotated
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import CHUNK_BASES, CHUNK_ROWS, read_records
from opengenome_assets.metadata.annotations import facts_of_annotations
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.facts_table import SOURCE, read_facts
from opengenome_assets.metadata.headers import facts_of_headers
from opengenome_assets.metadata.metadata_table import UNASSIGNED
from opengenome_assets.metadata.ncbi import NcbiClient, accession_of
from opengenome_assets.metadata.organelles import WITH_PLASTID_CODE
from opengenome_assets.metadata.rows_by_id import record_keys
from opengenome_assets.metadata.taxdump import PLASTID_CODE, Taxdump
from opengenome_assets.schemas import RECORDS
from opengenome_assets.units import number_of

NCBI = "ncbi"
HEADERS = "headers"
# In a data set's folder.
MADE = "metadata.tsv"
RANKS = ("phylum", "class", "order", "family", "genus", "species")
_EXAMPLES = 3


@dataclass(frozen=True)
class Sources:
    """Where facts come from.

    Attributes:
        names: ``ncbi``, ``headers``, and locations of tables, in the order of preference. Nothing means ``ncbi`` for
            accessions, then ``headers``; for flat files only ``headers``, which include their features.
        taxdump: location of NCBI's taxdump; without it there is no lineage, and no code but a stated one.
        ranks: ranks of the lineage.
        client: asks NCBI.
    """

    names: tuple[str, ...] = ()
    taxdump: str | None = None
    ranks: tuple[str, ...] = RANKS
    client: NcbiClient | None = None


def make_metadata(files: Sequence[InputFile], sources: Sources, log: Callable[[str], None]) -> pa.Table:
    """Make the table. Reads the input once, and holds the ids of all records and what is known of them.

    Each fact comes from the first source that has it. A genetic code comes from a table or a header that states it,
    else from the taxdump by taxon and organelle, else from NCBI's answer. Differences and what is not known are logged,
    with numbers and examples.

    Args:
        files: the input, in order.
        sources: where the facts come from.
        log: called with lines on the progress and the result.

    Returns:
        ``seq_id``, ``source`` if an id occurs in several files, ``group`` (the organelle), ``genetic_code``,
        ``organelle``, ``taxid``, ``organism``, and a column for each rank of the lineage. One row for each id.

    Raises:
        OpengenomeError: a source cannot be read or reached, or no record has an id.
    """
    # What the user gave is read first, because the input may take minutes.
    taxdump = None if sources.taxdump is None else _taxdump(sources.taxdump, sources.ranks)
    tables = {name: read_facts(name) for name in sources.names if name not in (NCBI, HEADERS)}
    records, of_headers = _records(files, log)
    names = sources.names or _usual_sources(files, records["seq_id"], log)
    found = [_facts(name, records, of_headers, tables, sources, log) for name in names]
    _report_lengths(records, [facts["length"] for facts in found], log)
    columns = {
        name: _first_known([facts[name] for facts in found]) for name in ("organelle", "taxid", "organism")
    }
    stated, from_ncbi = (
        _first_known([pa.nulls(records.num_rows, pa.int32()), *(facts["genetic_code"] for facts in some)])
        for some in (
            [facts for name, facts in zip(names, found, strict=True) if name != NCBI],
            [facts for name, facts in zip(names, found, strict=True) if name == NCBI],
        )
    )
    codes = {"a table or a header": stated}
    lineage: dict[str, pa.Array] = {}
    if taxdump is not None:
        of_names = taxdump.taxids_of_names(columns["organism"])
        columns["taxid"] = pc.coalesce(columns["taxid"], of_names)
        # A source may give a common name.
        columns["organism"] = pc.coalesce(taxdump.scientific_names(columns["taxid"]), columns["organism"])
        codes["the taxdump"] = taxdump.genetic_codes(columns["taxid"], columns["organelle"])
        lineage = taxdump.lineage(columns["taxid"], sources.ranks)
        _report_taxdump(taxdump, columns, log)
    _report_codes_of_ncbi(from_ncbi, list(codes.values()), log)
    codes["NCBI's answer"] = from_ncbi
    _report_differing_codes(records["seq_id"], codes, log)
    made = {
        **{name: records[name] for name in records.column_names if name != "length"},
        "group": columns["organelle"],
        "genetic_code": _first_known(list(codes.values())),
        **columns,
        **lineage,
    }
    table = pa.table(made)
    if len(pc.unique(table["seq_id"])) == table.num_rows:
        table = table.drop_columns(SOURCE)
    _report_groups(table, log)
    _report_unknown(table, has_taxdump=taxdump is not None, log=log)
    return table


def make_for_dataset(
    folder: DatasetFolder,
    files: Sequence[InputFile],
    *,
    taxdump: str | None,
    group: str | None,
    log: Callable[[str], None],
) -> str:
    """Make the table of a data set with the usual sources, and write it into the data set's folder.

    Args:
        folder: folder of the data set.
        files: the input, in order.
        taxdump: location of NCBI's taxdump.
        group: columns of the table that will make the groups.
        log: called with lines on the progress and the result.

    Returns:
        Where the table is.

    Raises:
        SettingError: ``group`` names a rank, and there is no taxdump.
        OpengenomeError: as of `make_metadata`.
    """
    ranks = [name for name in (group or "").split(",") if name in RANKS]
    if ranks and taxdump is None:
        msg = (
            f"OPENGENOME_GROUP={group} needs NCBI's taxonomy, which has the {ranks[0]} of each record. "
            "Set OPENGENOME_TAXDUMP to new_taxdump.tar.gz."
        )
        raise SettingError(msg)
    folder.write(MADE, metadata_bytes(make_metadata(files, Sources(taxdump=taxdump), log)))
    return folder.location(MADE)


def metadata_bytes(table: pa.Table, *, as_parquet: bool = False) -> bytes:
    """The table as TSV or Parquet; null is an empty field."""
    if as_parquet:
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        return buffer.getvalue()
    texts = [_texts(table[name]) for name in table.column_names]
    lines = ["\t".join(table.column_names), *map("\t".join, zip(*texts, strict=True))]
    return "".join(f"{line}\n" for line in lines).encode()


def _taxdump(location: str, ranks: Sequence[str]) -> Taxdump:
    try:
        taxdump = Taxdump.read(location)
    except OpengenomeError as error:
        error.args = (f"OPENGENOME_TAXDUMP: {error}",)
        raise
    # Refuses unknown ranks.
    taxdump.lineage(pa.array([], pa.int64()), ranks)
    return taxdump


def _texts(column: pa.ChunkedArray) -> list[str]:
    # A tab in a name would add a column.
    texts = pc.replace_substring_regex(column.cast(pa.string()), pattern=r"[\t\r\n]+", replacement=" ")
    found: list[str] = pc.fill_null(texts, "").to_pylist()
    return found


def _records(files: Sequence[InputFile], log: Callable[[str], None]) -> tuple[pa.Table, pa.Table]:
    """Ids, sources and lengths of the records, one row for each id of a file; and the facts of headers and features."""
    log(f"reading the headers of {number_of(len(files), 'file')}")
    kept, facts, refused, codes = [], [FACTS.empty_table()], [], []
    for chunk in _chunks(files):
        kept.append(chunk.select(["seq_id", "source", "length"]))
        of_chunk, unused = facts_of_headers(
            chunk["seq_id"].combine_chunks(), chunk["description"].combine_chunks()
        )
        refused += unused.to_pylist()
        of_chunk, unused = facts_of_annotations(chunk, of_chunk)
        facts.append(of_chunk)
        codes += unused.to_pylist()
    if not kept:
        msg = (
            "No record of the input has an id, so nothing can be found out. Add ids to the records' headers."
        )
        raise InputFormatError(msg)
    if refused:
        log(f"{number_of(len(refused), 'modifier')} of headers not used: {_examples(refused)}")
    if codes:
        log(
            f"{number_of(len(codes), 'record')} with a /transl_table that is no genetic code: {_examples(codes)}"
        )
    records = pa.concat_tables(kept)
    numbered = records.append_column("row", pa.array(range(records.num_rows), pa.int64()))
    keys = ["seq_id", "source"]
    first = numbered.group_by(keys, use_threads=False).aggregate([("row", "min")])["row_min"]
    if len(first) < records.num_rows:
        log(
            f"{number_of(records.num_rows - len(first), 'record')} with the id of another record of the same file"
        )
    records, headers = records.take(first), pa.concat_tables(facts).take(first)
    return records.combine_chunks(), headers.combine_chunks()


def _chunks(files: Sequence[InputFile]) -> Iterator[pa.Table]:
    """The records that have an id, without their sequences; with their annotations, which only flat files have."""
    stated = [field for field in ANNOTATED if field.name not in RECORDS.names]
    for file in files:
        is_flat = file.format == "flat"
        for chunk in read_annotated(file, CHUNK_BASES, CHUNK_ROWS) if is_flat else read_records(file):
            table = pa.table(
                {
                    field.name: chunk.column(field.name) if is_flat else pa.nulls(chunk.num_rows, field.type)
                    for field in stated
                }
                | {
                    "seq_id": chunk.column("seq_id"),
                    "source": chunk.column("source"),
                    "description": pc.fill_null(chunk.column("description"), ""),
                    "length": pa.array(lengths(chunk)),
                }
            ).filter(pc.field("seq_id") != "")
            if table.num_rows:
                yield table


def _usual_sources(
    files: Sequence[InputFile], seq_ids: pa.ChunkedArray, log: Callable[[str], None]
) -> tuple[str, ...]:
    if all(file.format == "flat" for file in files):
        log("GenBank and EMBL files state the facts of their records, so NCBI is not asked")
        return (HEADERS,)
    if any(accession_of(seq_id) for seq_id in seq_ids.to_pylist()):
        return NCBI, HEADERS
    log(
        f"no id is an accession, so NCBI is not asked: {_examples(seq_ids.slice(0, _EXAMPLES + 1).to_pylist())}"
    )
    return (HEADERS,)


def _facts(
    name: str,
    records: pa.Table,
    of_headers: pa.Table,
    tables: Mapping[str, pa.Table],
    sources: Sources,
    log: Callable[[str], None],
) -> pa.Table:
    """What a source knows of the records: `FACTS`, a row for each of them."""
    if name == HEADERS:
        return of_headers
    if name == NCBI:
        client = sources.client or NcbiClient.from_environment()
        ids = [accession_of(seq_id) or seq_id for seq_id in records["seq_id"].to_pylist()]
        records = pa.table({"seq_id": pa.array(ids, pa.string())})
        try:
            facts, reasons = client.facts(ids, log)
        except NcbiError as error:
            msg = f"{error} To make the table without NCBI: opengenome metadata --from headers, or --from a table."
            raise NcbiError(msg) from error
        for reason in dict.fromkeys(reasons.values()):
            without = [seq_id for seq_id, why in reasons.items() if why == reason]
            log(f"{number_of(len(without), 'record')}: {reason}: {_examples(without)}")
    else:
        facts = tables[name]
        unused = facts.filter(pc.invert(pc.is_in(_keys(facts, facts), value_set=_keys(records, facts))))
        if unused.num_rows:
            log(
                f"{number_of(unused.num_rows, 'id')} of {name} without a record: {_examples(unused['seq_id'].to_pylist())}"
            )
    places = pc.index_in(_keys(records, facts), value_set=_keys(facts, facts))
    # The id of a record without facts is null here.
    nullable = pa.schema([pa.field(field.name, field.type) for field in FACTS])
    return facts.select(FACTS.names).cast(nullable).take(places)


def _keys(rows: pa.Table, facts: pa.Table) -> pa.Array:
    """What records and facts are matched by: ids, with their sources if the facts have them."""
    ids = rows["seq_id"].combine_chunks()
    return record_keys(ids, rows[SOURCE].combine_chunks() if SOURCE in facts.column_names else None)


def _first_known(columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array:
    arrays = [
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in columns
    ]
    return reduce(pc.coalesce, arrays)


def _report_lengths(records: pa.Table, stated: Sequence[pa.ChunkedArray], log: Callable[[str], None]) -> None:
    known = _first_known([pa.nulls(records.num_rows, pa.int64()), *stated])
    differing = pa.table({"id": records["seq_id"], "has": records["length"], "stated": known}).filter(
        pc.field("has") != pc.field("stated")
    )
    if differing.num_rows:
        shown = [
            f"{row['id']} ({row['has']:,} bases, stated {row['stated']:,})"
            for row in differing.slice(0, _EXAMPLES).to_pylist()
        ]
        log(
            f"{number_of(differing.num_rows, 'record')} of another length than their source states, so they may be other "
            f"records: {_examples(shown, differing.num_rows)}"
        )


def _report_taxdump(taxdump: Taxdump, columns: dict[str, pa.Array], log: Callable[[str], None]) -> None:
    deleted, unknown = taxdump.unresolved(columns["taxid"])
    for what, taxids in (("deleted by NCBI", deleted), ("not in the taxdump", unknown)):
        if taxids:
            log(f"{number_of(len(taxids), 'taxid')} {what}: {_examples([str(taxid) for taxid in taxids])}")
    if taxdump.unsupported_codes:
        codes = ", ".join(map(str, taxdump.unsupported_codes))
        log(
            f"genetic codes of the taxdump that this version does not know, so their records have none: {codes}"
        )
    plastids = pc.sum(pc.is_in(columns["organelle"], value_set=pa.array(WITH_PLASTID_CODE))).as_py()
    if plastids and not taxdump.has_plastid_codes:
        log(
            f"the taxdump has no plastid codes, so {number_of(plastids, 'plastid')} are read by code {PLASTID_CODE}. "
            "new_taxdump has them."
        )


def _report_codes_of_ncbi(
    from_ncbi: pa.Array, others: Sequence[pa.Array], log: Callable[[str], None]
) -> None:
    alone = pc.sum(pc.and_(pc.is_valid(from_ncbi), pc.is_null(_first_known(others)))).as_py()
    if alone:
        log(
            f"{number_of(alone, 'record')} with a genetic code from NCBI's answer alone. NCBI does not document if it is "
            "the organelle's: check it with a taxdump (OPENGENOME_TAXDUMP)."
        )


def _report_differing_codes(
    seq_ids: pa.ChunkedArray, codes: Mapping[str, pa.Array], log: Callable[[str], None]
) -> None:
    used = _first_known(list(codes.values()))
    for source, other in codes.items():
        differing = pa.table({"id": seq_ids, "used": used, "other": other}).filter(
            pc.field("used") != pc.field("other")
        )
        if differing.num_rows:
            shown = [
                f"{row['id']} (used: {row['used']}, there: {row['other']})"
                for row in differing.slice(0, _EXAMPLES).to_pylist()
            ]
            log(
                f"{number_of(differing.num_rows, 'record')} with another genetic code in {source}: "
                f"{_examples(shown, differing.num_rows)}"
            )


def _report_groups(table: pa.Table, log: Callable[[str], None]) -> None:
    """Log a line for each group, with its records by genetic code."""
    counted = table.group_by(["group", "genetic_code"]).aggregate([([], "count_all")])
    groups: dict[str, dict[int | None, int]] = {}
    for row in counted.filter(pc.field("group").is_valid()).to_pylist():
        groups.setdefault(row["group"], {})[row["genetic_code"]] = row["count_all"]
    for group, by_code in sorted(groups.items()):
        parts = [
            f"{'no code' if code is None else f'code {code}'}: {records:,}"
            for code, records in sorted(by_code.items(), key=lambda each: -each[1])
        ]
        log(f"{group}  {number_of(sum(by_code.values()), 'record')}  {', '.join(parts)}")


def _report_unknown(table: pa.Table, *, has_taxdump: bool, log: Callable[[str], None]) -> None:
    """Log how many records have no group or no code, what happens to them, and what may help."""
    without_group = table.filter(pc.field("group").is_null())["seq_id"].to_pylist()
    if without_group:
        log(
            f"{number_of(len(without_group), 'record')} without an organelle, in the group {UNASSIGNED}: "
            f"{_examples(without_group)}"
        )
    without_code = table.filter(pc.field("genetic_code").is_null())
    if without_code.num_rows:
        log(
            f"{number_of(without_code.num_rows, 'record')} without a genetic code, read by the data set's code "
            f"(OPENGENOME_GENETIC_CODE): {_examples(without_code['seq_id'].to_pylist())}"
        )
        has_taxon = pc.or_(pc.is_valid(without_code["taxid"]), pc.is_valid(without_code["organism"]))
        may_help = pc.sum(pc.and_(has_taxon, pc.is_valid(without_code["organelle"]))).as_py()
        if may_help and not has_taxdump:
            log(
                f"NCBI's taxonomy may have the code of {number_of(may_help, 'record')} of them: set OPENGENOME_TAXDUMP"
            )


def _examples(values: Sequence[str], number: int | None = None) -> str:
    return ", ".join(values[:_EXAMPLES]) + (" …" if (number or len(values)) > _EXAMPLES else "")
