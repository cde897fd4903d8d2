"""A user's table of facts about records, for example one that NCBI's tools wrote."""

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.errors import InputFormatError
from opengenome_assets.inputs.user_table import read_table, whole_number
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.organelles import (
    ORGANELLES,
    UNCLASSED,
    organelles_of_titles,
    organelles_of_words,
)
from opengenome_assets.metadata.rows_by_id import RowsById, content_of, genetic_codes_of

# Fact → names of its column. The first of them that the table has is read.
COLUMN_NAMES = {
    "seq_id": ("seq_id", "accession", "acc"),
    "organelle": ("organelle",),
    "genetic_code": ("genetic_code",),
    "taxid": ("taxid", "tax_id"),
    "organism": ("organism",),
    "title": ("title", "description"),
    "length": ("length", "slen"),
}
# The file of a record, which distinguishes equal ids.
SOURCE = "source"
_ALLOWED = (
    "Required: a column seq_id, accession or acc, and one of taxid, organism, title, description, organelle and "
    "genetic_code."
)
_LARGEST_TAXID = 2**31 - 1
_LARGEST_INT64 = 2**63 - 1
_NO_CLASS = ""


def read_facts(location: str) -> pa.Table:
    """Read the table of the option ``--from``: TSV, CSV or Parquet, with the columns of `COLUMN_NAMES`.

    The words of `user_table.MISSING` mean that a fact is unknown. Without a value in the column ``organelle``, the title's
    words decide (`organelles_of_titles`).

    Args:
        location: path or URI of the table.

    Returns:
        `FACTS`, one row per row of the table, and ``source`` if the table has it. Ids are unique, with their source if there
        is one.

    Raises:
        InputNotFoundError: the file cannot be read.
        InputFormatError: the columns or values are invalid, or an id is repeated.
    """
    named = f"--from: {location}"
    wanted = [SOURCE, *(name for names in COLUMN_NAMES.values() for name in names)]
    table = read_table(content_of(location, named), named, wanted)
    column = {
        fact: next((name for name in names if name in table.columns), names[0])
        for fact, names in COLUMN_NAMES.items()
    }
    if column["seq_id"] not in table.columns or not set(table.columns) & {
        column[fact] for fact in ("taxid", "organism", "title", "organelle", "genetic_code")
    }:
        msg = f"{named} has the columns {', '.join(table.names)}. {_ALLOWED}"
        raise InputFormatError(msg)
    if not len(table.lines):
        msg = f"{named} has a header but no rows. Add one row per record."
        raise InputFormatError(msg)
    rows = RowsById(table, named, column["seq_id"], SOURCE)
    titles = rows.texts(column["title"])
    facts = {
        "seq_id": rows.ids,
        "organelle": _organelles(rows, column["organelle"], titles),
        "genetic_code": genetic_codes_of(rows),
        "taxid": rows.values(
            column["taxid"],
            pa.int64(),
            _taxid,
            "is not a taxid. Use NCBI's number, or leave the value empty.",
        ),
        "organism": rows.texts(column["organism"]),
        "title": titles,
        "length": rows.values(
            column["length"],
            pa.int64(),
            _length,
            "is not a number of bases. Write it without separators.",
        ),
    }
    found = pa.table(facts, schema=FACTS)
    return found if rows.sources is None else found.append_column(SOURCE, rows.sources)


def _organelles(rows: RowsById, column: str, titles: pa.Array) -> pa.Array:
    refusal = f"is not a class of organelles: {', '.join(ORGANELLES)}. Use one of these words, or leave the value empty."
    stated = rows.values(column, pa.string(), _organelle, refusal)
    classes = pc.if_else(pc.equal(stated, _NO_CLASS), None, stated)
    return pc.if_else(pc.is_valid(stated), classes, organelles_of_titles(titles))


def _organelle(text: str) -> str | None:
    """The class of a word, "" for NCBI's words without one, None for other words."""
    found: str | None = organelles_of_words(pa.array([text]))[0].as_py()
    return _NO_CLASS if text.lower() in UNCLASSED else found


def _length(text: str) -> int | None:
    number = whole_number(text)
    return number if number is not None and number <= _LARGEST_INT64 else None


def _taxid(text: str) -> int | None:
    number = whole_number(text)
    return number if number and number <= _LARGEST_TAXID else None
