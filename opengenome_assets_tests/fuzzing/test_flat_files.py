"""Flat files with damage: the records of Biopython, or one clear error. No other exception, and no warning."""

import warnings
from io import StringIO
from pathlib import Path

import pytest
from Bio import SeqIO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import OpengenomeError
from opengenome_assets.inputs.flat_files import read_annotated
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.fuzzing.damage import damaged
from opengenome_assets_tests.fuzzing.test_fasta import letters_of, written
from opengenome_assets_tests.inputs.inputs import COMPRESS, named

GENBANK = b"""LOCUS       AB1                       7 bp    DNA     linear   PLN 01-JAN-2020
DEFINITION  Zea mays chloroplast.
ACCESSION   AB1
VERSION     AB1.1
FEATURES             Location/Qualifiers
     source          1..7
                     /organism="Zea mays"
                     /organelle="plastid:chloroplast"
     CDS             1..3
                     /transl_table=11
ORIGIN
        1 acgtacg
//
"""
EMBL = b"""ID   AB2; SV 1; linear; genomic DNA; STD; PLN; 5 BP.
AC   AB2;
DE   Zea mays
FT   source          1..5
FT                   /organism="Zea mays"
SQ   Sequence 5 BP; 1 A; 1 C; 1 G; 1 T; 1 other;
     acgtn                                                                     5
//
"""
KINDS = {"genbank": GENBANK, "embl": EMBL}
each_kind = pytest.mark.parametrize("kind", KINDS)
ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def naive(text: bytes, kind: str) -> list[bytes] | None:
    """The letters of the records by Biopython; None if it fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Where columns have moved, the letters of a record are undefined.
            return [
                bytes(record.seq) for record in SeqIO.parse(StringIO(text.decode("utf-8", "replace")), kind)
            ]
        except Exception:  # noqa: BLE001 - Biopython raises exceptions of many kinds
            return None


@each_kind
@ANY_TIME
@given(data=st.data())
def test_a_damaged_file_gives_records_or_an_error(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    content = data.draw(damaged(KINDS[kind] * 2))
    path = written(tmp_path / "mine.gb", content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = letters_of(read_annotated(named(path), 8, 2, data.draw(st.integers(1, 99))))
        except OpengenomeError as error:
            assert "mine.gb" in str(error)  # noqa: PT017 (some damage is outside of what is read)
            assert "\n" not in str(error)  # noqa: PT017 (some damage is outside of what is read)
            return
    expected = naive(content, kind)
    # Bytes that are no letters are refused later, with their position.
    if expected is not None and b"".join(found).isalpha():
        assert found == expected


@ANY_TIME
@given(content=st.binary(max_size=200))
def test_any_bytes_give_an_error_with_the_file(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path / "mine.gb", content)
    with pytest.raises(OpengenomeError, match=r"mine\.gb"):
        letters_of(read_records(named(path)))


# Data of zstd have no checksum here, so other letters can result.
@pytest.mark.parametrize("suffix", ["gz", "xz"])
@ANY_TIME
@given(data=st.data())
def test_damaged_compression_gives_all_or_an_error(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    content = data.draw(damaged(COMPRESS[suffix](GENBANK * 9)))
    path = written(tmp_path / f"mine.gb.{suffix}", content)
    try:
        found = letters_of(read_records(named(path)))
    except OpengenomeError as error:
        assert f"mine.gb.{suffix}" in str(error)  # noqa: PT017 (some damage is outside of what is read)
    else:
        assert found == [b"ACGTACG"] * 9
