"""Reading batch files back: verified to be the planned ones, a row group at a time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.errors import BatchFileError, BatchFileMissingError, WarehouseError
from opengenome_assets.storage.stamps import BatchStamp, first_line, open_batch_file
from opengenome_assets.storage.warehouse import open_location


@contextmanager
def opened_batch(location: str, stamp: BatchStamp, schema: pa.Schema, asset: str) -> Iterator[pq.ParquetFile]:
    """Open a batch file that must be there.

    Args:
        location: path or URI.
        stamp: what it must say of itself.
        schema: the columns that it must have.
        asset: whose partition it is, for messages.

    Raises:
        BatchFileError: it is missing, damaged, or of another data set, plan, input or batch.
        WarehouseError: the object store cannot be reached, or refuses.
    """
    with ExitStack() as stack:
        try:
            source = stack.enter_context(open_location(location))
        except FileNotFoundError as error:
            msg = f"{location}: missing. Materialize {stamp.dataset}/{asset} for {stamp.batch}."
            raise BatchFileMissingError(msg, location) from error
        except WarehouseError:
            # Says what the store says; the file may well be the planned one.
            raise
        except OSError as error:
            msg = (
                f"{location}: cannot be opened ({first_line(error)}). Mend that, "
                f"or materialize {stamp.dataset}/{asset} for {stamp.batch} again."
            )
            raise BatchFileError(msg) from error
        yield open_batch_file(source, location, stamp, schema)


def read_batch(
    location: str,
    stamp: BatchStamp,
    schema: pa.Schema,
    asset: str,
    columns: Sequence[str],
    groups: Iterable[int] | None = None,
) -> Iterator[pa.Table]:
    """Read some columns of a batch file, holding one row group at a time.

    Args:
        location: path or URI.
        stamp: what it must say of itself.
        schema: the columns that it must have.
        asset: whose partition it is, for messages.
        columns: to read.
        groups: numbers of row groups; all of them where none are given.

    Raises:
        BatchFileError: it is missing, damaged, or of another data set, plan, input or batch.
    """
    again = f"Materialize {stamp.dataset}/{asset} for {stamp.batch} again."
    with opened_batch(location, stamp, schema, asset) as file:
        for number in range(file.metadata.num_row_groups) if groups is None else groups:
            try:
                table = file.read_row_group(number, columns=list(columns), use_threads=False)
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                msg = f"{location}: damaged ({first_line(error)}). {again}"
                raise BatchFileError(msg) from error
            stated = file.metadata.row_group(number).num_rows
            if table.num_rows != stated:
                # Arrow takes a page whose header says that it is empty at its word.
                msg = f"{location}: damaged: {stated:,} rows are stated, and {table.num_rows:,} are there. {again}"
                raise BatchFileError(msg)
            yield table


def read_whole_batch(
    location: str, stamp: BatchStamp, schema: pa.Schema, asset: str, columns: Sequence[str]
) -> pa.Table:
    """Read some columns of a batch file whole, for columns that are small.

    Raises:
        BatchFileError: as ``read_batch``.
    """
    chosen = pa.schema([schema.field(name) for name in columns])
    return pa.concat_tables(
        [chosen.empty_table(), *_bare(read_batch(location, stamp, schema, asset, columns))]
    )


def _bare(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    for table in tables:
        yield table.replace_schema_metadata(None)
