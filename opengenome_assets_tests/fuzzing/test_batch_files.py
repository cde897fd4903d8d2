"""Batch files with damage: what is read of them is what was written, or one clear error."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.batches.batch_files import BatchFiles
from opengenome_assets.batches.write import write_batches
from opengenome_assets.counts.count_files import write_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.settings import TableParameters
from opengenome_assets.tables.by_sequence import BySequence
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.scenario import made_up_records, naive_counts, project, write_fasta

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BATCH = "batch_0000"
RECORDS = made_up_records(6, longest=60)


def counts_of(records: dict[str, str]) -> pa.Table:
    """What counting would find, by slicing strings."""
    rows = [
        {
            "group": "all",
            "genetic_code": None,
            "strand": strand,
            "frame": frame,
            "codon": codon,
            "count": count,
        }
        for (strand, frame, codon), count in naive_counts(list(records.values())).items()
    ]
    return pa.Table.from_pylist(rows, schema=CODON_COUNTS)


@dataclass(frozen=True)
class Written:
    """A batch file.

    Attributes:
        path: of the file.
        content: its bytes, as they were written.
        read: reads it as the graph does; one that is not as planned is an error.
    """

    path: Path
    content: bytes
    read: Callable[[], pa.Table]


@pytest.fixture(scope="module", params=[BatchFiles.sequences, BatchFiles.counts, BatchFiles.by_sequence])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("batch_files")
    own = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=10)
    own.runner.register()
    assert [done.error for done in write_batches(own.files, [BATCH])] == [None]
    write_counts(own.files, BATCH, counts_of(RECORDS))
    BySequence.of(own.files, TableParameters()).write(own.manifest.stamp(BATCH))
    file = request.param(own.files, BATCH)
    path = Path(file.location)
    return Written(path, path.read_bytes(), file.read_whole)


@ANY_TIME
@given(data=st.data())
def test_a_damaged_batch_gives_all_of_it_or_an_error(written: Written, data: st.DataObject) -> None:
    written.path.write_bytes(written.content)
    right = written.read().replace_schema_metadata(None)
    written.path.write_bytes(data.draw(damaged(written.content)))
    try:
        found = written.read()
    except BatchFileError as error:
        assert str(written.path) in str(error)  # noqa: PT017 (some damage is outside of what is read)
    else:
        assert found.replace_schema_metadata(None).equals(right)
