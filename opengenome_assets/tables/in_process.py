"""Counts codons of sequences, files or columns in this process, with the kernels and the table of the graph."""

import glob
import os
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from opengenome_assets.counts.class_counts import add_up
from opengenome_assets.counts.count_row_groups import count_records
from opengenome_assets.declaring import declared
from opengenome_assets.errors import InputFormatError, InvalidLetterError, SettingError, first_line
from opengenome_assets.inputs.file_names import format_by_name
from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.letters import InvalidLetter, find_invalid, letter_name
from opengenome_assets.inputs.parquet import cut
from opengenome_assets.inputs.records import CHUNK_BASES, CHUNK_ROWS, read_records
from opengenome_assets.paths import is_uri, local_path
from opengenome_assets.settings import Settings, SoftMask, TableParameters
from opengenome_assets.tables.frequencies import frequency_rows
from opengenome_assets.tables.groups import ALL, Frame, Tallies
from opengenome_assets.units import number_of

# The longest path on Linux. A longer text is a sequence.
_LONGEST_PATH = 4096
_LETTERS = "Allowed: the IUPAC letters ACGTU RYSWKM BDHVN, upper or lower case."


@dataclass(frozen=True, eq=False, repr=False)
class CodonCounts(Mapping[str, int]):
    """Codons of one frame: a mapping from each of the 64 codons, AAA to TTT, to its count.

    Attributes:
        table: schema ``CODON_FREQUENCIES``, 64 rows of the group ``all``.
        ambiguous: codons with letters other than A, C, G, T and U, from A to Z → count.
        records: number of sequences.
        bases: letters of all sequences.
        parameters: frame, strand and genetic code.
    """

    table: pa.Table
    ambiguous: Mapping[str, int]
    records: int
    bases: int
    parameters: TableParameters

    def to_dict(self) -> dict[str, int]:
        """The 64 codons, zeros included → count."""
        return {row["codon"]: row["count"] for row in self.table.select(["codon", "count"]).to_pylist()}

    def to_pandas(self) -> Any:
        """The table as a pandas data frame."""
        return self.table.to_pandas()

    def __getitem__(self, codon: str) -> int:
        return self.to_dict()[codon]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        asked = self.parameters
        return (
            f"<CodonCounts of {number_of(self.records, 'record')}, {number_of(self.bases, 'base')}: "
            f"{number_of(sum(self.values()), 'codon')}, {sum(self.ambiguous.values()):,} ambiguous; "
            f"frame {asked.frame}, strand {asked.strand}, genetic code {asked.genetic_code}>"
        )


def count_in_process(source: Any, parameters: TableParameters, soft_mask: SoftMask) -> CodonCounts:
    """Count the codons of one frame. Files are read in chunks of 16 MB of bases.

    Args:
        source: as for ``opengenome_assets.count_codons``.
        parameters: frame, strand and genetic code.
        soft_mask: ``count``, or ``skip`` to treat lower-case letters as N.

    Raises:
        SettingError: the value of ``soft_mask`` is not allowed, or a text is both a sequence and a path.
        InputFormatError: the source has another type, a null, or a letter that is no nucleotide.
        InputNotFoundError: there is no such file.
    """
    soft_mask = declared(Settings)["soft_mask"].convert(soft_mask, "soft_mask")
    counts = add_up([])
    records = bases = 0
    for chunk, place in _chunks(source):
        for invalid in find_invalid(chunk)[:1]:
            msg = f"{place(invalid.row)} has {_what(invalid)}. {_LETTERS}"
            raise InvalidLetterError(msg)
        records += chunk.num_rows
        bases += pc.sum(pc.binary_length(chunk.column("sequence"))).as_py() or 0
        counts = add_up([counts, count_records(_ungrouped(chunk), soft_mask)])
    frame = Frame(parameters.strand, parameters.frame)
    tallies = Tallies([counts.table()], [frame], parameters.code)
    table = pa.concat_tables(frequency_rows(tallies, parameters))
    (tally,) = tallies.of(frame)
    return CodonCounts(table, tally.ambiguous, records, bases, parameters)


