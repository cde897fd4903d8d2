"""Each batch file states its identity in a stamp. Readers refuse a file of another batch, plan or input."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.batches import batch_files
from opengenome_assets.batches.batch_files import BatchFile, BatchFileKind
from opengenome_assets.batches.manifest import BatchStamp
from opengenome_assets.errors import BatchFileError, NewerFormatError
from opengenome_assets.files.formats import LayoutVersions
from opengenome_assets.files.warehouse import DatasetFolder
from opengenome_assets.schemas import CODON_COUNTS

STAMP = BatchStamp("mine", "batch_0001", 10, 20, 10, "f" * 64)


def counts_file(folder: Path, stamp: BatchStamp = STAMP) -> BatchFile:
    """The file that is expected."""
    return BatchFile(DatasetFolder(str(folder), "mine"), BatchFileKind.COUNTS, stamp)


def written(folder: Path, stamp: BatchStamp | None = STAMP, schema: pa.Schema = CODON_COUNTS) -> BatchFile:
    """The expected file, with the stamp and the columns of another one."""
    file = counts_file(folder)
    path = Path(file.location)
    path.parent.mkdir(parents=True)
    row = {"group": "all", "strand": "+", "frame": 0, "codon": "ACG", "count": 5}
    table = pa.Table.from_pylist([row], schema=schema)
    if stamp is not None:
        stamped = counts_file(folder, stamp).stamped_schema({})
        table = table.replace_schema_metadata(stamped.metadata)
    pq.write_table(
        table,
        path,
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    return file


def opened(file: BatchFile) -> int:
    """Rows of a file that is accepted."""
    with file.open() as parquet:
        return int(parquet.metadata.num_rows)


def test_the_expected_file_is_opened(tmp_path: Path) -> None:
    assert opened(written(tmp_path)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "yours"},
        {"batch": "batch_0002"},
        {"first_row": 0},
        {"end_row": 30},
        {"batch_size": 5000},
        {"fingerprint": "0" * 64},
    ],
)
def test_a_file_of_another_batch_plan_or_input_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    file = written(tmp_path, replace(STAMP, **other))
    with pytest.raises(
        BatchFileError,
        match=rf"belongs to another batch or input \({next(iter(other))} .*Materialize mine/codon_counts for batch_0001",
    ):
        opened(file)


def test_a_file_without_a_stamp_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BatchFileError, match="has no batch stamp"):
        opened(written(tmp_path, None))


def test_a_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerFormatError, match="written in format 99"):
        opened(written(tmp_path, replace(STAMP, format=99)))


def test_a_file_in_too_old_a_format_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        BatchFileError,
        match=r"format 0; .*too old.*codon_counts for batch_0001.*analyze codon",
    ):
        opened(written(tmp_path, replace(STAMP, format=0)))


def test_a_file_of_an_older_format_that_can_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path)
    monkeypatch.setattr(batch_files, "BATCH_FILE", LayoutVersions(written=2, oldest=1))
    assert opened(counts_file(tmp_path, replace(STAMP, format=2))) == 1


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    path = Path(file.location)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BatchFileError, match="not a complete Parquet file"):
        opened(file)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, schema=CODON_COUNTS.append(pa.field("more", pa.int64())))
    with pytest.raises(BatchFileError, match="columns"):
        opened(file)


def test_a_flipped_bit_in_a_count_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path)
    path = Path(file.location)
    content = bytearray(path.read_bytes())
    place = content.index((5).to_bytes(8, "little"))
    content[place] ^= 2
    path.write_bytes(bytes(content))
    with pytest.raises(BatchFileError, match="damaged"):
        file.read_whole(["count"])
