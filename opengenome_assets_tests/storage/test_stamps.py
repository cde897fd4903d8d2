"""Batch files say what they are, and a reader takes no other."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.errors import BatchFileError, NewerFormatError
from opengenome_assets.schemas import CODON_COUNTS
from opengenome_assets.storage import stamps
from opengenome_assets.storage.batch_files import read_whole_batch
from opengenome_assets.storage.formats import FileFormat
from opengenome_assets.storage.stamps import BatchStamp, open_batch_file, stamped

STAMP = BatchStamp("mine", "batch_0001", 10, 20, 10, "f" * 64)


def written(path: Path, stamp: BatchStamp | None = STAMP, schema: pa.Schema = CODON_COUNTS) -> Path:
    row = {"group": "all", "strand": "+", "frame": 0, "codon": "ACG", "count": 5}
    table = pa.Table.from_pylist([row], schema=schema)
    if stamp is not None:
        table = table.replace_schema_metadata(stamped(schema, stamp, {}).metadata)
    pq.write_table(
        table,
        path,
        write_page_checksum=True,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    return path


def opened(path: Path) -> pq.ParquetFile:
    return open_batch_file(path, str(path), STAMP, CODON_COUNTS)


def test_the_expected_file_is_opened(tmp_path: Path) -> None:
    assert opened(written(tmp_path / "right.parquet")).metadata.num_rows == 1


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
    path = written(tmp_path / "other.parquet", replace(STAMP, **other))
    with pytest.raises(
        BatchFileError, match=f"belongs elsewhere: {next(iter(other))} .*Materialize batch_0001"
    ):
        opened(path)


def test_a_file_without_a_stamp_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BatchFileError, match="carries no batch stamp"):
        opened(written(tmp_path / "plain.parquet", None))


def test_a_file_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerFormatError, match="written in format 99"):
        opened(written(tmp_path / "newer.parquet", replace(STAMP, format=99)))


def test_a_file_of_a_format_that_is_too_old_is_refused_with_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BatchFileError, match=r"format 0; .*too old.*Materialize batch_0001.*analyze codon"):
        opened(written(tmp_path / "older.parquet", replace(STAMP, format=0)))


def test_a_file_of_an_older_format_that_can_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "older.parquet")
    monkeypatch.setattr(stamps, "BATCH_FILE", FileFormat(written=2, oldest=1))
    file = open_batch_file(path, str(path), replace(STAMP, format=2), CODON_COUNTS)
    assert file.metadata.num_rows == 1


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "short.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BatchFileError, match="not a whole Parquet file"):
        opened(path)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "columns.parquet", schema=CODON_COUNTS.append(pa.field("more", pa.int64())))
    with pytest.raises(BatchFileError, match="columns"):
        opened(path)


def test_a_flipped_bit_in_a_count_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "flipped.parquet")
    content = bytearray(path.read_bytes())
    place = content.index((5).to_bytes(8, "little"))
    content[place] ^= 2
    path.write_bytes(bytes(content))
    with pytest.raises(BatchFileError, match="damaged"):
        read_whole_batch(str(path), STAMP, CODON_COUNTS, "codon_counts", ["count"])
