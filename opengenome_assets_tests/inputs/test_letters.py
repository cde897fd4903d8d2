"""Letters: what is a nucleotide, and where the first byte is that is none."""

import numpy as np
import pyarrow as pa
import pytest

from opengenome_assets.codons.alphabet import NUCLEOTIDE_LETTERS
from opengenome_assets.inputs.letters import InvalidLetter, find_invalid, lengths, letter_name
from opengenome_assets.schemas import RECORDS


def chunk(*sequences: bytes):
    letters = b"".join(sequences)
    offsets = np.cumsum([0, *map(len, sequences)])
    column = pa.LargeStringArray.from_buffers(len(sequences), pa.py_buffer(offsets), pa.py_buffer(letters))
    text = pa.array([""] * len(sequences))
    return pa.record_batch([text, text, column, text], schema=RECORDS)


def test_every_iupac_letter_is_valid_in_either_case():
    letters = NUCLEOTIDE_LETTERS.encode()
    assert find_invalid(chunk(letters, letters.lower(), b"")) == []


def test_every_other_byte_is_found():
    valid = (NUCLEOTIDE_LETTERS + NUCLEOTIDE_LETTERS.lower()).encode()
    others = [byte for byte in range(256) if byte not in valid]
    found = find_invalid(chunk(*(b"AC" + bytes([byte]) for byte in others)))
    assert found == [InvalidLetter(row, 3, byte) for row, byte in enumerate(others)]


@pytest.mark.parametrize("position", [1, 2, 4095, 4096, 4097, 8192, 9999, 10_000])
def test_the_first_invalid_byte_of_a_record_is_reported_once(position: int):
    letters = bytearray(b"ACGTN" * 2000)
    letters[position - 1] = ord("E")
    letters[-1] = ord("*") if position < 10_000 else letters[-1]
    assert find_invalid(chunk(b"ACGT", bytes(letters), b"")) == [InvalidLetter(1, position, ord("E"))]


def test_a_slice_of_a_chunk_counts_its_own_rows():
    part = chunk(b"-", b"ACGT", b"", b"AC*", b"-").slice(1, 3)
    assert find_invalid(part) == [InvalidLetter(2, 3, ord("*"))]
    assert lengths(part).tolist() == [4, 0, 3]


def test_chunks_without_rows_or_letters_have_nothing_invalid():
    assert find_invalid(chunk()) == find_invalid(chunk(b"", b"")) == []
    assert lengths(chunk()).tolist() == []
    assert lengths(chunk(b"", b"")).tolist() == [0, 0]
    assert lengths(pa.RecordBatch.from_pylist([], schema=RECORDS)).tolist() == []


@pytest.mark.parametrize(
    ("byte", "name"),
    [(0x45, "'E'"), (0x2D, "'-'"), (0x20, "byte 0x20"), (0x00, "byte 0x00"), (0xC3, "byte 0xC3")],
)
def test_a_byte_has_a_name_that_can_be_printed(byte, name: str):
    assert letter_name(byte) == name
