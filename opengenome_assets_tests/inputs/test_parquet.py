"""Parquet: any layout and type of column, in small steps, verified row by row."""

import gzip
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.inputs.letters import InvalidLetter, find_invalid, lengths
from opengenome_assets.inputs.parquet import read_parquet
from opengenome_assets.inputs.records import column_of, read_records
from opengenome_assets.schemas import RECORDS
from opengenome_assets_tests.inputs.inputs import named, records

SEQUENCES = ["ACGT", "", "NNacgu-", "A" * 1000, "ACGT"] * 20
IDS = [f"seq_{number}" for number in range(100)]

TYPES = {
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "binary": pa.binary(),
    "large_binary": pa.large_binary(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "dictionary_of_bytes": pa.dictionary(pa.int8(), pa.binary()),
}


def save(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return named(path)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("group_rows", [1, 7, 1000])
def test_a_sequence_column_of_any_text_type_is_read(tmp_path, name, group_rows):
    column = pa.array(SEQUENCES, pa.string())
    if name == "dictionary_of_bytes":
        column = column.cast(pa.binary()).dictionary_encode().cast(TYPES[name])
    columns = {"seq_id": IDS, "description": ["d"] * 100, "sequence": column.cast(TYPES[name])}
    file = save(tmp_path / "a.parquet", columns, row_group_size=group_rows)
    chunks = list(read_records(file))
    assert {chunk.schema for chunk in chunks} == {RECORDS}
    assert records(chunks) == [(seq_id, "d", text) for seq_id, text in zip(IDS, SEQUENCES, strict=True)]


@pytest.mark.parametrize(
    "options", [{"use_dictionary": False}, {"data_page_version": "2.0"}, {"compression": "zstd"}]
)
def test_pages_of_any_encoding_are_read(tmp_path, options):
    chunks = read_records(save(tmp_path / "a.PARQUET", {"sequence": SEQUENCES}, **options))
    assert [text for _, _, text in records(chunks)] == SEQUENCES


def test_a_file_of_another_writer_without_arrow_types_is_read(tmp_path):
    file = save(tmp_path / "a.pq", {"seq_id": IDS, "sequence": SEQUENCES}, store_schema=False)
    assert [text for _, _, text in records(read_records(file))] == SEQUENCES


def test_source_and_description_are_taken_where_present(tmp_path):
    columns = {"seq_id": ["a", "b"], "description": ["x", None], "source": ["other.fa", None]}
    (chunk,) = read_records(save(tmp_path / "a.parquet", {**columns, "sequence": ["AC", "GT"]}))
    assert chunk.column("source").to_pylist() == ["other.fa", "a.parquet"]
    assert records([chunk]) == [("a", "x", "AC"), ("b", "", "GT")]


def test_a_row_without_an_id_is_known_by_file_and_row(tmp_path):
    file = save(tmp_path / "a.parquet", {"sequence": ["AC"] * 3}, row_group_size=2)
    assert [seq_id for seq_id, _, _ in records(read_records(file))] == [f"a.parquet:{n}" for n in range(3)]
    file = save(tmp_path / "b.parquet", {"seq_id": [None, "b"], "sequence": ["AC", "GT"]})
    assert [seq_id for seq_id, _, _ in records(read_records(file))] == ["b.parquet:0", "b"]


def test_ids_that_are_numbers_become_text(tmp_path):
    (chunk,) = read_records(save(tmp_path / "a.parquet", {"seq_id": [7, 8], "sequence": ["AC", "GT"]}))
    assert chunk.column("seq_id").to_pylist() == ["7", "8"]


def test_fixed_size_binary_sequences_are_read(tmp_path):
    column = pa.array([b"ACGT", b"GGCC"], pa.binary(4))
    assert [
        text for _, _, text in records(read_records(save(tmp_path / "a.parquet", {"sequence": column})))
    ] == [
        "ACGT",
        "GGCC",
    ]


def test_a_file_without_rows_has_no_chunks(tmp_path):
    file = save(tmp_path / "part-00007.parquet", {"sequence": pa.array([], pa.string())})
    assert list(read_records(file)) == []


@pytest.mark.parametrize(("bases", "rows"), [(1, 1), (4, 100), (1000, 3), (1004, 100), (2**24, 7)])
def test_chunks_are_bounded_and_hold_every_row_in_order(tmp_path, bases, rows):
    file = save(tmp_path / "a.parquet", {"seq_id": IDS, "sequence": SEQUENCES}, row_group_size=30)
    chunks = list(read_parquet(file, bases, rows))
    assert [text for _, _, text in records(chunks)] == SEQUENCES
    for chunk in chunks:
        assert 1 <= chunk.num_rows <= rows
        assert chunk.num_rows == 1 or lengths(chunk).sum() <= bases


def test_bytes_that_are_no_utf_8_are_left_to_find_invalid(tmp_path):
    (chunk,) = read_records(save(tmp_path / "a.parquet", {"sequence": [b"ACGT", b"AC\xff\xfe"]}))
    assert find_invalid(chunk) == [InvalidLetter(1, 3, 0xFF)]


def test_one_large_row_group_is_read_in_small_steps(tmp_path):
    sequences = pa.array(["ACGTTGCA" * 10_000] * 800, pa.large_string())
    options = {"use_dictionary": False, "compression": "none", "write_batch_size": 8}
    file = save(tmp_path / "a.parquet", {"sequence": sequences}, **options)
    assert file.size > 60_000_000
    del sequences
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in read_records(file)]
    assert max(held) < 32_000_000


def test_a_missing_sequence_column_is_refused_with_the_others(tmp_path):
    file = save(tmp_path / "a.parquet", {"id": ["a"], "letters": ["AC"]})
    with pytest.raises(
        InputFormatError, match=r"a\.parquet has no column 'sequence' \(columns: id, letters\)\. Set"
    ):
        list(read_records(file))


@pytest.mark.parametrize("column", ["seq", "Sequence", "text", "DNA"])
def test_the_only_column_with_a_usual_name_is_read(tmp_path, column):
    file = save(tmp_path / "a.parquet", {"id": [1], column: pa.array(["AC"]).dictionary_encode()})
    assert column_of(file) == column
    assert [text for _, _, text in records(read_records(file))] == ["AC"]


def test_the_column_sequence_wins_over_other_usual_names(tmp_path):
    file = save(tmp_path / "a.parquet", {"text": ["words"], "sequence": ["AC"], "Sequence": ["x"]})
    assert [text for _, _, text in records(read_records(file))] == ["AC"]


def test_several_columns_with_usual_names_are_refused(tmp_path):
    file = save(tmp_path / "a.parquet", {"text": ["words"], "Seq": ["AC"]})
    with pytest.raises(InputFormatError, match=r"'text' and 'Seq'\. Set OPENGENOME_COLUMN to one of them"):
        list(read_records(file))
    assert [text for _, _, text in records(read_records(replace(file, column="Seq")))] == ["AC"]


def test_ids_and_lengths_of_another_column_are_read(tmp_path):
    file = save(
        tmp_path / "a.parquet", {"seq_id": ["a"], "length": [3], "genome": ["AC"], "sequence": ["ACG"]}
    )
    with pytest.raises(
        InputFormatError, match=r"row 0 \(from 0\), 'a', has 2 bases, but its column 'length' says 3"
    ):
        list(read_records(replace(file, column="genome")))


def test_a_sequence_column_that_holds_no_text_is_refused(tmp_path):
    file = save(tmp_path / "a.parquet", {"sequence": [["A", "C"]]})
    with pytest.raises(
        InputFormatError, match=r"a\.parquet: the column 'sequence' has type (large_)?list.* Convert it"
    ):
        list(read_records(file))


def test_a_null_sequence_is_refused_with_its_row(tmp_path):
    file = save(tmp_path / "a.parquet", {"sequence": ["AC", "GT", None, None]})
    for chunk_bases in (1, 2**20):
        with pytest.raises(InputFormatError, match=r"a\.parquet: row 2 \(from 0\) has no sequence \(null\)"):
            list(read_parquet(file, chunk_bases, 10))


def test_a_length_that_disagrees_is_refused_with_its_row(tmp_path):
    columns = {"seq_id": ["a", "b", "c"], "length": [2, None, 5], "sequence": ["AC", "GT", "ACGT"]}
    with pytest.raises(
        InputFormatError,
        match=r"a\.parquet: row 2 \(from 0\), 'c', has 4 bases, but its column 'length' says 5\.",
    ):
        list(read_parquet(save(tmp_path / "a.parquet", columns), 1, 10))


def test_a_length_that_is_no_number_is_refused(tmp_path):
    file = save(tmp_path / "a.parquet", {"length": ["long"], "sequence": ["AC"]})
    with pytest.raises(InputFormatError, match=r"the column 'length' has type .*string, not whole numbers"):
        list(read_records(file))


def test_an_id_that_is_no_text_is_refused(tmp_path):
    file = save(tmp_path / "a.parquet", {"seq_id": [["a"]], "sequence": ["AC"]})
    with pytest.raises(
        InputFormatError, match=r"the column 'seq_id' has type .*list.* cannot be read as text"
    ):
        list(read_records(file))


def test_a_file_that_only_bears_the_name_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(gzip.compress(b"ACGT"))
    with pytest.raises(
        InputFormatError, match=r"a\.parquet is not a Parquet file: it begins with b'\\x1f\\x8b"
    ):
        list(read_records(named(path)))


@pytest.mark.parametrize("keep", [4, 6, 11, 100, -1, -8, -9, -100])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, keep):
    file = save(tmp_path / "a.parquet", {"sequence": SEQUENCES})
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TruncatedInputError, match=r"a\.parquet: the Parquet file is truncated"):
        list(read_records(file))


def test_an_error_of_a_damaged_page_counts_the_good_rows(tmp_path):
    path = tmp_path / "a.parquet"
    save(path, {"sequence": SEQUENCES}, row_group_size=50, write_page_checksum=True, use_dictionary=False)
    damaged = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    damaged[column.data_page_offset + column.total_compressed_size - 5] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(
        TruncatedInputError, match=r"a\.parquet: the Parquet data are damaged .*The first \d+ rows are valid"
    ):
        list(read_records(named(path)))


def test_a_damaged_footer_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "a.parquet"
    save(path, {"sequence": SEQUENCES})
    damaged = bytearray(path.read_bytes())
    footer = len(damaged) - 8 - int.from_bytes(damaged[-8:-4], "little")
    damaged[footer : footer + 20] = b"\xff" * 20
    path.write_bytes(damaged)
    with pytest.raises(TruncatedInputError, match=r"a\.parquet: the Parquet data are damaged or incomplete"):
        list(read_records(named(path)))
