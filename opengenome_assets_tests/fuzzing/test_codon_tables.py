"""Codon tables saved again in any dialect, and damaged ones: the same rows, or one clear error."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets import load_codon_frequencies
from opengenome_assets.errors import OpengenomeError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets.tables.text import table_tsv
from opengenome_assets_tests.fuzzing.damage import damaged

ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(
    st.one_of(st.sampled_from(" ,;\t\n\r\\\"'#\xa0\ufeff"), st.characters(codec="utf-8")), min_size=1
)
SHARES = st.one_of(st.none(), st.floats(0, 1e6))
ROWS = st.tuples(NAMES, st.integers(0, 2**63 - 1), SHARES, SHARES, SHARES, SHARES)


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    named = [
        dict(zip(CODON_FREQUENCIES.names, (group, "ATG", "M", *numbers), strict=True))
        for group, *numbers in rows
    ]
    return pa.Table.from_pylist(named, schema=CODON_FREQUENCIES)


TABLES = st.lists(ROWS, max_size=6, unique_by=lambda row: str(row[0])).map(table_of)
# Blanks after a comma are no part of a value.
TABLES_WITHOUT_BLANKS = st.lists(
    ROWS.map(lambda row: ("g" + row[0], *row[1:])), max_size=6, unique_by=lambda row: row[0]
).map(table_of)
SOME = table_of([("all", 3, 0.25, 250.0, None, 1.0), ("x y", 5, 0.75, 750.0, 1.0, None)])


def as_csv(table: pa.Table, **dialect: object) -> str:
    text = io.StringIO(newline="")
    cells = [line.split("\t") for line in table_tsv(table).removesuffix("\n").split("\n")]
    csv.writer(text, **dialect).writerows(cells)
    return text.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


TSV: dict[str, Callable[[pa.Table], bytes]] = {
    "unchanged": lambda table: table_tsv(table).encode(),
    "CRLF": lambda table: table_tsv(table).replace("\n", "\r\n").encode("utf-8-sig"),
    "UTF-16": lambda table: table_tsv(table).encode("utf-16"),
    "Parquet": as_parquet,
    "pandas": lambda table: as_parquet(pa.Table.from_pandas(table.to_pandas())),
}
CSV: dict[str, Callable[[pa.Table], bytes]] = {
    "excel": lambda table: as_csv(table).encode(),
    "german": lambda table: as_csv(table, delimiter=";").encode("utf-8-sig"),
    "all quoted": lambda table: as_csv(table, delimiter="\t", quoting=csv.QUOTE_ALL).encode(),
}


@ANY_TIME
@given(table=TABLES, form=st.sampled_from(list(TSV)))
def test_a_table_reads_back_in_every_form(tmp_path: Path, table: pa.Table, form: str) -> None:
    (tmp_path / "saved.tsv").write_bytes(TSV[form](table))
    assert load_codon_frequencies(tmp_path / "saved.tsv").equals(table)


@ANY_TIME
@given(table=TABLES_WITHOUT_BLANKS, form=st.sampled_from(list(CSV)))
def test_a_table_saved_as_csv_reads_back(tmp_path: Path, table: pa.Table, form: str) -> None:
    (tmp_path / "saved.csv").write_bytes(CSV[form](table))
    assert load_codon_frequencies(tmp_path / "saved.csv").equals(table)


@ANY_TIME
@given(
    content=st.one_of(
        st.binary(max_size=60).map(lambda end: table_tsv(SOME).encode() + end),
        *(damaged(form(SOME)) for form in (*TSV.values(), *CSV.values())),
    )
)
def test_a_damaged_table_is_read_or_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved.tsv").write_bytes(content)
    try:
        found = load_codon_frequencies(tmp_path / "saved.tsv")
    except OpengenomeError as error:
        assert "saved.tsv" in str(error)  # noqa: PT017 (some damages change a value, most are refused)
    else:
        assert found.schema.equals(CODON_FREQUENCIES)
