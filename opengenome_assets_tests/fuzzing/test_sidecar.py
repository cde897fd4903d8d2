"""Sidecar tables of any content: every row that a naive reader finds, or one clear error."""

import csv
import io
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.batching.sidecar import ALL, UNASSIGNED, read_sidecar
from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import OpengenomeError
from opengenome_assets_tests.fuzzing.damage import damaged

ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Quotes and line ends inside of fields are CSV's own matter, and Arrow's.
WORDS = st.text(st.characters(codec="utf-8", exclude_characters='\t\r\n"\x00\ufeff'), max_size=8)
CODES = st.sampled_from(["", "1", "2", "11", "7", "0", "-1", "x", "1.5"])
ROWS = st.lists(st.tuples(WORDS, WORDS, CODES), max_size=8)


def as_tsv(rows: list[tuple[str, str, str]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in [("seq_id", "group", "genetic_code"), *rows]).encode()


@ANY_TIME
@given(rows=ROWS)
def test_a_table_is_taken_whole_or_refused_by_name(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    path = tmp_path / "groups.tsv"
    path.write_bytes(as_tsv(rows))
    ids = [row[0] for row in rows]
    known = {"", *map(str, genetic_codes())}
    good = (
        all(ids)
        and len(set(ids)) == len(ids)
        and all(group not in (ALL, UNASSIGNED) and code in known for _, group, code in rows)
    )
    try:
        sidecar = read_sidecar(str(path))
    except OpengenomeError as error:
        assert "groups.tsv" in str(error)  # noqa: PT017 (good tables are not refused, as the next line says)
        assert not good
    else:
        assert good
        expected = list(
            csv.reader(io.StringIO(as_tsv(rows).decode(), newline=""), "excel-tab", quoting=csv.QUOTE_NONE)
        )[1:]
        found = zip(
            sidecar.ids.to_pylist(), sidecar.groups.to_pylist(), sidecar.codes.to_pylist(), strict=True
        )
        assert [
            (seq_id, group or "", "" if code is None else str(code)) for seq_id, group, code in found
        ] == [tuple(row) for row in expected]


@ANY_TIME
@given(content=st.one_of(st.binary(max_size=100), damaged(as_tsv([("a", "one", "1"), ("b", "two", "2")]))))
def test_bytes_of_any_kind_are_a_table_or_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "groups.tsv"
    path.write_bytes(content)
    try:
        read_sidecar(str(path))
    except OpengenomeError as error:
        assert "groups.tsv" in str(error)  # noqa: PT017 (most of the bytes are refused, some are not)