def _chunks(source: Any) -> Iterator[tuple[pa.RecordBatch, Callable[[int], str]]]:
    """Chunks with the column ``sequence``, each with a function that names one of its rows in messages."""
    if isinstance(source, str) and not _is_place(source):
        source = [source]
    if _is_sequence_object(source):
        source = [source]
    if isinstance(source, str | os.PathLike):
        for file in find_files(os.fspath(source)):
            for chunk in read_records(file):
                yield chunk, partial(_name_of_record, file.uri, chunk)
        return
    first = 0
    for array in _column(source).chunks:
        for chunk in cut(pa.record_batch({"sequence": array}), CHUNK_BASES, CHUNK_ROWS):
            yield chunk, partial(_name_of_row, first)
            first += chunk.num_rows


def _name_of_record(uri: str, chunk: pa.RecordBatch, row: int) -> str:
    return f"{uri}: record {chunk.column('seq_id')[row].as_py()!r}"


def _name_of_row(first: int, row: int) -> str:
    return f"row {first + row:,} (from 0)"


def _is_place(text: str) -> bool:
    """Whether a text is a path or a URI rather than a sequence.

    Raises:
        SettingError: it is a sequence and the path of something.
        InvalidLetterError: it is neither.
    """
    path = local_path(text) if len(text) <= _LONGEST_PATH else ""
    exists = os.path.exists(path)  # noqa: PTH110 (any text, also one that is no path)
    invalid = find_invalid(pa.record_batch({"sequence": pa.array([text], pa.large_string())}))
    if exists and not invalid:
        msg = f"{text!r} is both a sequence and a path. Give pathlib.Path({text!r}), or [{text!r}] for the sequence."
        raise SettingError(msg)
    if invalid and not (path and (exists or is_uri(path) or glob.has_magic(path) or format_by_name(path))):
        msg = f"{reprlib.repr(text)} is no file, and as a sequence it has {_what(invalid[0])}. {_LETTERS}"
        raise InvalidLetterError(msg)
    return bool(invalid)


def _what(invalid: InvalidLetter) -> str:
    return f"{letter_name(invalid.byte)} at position {invalid.position}, which is not a nucleotide letter"


def _column(source: Any) -> pa.ChunkedArray:
    """A column of text or bytes as large_string, which need not be valid text.

    Raises:
        InputFormatError: it is no such column, or has a null.
    """
    remedy = "Give a sequence, a path, or one column of sequences, such as table['sequence']."
    try:
        column = pa.chunked_array(source if hasattr(source, "__arrow_c_stream__") else [_array(source)])
    except (pa.ArrowException, TypeError, ValueError) as error:
        msg = f"{type(source).__name__} is no column of sequences ({first_line(error)}). {remedy}"
        raise InputFormatError(msg) from error
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (_is_text(kind) or (pa.types.is_null(kind) and not len(column))):
        msg = f"{type(source).__name__} has values of type {kind}, which are no sequences. {remedy}"
        raise InputFormatError(msg)
    if column.null_count:
        row = pc.index(column.is_null(), value=True).as_py()
        msg = f"row {row:,} (from 0) has no sequence (null). Remove the row, or give it a sequence."
        raise InputFormatError(msg)
    # Through bytes, because a cast to text refuses bytes that are not UTF-8 without naming their row.
    chunks = [chunk.view(pa.large_string()) for chunk in column.cast(pa.large_binary()).chunks]
    return pa.chunked_array(chunks, pa.large_string())


def _is_sequence_object(value: Any) -> bool:
    """Whether it is bytes, or a Biopython ``Seq`` or ``SeqRecord``, which Arrow would read letter by letter."""
    return hasattr(value, "__bytes__") and not isinstance(value, os.PathLike)


def _array(source: Any) -> pa.Array:
    if isinstance(source, Mapping):
        msg = "a column has no names; give list(….values())"
        raise TypeError(msg)
    if isinstance(source, pa.Array) or hasattr(source, "__array__"):
        return pa.array(source)
    return pa.array([bytes(each) if _is_sequence_object(each) else each for each in source])


def _is_text(kind: pa.DataType) -> bool:
    return any(
        check(kind)
        for check in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _ungrouped(chunk: pa.RecordBatch) -> pa.Table:
    rows = chunk.num_rows
    return pa.table(
        {
            "sequence": chunk.column("sequence"),
            "group": pa.repeat(ALL, rows),
            "genetic_code": pa.nulls(rows, pa.int32()),
        }
    )
