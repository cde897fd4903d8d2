"""A user's table with one row per id, or per source and id: its values, and errors that name the row."""

from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import InputFormatError, InputNotFoundError, first_line
from opengenome_assets.files.remote import open_stored, storage_errors
from opengenome_assets.inputs.user_table import BLANKS, MISSING, BroughtTable, whole_number
from opengenome_assets.paths import local_path
from opengenome_assets.units import number_of


def content_of(location: str, named: str) -> bytes:
    """The bytes of a user's table.

    Args:
        location: path or URI.
        named: begin of the error message, with the option or variable that the user used.

    Raises:
        InputNotFoundError: the file cannot be read.
    """
    try:
        with open_stored(local_path(location)) as file:
            return file.read()
    except storage_errors(InputNotFoundError) as error:
        msg = f"{named} cannot be read ({first_line(error)}). Set a TSV, CSV or Parquet file."
        raise InputNotFoundError(msg) from error


def record_keys(ids: pa.Array, sources: pa.Array | None = None, *, ignore_version: bool = False) -> pa.Array:
    """What rows and records are matched by: string, null where an id or a source is missing.

    Args:
        ids: string.
        sources: string, as long as ``ids``; None if the ids are enough.
        ignore_version: leave out the ids' final ``.`` and digits.
    """
    if ignore_version:
        ids = pc.replace_substring_regex(ids, pattern=r"\.[0-9]+$", replacement="")
    if sources is None:
        return ids
    # With the length in front, different pairs never give the same text.
    return pc.binary_join_element_wise(pc.utf8_length(sources).cast(pa.string()), sources, ids, ":")


def named_record(ids: pa.Array, sources: pa.Array | None, row: int) -> str:
    """The id of a record, and its source if there are sources, for people."""
    return f"{ids[row]}" if sources is None else f"{ids[row]} of {sources[row]}"


class RowsById:
    """The rows of a table, each with a unique id, or with a unique pair of source and id.

    Attributes:
        ids: string, shape (rows,), without null.
        sources: string, shape (rows,), without null; None if the table has no column of sources.
    """

    def __init__(
        self,
        table: BroughtTable,
        named: str,
        id_column: str,
        source_column: str | None = None,
        *,
        ignore_version: bool = False,
    ) -> None:
        """Check the ids.

        Args:
            table: at least one row.
            named: begin of the error messages.
            id_column: column of the ids.
            source_column: column of the sources, if the table has it.
            ignore_version: whether ids that differ only by version are the same.

        Raises:
            InputFormatError: an id or a source is missing or no text, or two rows have the same.
        """
        self._table = table
        self._named = named
        self.ids = self._as_text(id_column, is_id=True)
        self._refuse_missing(self.ids, id_column, "row")
        self.sources = None
        if source_column in table.columns:
            self.sources = self._as_text(source_column, is_id=True)
            self._refuse_missing(self.sources, source_column, "column")
        self._refuse_repeated(record_keys(self.ids, self.sources, ignore_version=ignore_version))

    def texts(self, column: str) -> pa.Array:
        """Values of a column without blanks around them: string, null where missing, all null without the column.

        Raises:
            InputFormatError: the column's type is no text, number or truth value.
        """
        if column not in self._table.columns:
            return pa.nulls(len(self.ids), pa.string())
        texts = self._as_text(column, is_id=False)
        missing = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(MISSING))
        return pc.if_else(missing, pa.scalar(None, pa.string()), texts)

    def values(
        self, column: str, kind: pa.DataType, read: Callable[[str], object | None], refusal: str
    ) -> pa.Array:
        """Values of a column, read from its texts: null where missing.

        Args:
            column: name of the column.
            kind: type of the result.
            read: value of a text; None if the text is not allowed.
            refusal: end of the error message, after the column and the text.

        Raises:
            InputFormatError: a text is not allowed, or the column's type is not.
        """
        texts = self.texts(column)
        spelled = pc.unique(texts.drop_null())
        found = [read(text) for text in spelled.to_pylist()]
        for text, value in zip(spelled, found, strict=True):
            if value is None:
                self.refuse(pc.index(texts, text).as_py(), f"{column} '{text}' {refusal}")
        return pa.array(found, kind).take(pc.index_in(texts, value_set=spelled))

    def refuse(self, row: int, what: str) -> NoReturn:
        """Raise the error for a row, counted from 0."""
        msg = f"{self._named}: {self._table.place(row)} (id '{self.ids[row]}'): {what}"
        raise InputFormatError(msg)

    def _as_text(self, name: str, *, is_id: bool) -> pa.Array:
        column = self._table.columns[name]
        kind = column.type
        is_number = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and not is_id)
        if not (is_number or pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
            msg = f"{self._named}: column {name} has type {kind}. Write it as text."
            raise InputFormatError(msg)
        return pc.utf8_trim(column.cast(pa.string()), characters=BLANKS).combine_chunks()

    def _refuse_missing(self, texts: pa.Array, name: str, removable: str) -> None:
        absent = pc.equal(pc.fill_null(texts, ""), "")
        if pc.any(absent).as_py():
            place = self._table.place(first_true(absent))
            msg = f"{self._named}: {place} has no {name}. Add one, or remove the {removable}."
            raise InputFormatError(msg)

    def _refuse_repeated(self, keys: pa.Array) -> None:
        counted = pc.value_counts(keys)
        repeated = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
        if not len(repeated):
            return
        rows = np.flatnonzero(pc.equal(keys, repeated[0]))[:2]
        lines = [self._table.place(row) for row in rows]
        first, second = (named_record(self.ids, self.sources, row) for row in rows)
        what = f"id '{first}' is in {lines[0]} and in {lines[1]}."
        if first != second:
            what = (
                f"id '{first}' in {lines[0]} and id '{second}' in {lines[1]} are the same without their versions "
                "(OPENGENOME_IGNORE_VERSION)."
            )
        others = f" Also repeated: {number_of(len(repeated) - 1, 'id')}." if len(repeated) > 1 else ""
        raise InputFormatError(f"{self._named}: {what}{others} Keep one row per id.")


def first_true(mask: pa.BooleanArray) -> int:
    """Position of the first true value."""
    return int(pc.index(mask, value=True).as_py())


def genetic_codes_of(rows: RowsById) -> pa.Array:
    """Values of the column ``genetic_code``: int32, null where missing.

    Raises:
        InputFormatError: a value is not one of NCBI's codes.
    """
    allowed = ", ".join(map(str, genetic_codes()))
    remedy = "Use one of these numbers, or leave the value empty."
    refusal = f"is not one of NCBI's codes: {allowed}. {remedy}"
    return rows.values("genetic_code", pa.int32(), _genetic_code, refusal)


def _genetic_code(text: str) -> int | None:
    number = whole_number(text)
    return number if number in genetic_codes() else None
