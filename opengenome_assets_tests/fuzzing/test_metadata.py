"""Metadata tables in any dialect: every row that was written, or one clear error."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.metadata.metadata_table import ALL, UNASSIGNED, read_metadata
from opengenome_assets_tests.fuzzing.damage import damaged

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADER = ("seq_id", "group", "genetic_code")
# Letters that a dialect could take for something else are frequent.
LETTERS = st.one_of(st.sampled_from(" ,;\"'#\xa0\ufeffaN-"), st.characters(codec="utf-8"))
WORDS = st.one_of(
    st.text(LETTERS, max_size=8), st.sampled_from(["NA", "nan", "None", "-", "a b", "##", '"a"'])
)
ONE_LINE = WORDS.map(lambda word: word.translate(dict.fromkeys(map(ord, "\t\r\n"))))
GOOD_CODES = st.sampled_from(["", "1", "2", "11", "2.0", " 2", "2,0", "NA"])
BAD_CODES = st.sampled_from(["7", "0", "-1", "x", "1.5", "1.000"])
Row = tuple[str, str, str]
Found = list[tuple[str, str | None, int | None]]


def rows(words: st.SearchStrategy[str]) -> st.SearchStrategy[list[Row]]:
    """Tables that mostly can be meant, and tables of any values."""
    ids = words.map(lambda word: f"i{word}")
    row = st.one_of(st.tuples(ids, words, GOOD_CODES), st.just(("", " ", "")))
    good = st.lists(row, max_size=8, unique_by=lambda row: row[0].strip(" \t\xa0"))
    return st.one_of(good, st.lists(st.tuples(words, words, st.one_of(GOOD_CODES, BAD_CODES)), max_size=8))


def as_tsv(table: list[Row]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in [HEADER, *table]).encode()


def as_csv(table: list[Row], encoding: str = "utf-8", **dialect: object) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([HEADER, *table])
    return text.getvalue().encode(encoding)


def as_pandas(table: list[Row], **options: object) -> bytes:
    frame = pd.DataFrame(table, columns=list(HEADER), dtype=object)
    return str(frame.to_csv(**options)).encode()


def as_arrow(table: list[Row]) -> bytes:
    buffer = io.BytesIO()
    columns = [pa.array([row[place] for row in table], pa.string()) for place in range(3)]
    pcsv.write_csv(pa.table(dict(zip(HEADER, columns, strict=True))), buffer)
    return buffer.getvalue()


# Dialects that can hold any letter: quotes of CSV.
QUOTING: dict[str, Callable[[list[Row]], bytes]] = {
    "excel": as_csv,
    "unix": lambda table: as_csv(table, dialect="unix"),
    "german": lambda table: as_csv(table, "utf-8-sig", delimiter=";"),
    "utf-16": lambda table: as_csv(table, "utf-16"),
    "all quoted tabs": lambda table: as_csv(table, delimiter="\t", quoting=csv.QUOTE_ALL),
    "pandas": as_pandas,
    "pandas without index": lambda table: as_pandas(table, index=False, sep=";"),
    "pandas quoted tabs": lambda table: as_pandas(table, index=False, sep="\t", quoting=csv.QUOTE_ALL),
    "arrow": as_arrow,
}
# Dialects that cannot hold a tab or a line end, and where a quote is a letter.
PLAIN: dict[str, Callable[[list[Row]], bytes]] = {
    "line feeds": as_tsv,
    "CRLF": lambda table: as_tsv(table).replace(b"\n", b"\r\n"),
    "CR": lambda table: as_tsv(table).replace(b"\n", b"\r"),
    "mark": lambda table: b"\xef\xbb\xbf" + as_tsv(table),
    "UTF-16": lambda table: as_tsv(table).decode().encode("utf-16"),
}


def value(text: str) -> str | None:
    """What a value means, by the page on inputs."""
    text = text.strip(" \t\xa0")
    return None if text.lower() in {"", "-", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"} else text


def meant(table: list[Row]) -> Found | None:
    """What the table says, or None if it cannot be meant."""
    ids = [row[0].strip(" \t\xa0") for row in table]
    if not table or not all(ids) or len(set(ids)) < len(ids):
        return None
    codes = {"2.0": "2", "2,0": "2"}
    found: Found = []
    for seq_id, (_, group, code) in zip(ids, table, strict=True):
        number = value(code)
        number = codes.get(number, number) if number else None
        if value(group) in (ALL, UNASSIGNED) or number not in {None, *map(str, genetic_codes())}:
            return None
        found.append((seq_id, value(group), None if number is None else int(number)))
    return found


def read(path: Path, content: bytes) -> Found | None:
    """What is read, or None if it is refused by its name."""
    path.write_bytes(content)
    try:
        metadata = read_metadata(str(path))
    except OpengenomeError as error:
        assert path.name in str(error)  # noqa: PT017 (callers say which are refused)
        return None
    return list(
        zip(metadata.ids.to_pylist(), metadata.groups.to_pylist(), metadata.codes.to_pylist(), strict=True)
    )


def is_blank(row: Row) -> bool:
    return not "".join(row).strip(" \t\xa0")


@ANY_TIME
@given(table=rows(ONE_LINE), form=st.sampled_from(list(PLAIN)))
def test_plain_text_is_read_whole_or_refused(tmp_path: Path, table: list[Row], form: str) -> None:
    expected = meant([row for row in table if not is_blank(row)])
    assert read(tmp_path / "groups.tsv", PLAIN[form](table)) == expected


@ANY_TIME
@given(table=rows(ONE_LINE), form=st.sampled_from(list(QUOTING)))
def test_quoted_text_is_read_whole_or_refused(tmp_path: Path, table: list[Row], form: str) -> None:
    # The index of pandas gives a row a value.
    kept = table if form == "pandas" else [row for row in table if not is_blank(row)]
    assert read(tmp_path / "groups.csv", QUOTING[form](table)) == meant(kept)


@ANY_TIME
@given(table=rows(WORDS), form=st.sampled_from(list(QUOTING)))
def test_a_line_break_in_a_value_loses_no_row(tmp_path: Path, table: list[Row], form: str) -> None:
    found = read(tmp_path / "groups.csv", QUOTING[form](table))
    kept = table if form == "pandas" else [row for row in table if not is_blank(row)]
    assert found is None or found == meant(kept)


@ANY_TIME
@given(table=rows(WORDS), kind=st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
def test_parquet_is_read_whole_or_refused(tmp_path: Path, table: list[Row], kind: pa.DataType) -> None:
    columns = [pa.array([row[place] for row in table], kind) for place in range(3)]
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), buffer)
    assert read(tmp_path / "groups.parquet", buffer.getvalue()) == meant(table)


@ANY_TIME
@given(
    content=st.one_of(
        st.binary(max_size=100),
        st.binary(max_size=100).map(lambda end: as_tsv([]) + end),
        *(
            damaged(form([("a", "one", "1"), ("b", "two", "2")]))
            for form in (*PLAIN.values(), *QUOTING.values())
        ),
    )
)
def test_bytes_of_any_kind_are_a_table_or_refused_by_name(tmp_path: Path, content: bytes) -> None:
    read(tmp_path / "groups.tsv", content)
