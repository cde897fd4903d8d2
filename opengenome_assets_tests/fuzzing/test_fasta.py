"""Text that is nearly FASTA, and compressed files with damage: the naive reader's records, or one clear error."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.letters import letters_and_offsets
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta, named

PIECES = [b">", b"\n", b"\r\n", b"\r", b" ", b"\t", b"ACGT", b"acgtn", b"U", b"id", b"\x00", b"\xff", b"*"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)
ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def naive(text: bytes) -> list[bytes] | None:
    """The letters of each record, line by line; None where it is no FASTA."""
    records: list[list[bytes]] = []
    for line in re.split(rb"\r\n|\r|\n", text):
        if line.startswith(b">"):
            records.append([])
        elif records:
            records[-1].append(re.sub(rb"[ \t]", b"", line))
        elif line.strip(b" \t"):
            return None
    return [b"".join(parts) for parts in records] or None


def letters_of(chunks: Any) -> list[bytes]:
    found = []
    for chunk in chunks:
        letters, offsets = letters_and_offsets(chunk)
        found += [letters[offsets[row] : offsets[row + 1]].tobytes() for row in range(chunk.num_rows)]
    return found


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@ANY_TIME
@given(text=TEXTS, chunk_bases=st.integers(1, 40), chunk_rows=st.integers(1, 5), block=st.integers(1, 30))
def test_records_are_those_of_a_naive_reader(
    tmp_path: Path, text: bytes, chunk_bases: int, chunk_rows: int, block: int
) -> None:
    path = written(tmp_path / "mine.fa", text)
    expected = naive(text)
    if expected is None:
        with pytest.raises(OpengenomeError, match=r"mine\.fa"):
            list(read_fasta(named(path), chunk_bases, chunk_rows, block))
    else:
        assert letters_of(read_fasta(named(path), chunk_bases, chunk_rows, block)) == expected


@ANY_TIME
@given(content=st.binary(max_size=200))
def test_any_bytes_give_records_or_an_error_with_the_file(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "mine.fa", content)
    try:
        letters_of(read_records(named(path)))
    except OpengenomeError as error:
        assert "mine.fa" in str(error)  # noqa: PT017 (most of the bytes are refused, some are not)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
@ANY_TIME
@given(data=st.data())
def test_a_damaged_compressed_file_gives_all_records_or_an_error(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    text = fasta(3, 200)
    content = data.draw(damaged(COMPRESS[suffix](text.encode())))
    # What begins with '>' is FASTA, whatever its name says: docs/background/faults.md.
    assume(not content.startswith(b">"))
    path = written(tmp_path / f"mine.fa.{suffix}", content)
    try:
        found = letters_of(read_records(named(path)))
    except OpengenomeError as error:
        assert f"mine.fa.{suffix}" in str(error)  # noqa: PT017 (some damage is outside of what is read)
    else:
        assert found == naive(text.encode())
