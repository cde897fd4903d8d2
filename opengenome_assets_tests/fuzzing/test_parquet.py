"""Damaged Parquet files give the same letters or one clear error, and never silently fewer records."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, example, given, settings

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.inputs.inputs import named
from opengenome_assets_tests.scenario import made_up_records

RECORDS = made_up_records(12, longest=60)
LETTERS = "".join(RECORDS.values()).encode()


def as_parquet() -> bytes:
    buffer = io.BytesIO()
    table = pa.table({"seq_id": list(RECORDS), "sequence": list(RECORDS.values())})
    pq.write_table(table, buffer, row_group_size=5, write_page_checksum=True, use_dictionary=False)
    return buffer.getvalue()


VALID = as_parquet()
FOOTER = len(VALID) - 8 - int.from_bytes(VALID[-8:-4], "little")


def flipped(at: int, bits: int) -> bytes:
    """The file with bits of one byte of its footer changed."""
    place = FOOTER + at
    return VALID[:place] + bytes([VALID[place] ^ bits]) + VALID[place + 1 :]


# Sizes of a column that contradict its type: asked for the column, pyarrow ends the process.
@example(flipped(18, 4))
@example(flipped(37, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=damaged(VALID))
def test_a_damaged_file_gives_all_letters_or_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.parquet"
    path.write_bytes(content)
    found = b""
    try:
        for chunk in read_records(named(path)):
            letters, offsets = letters_and_offsets(chunk)
            found += letters[offsets[0] : offsets[-1]].tobytes()
    except OpengenomeError as error:
        assert "mine.parquet" in str(error)  # noqa: PT017 (some damage is outside of what is read)
    else:
        assert found == LETTERS


def test_the_file_without_damage_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    path.write_bytes(VALID)
    assert sum(chunk.num_rows for chunk in read_records(named(path))) == len(RECORDS)
