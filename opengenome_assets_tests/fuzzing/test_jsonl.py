"""Text that is nearly JSON lines, and compressed files with damage: the records of Python's reader, or one clear error."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.inputs.jsonl import read_jsonl
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.fuzzing.test_fasta import letters_of, written
from opengenome_assets_tests.inputs.inputs import COMPRESS, named

PIECES = [
    b'{"text": "ACGT"}',
    b'{"id": "a", "text": "acgtn"}',
    b'{"text": "A\\u0041", "id": 5}',
    b'{"text": null}',
    b'{"text": ',
    b'"AC"',
    b"}",
    b"{",
    b"[",
    b"\n",
    b"\n",
    b"\r\n",
    b" ",
    b"\x00",
    b"\xff",
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=20).map(b"".join)
ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def naive(text: bytes) -> list[bytes] | None:
    """The letters of each line by Python's reader; None where a line is no object with a sequence."""
    found = []
    for line in text.split(b"\n"):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            return None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            return None
        found.append(row["text"].encode())
    return found or None


@ANY_TIME
@given(text=TEXTS, chunk_bases=st.integers(1, 40), chunk_rows=st.integers(1, 5))
def test_records_are_those_of_pythons_reader(
    tmp_path: Path, text: bytes, chunk_bases: int, chunk_rows: int
) -> None:
    path = written(tmp_path / "mine.jsonl", text)
    try:
        found = letters_of(read_jsonl(named(path), chunk_bases, chunk_rows))
    except OpengenomeError as error:
        # Ids of two types in a file are refused too.
        assert "mine.jsonl" in str(error)  # noqa: PT017 (some damage is inside of texts)
        assert naive(text) is None or b'"id": 5' in text
    else:
        assert found == naive(text)


@ANY_TIME
@given(content=st.binary(max_size=200))
def test_any_bytes_give_records_or_an_error_with_the_file(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "mine.jsonl", content)
    with pytest.raises(OpengenomeError, match=r"mine\.jsonl"):
        letters_of(read_records(named(path)))


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
@ANY_TIME
@given(data=st.data())
def test_a_damaged_compressed_file_gives_all_records_or_an_error(
    tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    text = b"".join(b'{"id": "%d", "text": "%s"}\n' % (row, b"ACGTN" * row) for row in range(30))
    content = data.draw(damaged(COMPRESS[suffix](text)))
    assume(not content.startswith(b"{"))
    path = written(tmp_path / f"mine.jsonl.{suffix}", content)
    try:
        found = letters_of(read_records(named(path)))
    except OpengenomeError as error:
        assert f"mine.jsonl.{suffix}" in str(error)  # noqa: PT017 (some damage is inside of texts)
    else:
        assert found == naive(text)
