"""A finished data set whose files a test changes without changing their stamps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.manifest import Manifest
from opengenome_assets.checks import Outcome
from opengenome_assets.checks.batch import check_counts, check_sequences
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.schemas import SEQUENCES
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.frequencies import make_table, write_table
from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.scenario import Project

BATCH = "batch_0001"
PLAIN = TableParameters(frame=0, strand="+", genetic_code=1, skip_n=True, skip_stops=False, min_count=0)


@dataclass(frozen=True)
class Finished:
    """A data set with all of its files, to be tampered with."""

    folder: DatasetFolder
    manifest: Manifest

    @property
    def files(self) -> BatchFiles:
        return BatchFiles(self.folder, self.manifest)

    def rewrite_sequences(self, change: Callable[[pa.Table], pa.Table], batch: str = BATCH) -> None:
        """Put changed rows at a batch's place, with the stamp that is asked for there."""
        file = self.files.sequences(batch)
        path = Path(file.location)
        schema = file.stamped_schema(self.manifest.provenance())
        changed = change(pq.read_table(path).replace_schema_metadata(None)).cast(SEQUENCES)
        pq.write_table(changed.replace_schema_metadata(schema.metadata), path, write_page_checksum=True)

    def split_sequences(self, rows: int, batch: str = BATCH) -> None:
        """Write a batch's rows again in row groups of N rows."""
        path = Path(self.files.sequences(batch).location)
        pq.write_table(pq.read_table(path), path, row_group_size=rows, write_page_checksum=True)
        assert pq.read_metadata(path).num_row_groups > 1

    def rewrite_counts(self, change: Callable[[pa.Table], pa.Table], batch: str = BATCH) -> None:
        """The same for a batch's counts."""
        write_counts(self.files, batch, change(self.files.counts(batch).read_whole()))

    def rewrite_table(self, change: Callable[[pa.Table], pa.Table], fingerprint: str = "") -> None:
        """The same for the final table."""
        table = change(pq.read_table(self.folder.location("codon_frequencies.parquet")))
        provenance = self.manifest.provenance() | ({"fingerprint": fingerprint} if fingerprint else {})
        write_table(self.folder, [table], PLAIN, provenance)

    def sequences(self, name: str, batch: str = BATCH) -> Outcome:
        return check_sequences(self.files, batch)[name]

    def counts(self) -> Outcome:
        return check_counts(self.files, BATCH)


def finish(own: Project) -> Finished:
    """Register, write, count and tabulate, without Dagster and without Spark."""
    write_and_count(own)
    make_table(own.files, PLAIN)
    return Finished(own.folder, own.manifest)


def with_value(table: pa.Table, column: str, row: int, change: Callable[[Any], Any]) -> pa.Table:
    """A table with one value changed."""
    values = table[column].to_pylist()
    values[row] = change(values[row])
    number = table.column_names.index(column)
    return table.set_column(
        number, table.schema.field(number), pa.array(values, table.schema.field(number).type)
    )


def column_changer(column: str, change: Callable[[Any], Any], row: int = 3) -> Callable[[pa.Table], pa.Table]:
    return lambda table: with_value(table, column, row, change)


def without(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.filter(pc.field(column) != value)


def extra_row(**values: object) -> Callable[[pa.Table], pa.Table]:
    """Adds the first row once more, with other values."""

    def change(table: pa.Table) -> pa.Table:
        row = table.slice(0, 1).to_pylist()[0] | values
        return pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])

    return change


def two_frames(table: pa.Table) -> pa.Table:
    """One codon more in one frame, and one less in another."""
    first, second = (table["frame"].to_pylist().index(frame) for frame in (0, 1))
    more = with_value(table, "count", first, lambda count: count + 1)
    return with_value(more, "count", second, lambda count: count - 1)


def changed(before: Outcome, after: Outcome) -> set[str]:
    """Names of the figures that are not what they were."""
    assert before.figures.keys() == after.figures.keys()
    return {name for name in before.figures if before.figures[name] != after.figures[name]}
