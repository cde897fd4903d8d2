"""The frequency table as a matrix: a row for each group, a column for each of the 64 codons."""

from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from opengenome_assets.codons.alphabet import CODONS
from opengenome_assets.errors import SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES, CODON_MATRIX
from opengenome_assets.tables.frequencies import making_metadata
from opengenome_assets.tables.whole_groups import starts_of_groups

# Columns of the frequency table that can fill the matrix; the first is the default.
VALUES = ("count", "frequency", "per_thousand", "fraction", "rscu")


@cache
def matrix_schema(values: str) -> pa.Schema:
    """The columns of the matrix.

    Raises:
        SettingError: there are no such values.
    """
    if values not in VALUES:
        raise SettingError(f"values {values!r} is not allowed. Allowed: {', '.join(VALUES)}.")
    kind = CODON_FREQUENCIES.field(values).type
    return pa.schema([field.with_type(kind) if field.name in CODONS else field for field in CODON_MATRIX])


def codon_matrix(table: pa.Table, values: str) -> pa.Table:
    """Make the matrix of a table that holds whole groups, with the rows of a group beside each other.

    Args:
        table: schema ``CODON_FREQUENCIES``.
        values: the column that fills the matrix, one of ``VALUES``.

    Returns:
        Columns of ``matrix_schema(values)``, a row for each group. A codon is null where the table leaves it out or has
        no value for it. ``codons`` and ``ambiguous_codons`` count what is in the table. With its provenance.
    """
    schema = matrix_schema(values)
    starts, groups, codons = _places(table)
    names, plain, ambiguous = _totals(table, starts, groups, codons)
    # Row of the table for each cell, -1 where there is none.
    cells = np.full((len(CODONS), len(names)), -1, dtype=np.int64)
    is_plain = codons >= 0
    cells[codons[is_plain], groups[is_plain]] = np.flatnonzero(is_plain)
    places = pa.array(cells.ravel(), mask=cells.ravel() < 0)
    filled = table[values].combine_chunks().take(places)
    by_codon = [filled.slice(number * len(names), len(names)) for number in range(len(CODONS))]
    return pa.table(
        [names, plain, ambiguous, *by_codon], schema=schema.with_metadata(making_metadata(table.schema))
    )


def write_matrix(file: IO[bytes], parts: Iterable[pa.Table], values: str) -> None:
    """Write the matrix as Parquet, a row group for each part.

    Args:
        file: where to write.
        parts: at least one table as for ``codon_matrix``.
        values: one of ``VALUES``.
    """
    matrices = (codon_matrix(part, values) for part in parts)
    first = next(matrices)
    with pq.ParquetWriter(pa.PythonFile(file, mode="w"), first.schema, compression="zstd") as writer:
        for matrix in chain([first], matrices):
            writer.write_table(matrix)


def codon_totals(table: pa.Table) -> tuple[pa.ChunkedArray, NDArray[np.int64], NDArray[np.int64]]:
    """Names of the groups of a table as for ``codon_matrix``, their codons, and their ambiguous codons."""
    return _totals(table, *_places(table))


def _totals(
    table: pa.Table, starts: list[int], groups: NDArray[np.int64], codons: NDArray[np.int64]
) -> tuple[pa.ChunkedArray, NDArray[np.int64], NDArray[np.int64]]:
    names = table["group"].take(pa.array(starts, pa.int64()))
    totals = np.zeros((2, len(starts)), dtype=np.int64)
    np.add.at(totals, ((codons < 0).astype(np.int64), groups), table["count"].to_numpy())
    return names, totals[0], totals[1]


def _places(table: pa.Table) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each group; int64, shape (rows,): each row's group, and its codon, -1 for an ambiguous one."""
    starts = starts_of_groups(table)
    groups = np.repeat(np.arange(len(starts)), np.diff([*starts, table.num_rows]))
    codons = pc.index_in(table["codon"], pa.array(CODONS)).fill_null(-1)
    return starts, groups, codons.to_numpy()
