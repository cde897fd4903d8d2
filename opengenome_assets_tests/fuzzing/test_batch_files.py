"""Batch files with damage: what is read of them is what was written, or one clear error."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.batching.writing import write_batches
from opengenome_assets.counting.count_files import read_counts, write_counts
from opengenome_assets.errors import BatchFileError
from opengenome_assets.schemas import CODON_COUNTS, SEQUENCES
from opengenome_assets.storage.batch_files import read_batch
from opengenome_assets.storage.warehouse import counts_path, sequences_path
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


@pytest.fixture(scope="module", params=["sequences", "codon_counts"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("batch_files")
    own = project(folder, write_fasta(folder / "mine.fa", RECORDS), batch_size=10)
    own.runner.register()
    manifest = own.manifest
    assert [done.error for done in write_batches(own.folder, manifest, [BATCH])] == [None]
    write_counts(own.folder, manifest, BATCH, counts_of(RECORDS))
    location = own.folder.location(sequences_path(BATCH))

    def sequences() -> pa.Table:
        stamp = manifest.stamp(BATCH)
        return pa.concat_tables(read_batch(location, stamp, SEQUENCES, "sequences", SEQUENCES.names))

    def counts() -> pa.Table:
        return read_counts(own.folder, manifest, BATCH)

    if request.param == "sequences":
        return Written(Path(location), Path(location).read_bytes(), sequences)
    path = Path(own.folder.location(counts_path(BATCH)))
    return Written(path, path.read_bytes(), counts)


@ANY_TIME
@given(data=st.data())
def test_a_damaged_batch_file_gives_what_was_written_or_an_error_that_names_it(
    written: Written, data: st.DataObject
) -> None:
    written.path.write_bytes(written.content)
    right = written.read().replace_schema_metadata(None)
    written.path.write_bytes(data.draw(damaged(written.content)))
    try:
        found = written.read()
    except BatchFileError as error:
        assert str(written.path) in str(error)  # noqa: PT017 (some damage is outside of what is read)
    else:
        assert found.replace_schema_metadata(None).equals(right)
