"""``count_codons``: every kind of source, against sliced strings and Biopython."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from opengenome_assets import count_codons
from opengenome_assets.errors import InputFormatError, InputNotFoundError, InvalidLetterError, SettingError
from opengenome_assets.schemas import CODON_FREQUENCIES
from opengenome_assets_tests.scenario import made_up_records, naive_counts, write_fasta, write_parquet

RECORDS = made_up_records(60)
LETTERS = list(RECORDS.values())
CODONS = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
OF_STRAND = {"+": ("+",), "-": ("-",), "both": ("+", "-")}
SOURCES = {
    "list": LETTERS,
    "pandas": pd.Series(LETTERS),
    "pandas-arrow": pd.Series(LETTERS, dtype="string[pyarrow]"),
    "numpy": np.array(LETTERS, dtype=object),
    "array": pa.array(LETTERS),
    "chunks": pa.chunked_array([LETTERS[:1], [], LETTERS[1:]], pa.large_string()),
    "dictionary": pa.array(LETTERS).dictionary_encode(),
    "view": pa.array(LETTERS, pa.string_view()),
    "bytes": pa.array([letters.encode() for letters in LETTERS]),
    "slice": pa.array(["CCC", *LETTERS, "GGG"]).slice(1, len(LETTERS)),
    "biopython": [SeqRecord(Seq(letters)) for letters in LETTERS],
}


def sliced(letters: list[str], strand: str = "+", frame: int = 0) -> Counter[str]:
    """Codons of one frame, from strings."""
    found: Counter[str] = Counter()
    for (at, start, codon), count in naive_counts(letters).items():
        if at in OF_STRAND[strand] and start == frame:
            found[codon] += count
    return found


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_column_has_the_codons_of_sliced_strings(source: object) -> None:
    counted, expected = count_codons(source), sliced(LETTERS)
    assert counted.to_dict() == {codon: expected[codon] for codon in CODONS}
    assert counted.ambiguous == {codon: n for codon, n in expected.items() if codon not in CODONS}
    assert (counted.records, counted.bases) == (60, sum(map(len, LETTERS)))


def test_a_generator_is_read_once() -> None:
    expected = sliced(LETTERS)
    counted = count_codons(letters for letters in LETTERS)
    assert counted.to_dict() == {codon: expected[codon] for codon in CODONS}
    assert counted.records == 60


@pytest.mark.parametrize("strand", OF_STRAND)
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_frames_and_strands_are_those_of_sliced_strings(strand: str, frame: int) -> None:
    counted, expected = count_codons(LETTERS, frame=frame, strand=strand), sliced(LETTERS, strand, frame)
    assert dict(counted) | dict(counted.ambiguous) == dict.fromkeys(CODONS, 0) | expected


@pytest.mark.parametrize("name", ["mine.fasta", "mine.parquet"])
@pytest.mark.parametrize("kind", [Path, str, lambda path: str(path.parent)], ids=["path", "text", "folder"])
def test_files_have_the_codons_of_their_records(tmp_path: Path, name: str, kind: type[Path]) -> None:
    write = write_fasta if name.endswith(".fasta") else write_parquet
    counted = count_codons(kind(write(tmp_path / name, RECORDS)))
    assert dict(counted) == dict(count_codons(LETTERS))
    assert counted.records == 60


def test_amino_acids_are_those_of_biopython(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fasta", {"a": "ATGAGATGAATAGGC" * 3, "b": "TTTAGA"})
    rows = count_codons(fasta, strand="-", genetic_code="Vertebrate Mitochondrial").to_pandas()
    translated: Counter[str] = Counter()
    with fasta.open() as file:
        for record in SeqIO.parse(file, "fasta"):
            translated.update(str(record.seq.reverse_complement().translate(table=2)))
    found = rows.groupby("amino_acid")["count"].sum()
    assert found[found > 0].to_dict() == dict(translated)


@pytest.mark.parametrize("kind", [str, str.encode, Seq, lambda text: SeqRecord(Seq(text))])
def test_a_single_sequence_is_one_record(kind: type) -> None:
    counted = count_codons(kind("ATGaaaUUUNNRGG"))
    assert {codon: n for codon, n in counted.items() if n} == {"ATG": 1, "AAA": 1, "TTT": 1}
    assert (counted.ambiguous, counted.records, counted.bases) == ({"NNR": 1}, 1, 14)


def test_soft_mask_skip_makes_lower_case_ambiguous() -> None:
    counted = count_codons("ATGaaaCCc", soft_mask="skip")
    assert {codon: n for codon, n in counted.items() if n} == {"ATG": 1}
    assert counted.ambiguous == {"CCN": 1, "NNN": 1}


def test_a_column_may_have_more_rows_than_a_chunk() -> None:
    column = ["ATG"] * 70_000
    assert count_codons(column)["ATG"] == 70_000
    with pytest.raises(InvalidLetterError, match=r"^row 70,000 \(from 0\) has 'E' at position 1,"):
        count_codons([*column, "E"])


def test_nothing_counted_gives_zeros_and_null_shares() -> None:
    counted = count_codons([])
    assert (sum(counted.values()), len(counted), counted.records) == (0, 64, 0)
    assert counted.table["frequency"].null_count == 64


def test_the_table_has_the_columns_of_the_data_sets_table() -> None:
    counted = count_codons("TTTTTTTTC")
    assert counted.table.schema.equals(CODON_FREQUENCIES)
    row = counted.to_pandas().set_index("codon").loc["TTT"]
    assert (row["count"], row["rscu"], row["group"]) == (2, pytest.approx(4 / 3), "all")


def test_counts_are_compared_as_a_mapping() -> None:
    assert count_codons("ATG") == dict.fromkeys(CODONS, 0) | {"ATG": 1}


def test_the_text_of_the_counts_names_their_origin() -> None:
    assert repr(count_codons(["ATGNNN", "A"], frame=1)) == (
        "<CodonCounts of 2 records, 7 bases: 0 codons, 1 ambiguous; frame 1, strand +, genetic code 1>"
    )


WRONG = {
    "ATGE": (InvalidLetterError, "'ATGE' is no file, and as a sequence it has 'E' at position 4"),
    "A" * 5000 + "*": (InvalidLetterError, "'AAAAAAAAAAAA...AAAAAAAAAAAA*' is no file, and as a sequence"),
    "absent.fasta": (InputNotFoundError, "absent.fasta: no such file"),
    "absent/*": (InputNotFoundError, "absent/*: no such file"),
    Path("ATG"): (InputNotFoundError, "ATG: no such file"),
    ("ATG", None): (InputFormatError, "row 1 (from 0) has no sequence (null). Remove the row"),
    ("ATG", "A-G"): (InvalidLetterError, "row 1 (from 0) has '-' at position 2, which is not a nucleotide"),
    (b"\xff",): (InvalidLetterError, "row 0 (from 0) has byte 0xFF at position 1"),
    (1, 2): (InputFormatError, "tuple has values of type int64, which are no sequences. Give a sequence"),
    None: (InputFormatError, "NoneType is no column of sequences"),
}


@pytest.mark.parametrize(("source", "expected"), WRONG.items())
def test_other_sources_are_refused(source: object, expected: tuple[type[Exception], str]) -> None:
    kind, message = expected
    with pytest.raises(kind) as caught:
        count_codons(source)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("source", [pa.table({"a": ["ATG"]}), pd.DataFrame({"a": ["ATG"]}), {"a": "ATG"}])
def test_tables_and_dicts_are_refused(source: object) -> None:
    with pytest.raises(InputFormatError, match=r"one column of sequences, such as table\['sequence'\]"):
        count_codons(source)


def test_a_bad_letter_in_a_file_names_its_record(tmp_path: Path) -> None:
    fasta = write_fasta(tmp_path / "mine.fasta", {"a": "ATG", "b": "ATGE"})
    with pytest.raises(InvalidLetterError) as caught:
        count_codons(fasta)
    assert str(caught.value).startswith(f"{fasta}: record 'b' has 'E' at position 4, which is not")


def test_a_text_that_is_sequence_and_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_fasta(tmp_path / "data", {"a": "ATG"})
    with pytest.raises(SettingError, match=r"'data' is both a sequence and a path. Give pathlib.Path"):
        count_codons("data")
    assert count_codons(Path("data"))["ATG"] == 1
    assert count_codons(["data"]).ambiguous == {"DAT": 1}


@pytest.mark.parametrize(
    "options", [{"frame": 3}, {"strand": "x"}, {"genetic_code": "none"}, {"soft_mask": "yes"}]
)
def test_an_option_with_another_value_is_refused(options: dict[str, str]) -> None:
    (name,) = options
    with pytest.raises(SettingError, match=f"^{name}: "):
        count_codons("ATG", **options)


def test_counting_needs_neither_spark_nor_dagster() -> None:
    code = "import sys, opengenome_assets as o; o.count_codons('ATG'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "opengenome_assets.tables.in_process" in modules
    assert not {"dagster", "pyspark", "py4j"} & set(modules)
