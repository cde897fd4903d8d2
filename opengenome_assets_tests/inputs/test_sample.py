"""Estimates from a small part of an input, against what the whole input has."""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from Bio import SeqIO, bgzf
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.inputs.find import InputFile, find_files
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import read_records
from opengenome_assets.inputs.sample import Sample, take_sample
from opengenome_assets_tests.inputs.inputs import COMPRESS, named, write
from opengenome_assets_tests.scenario import chance_bases

ROWS = 2_000


def made_up(rows: int = ROWS, seed: int = 1) -> dict[str, str]:
    """Records of chance letters, 100 to 1,500 bases."""
    chance = random.Random(seed)
    return {
        f"record_{number} of {rows}": chance_bases(chance, chance.randrange(100, 1_500))
        for number in range(rows)
    }


RECORDS = made_up()
BASES = sum(map(len, RECORDS.values()))


def text_of(records: dict[str, str], end: str = "\n") -> str:
    return "".join(
        f">{name}{end}" + "".join(letters[at : at + 70] + end for at in range(0, len(letters), 70))
        for name, letters in records.items()
    )


def of_fasta(path: Path) -> InputFile:
    return write(path / "mine.fa", text_of(RECORDS))


def of_bgzf(path: Path) -> InputFile:
    with bgzf.BgzfWriter(str(path / "mine.fa.gz")) as out:
        out.write(text_of(RECORDS))
    return named(path / "mine.fa.gz")


def of_compressed(kind: str) -> Callable[[Path], InputFile]:
    return lambda path: write(path / f"mine.fa.{kind}", COMPRESS[kind](text_of(RECORDS).encode()))


def of_parquet(path: Path) -> InputFile:
    table = pa.table({"seq_id": list(RECORDS), "sequence": list(RECORDS.values())})
    pq.write_table(table, path / "mine.parquet", row_group_size=100)
    return named(path / "mine.parquet")


def of_jsonl(path: Path) -> InputFile:
    lines = (json.dumps({"id": name, "dna": letters}) + "\n" for name, letters in RECORDS.items())
    return replace(write(path / "mine.jsonl.gz", gzip.compress("".join(lines).encode())), column="dna")


FORMS = {
    "fasta": of_fasta,
    "bgzf": of_bgzf,
    "gz": of_compressed("gz"),
    "zst": of_compressed("zst"),
    "jsonl": of_jsonl,
    "parquet": of_parquet,
}


def of_genbank(path: Path) -> list[InputFile]:
    """40 files of equal numbers of records."""
    records = [
        SeqRecord(Seq(letters), f"R{number}", annotations={"molecule_type": "DNA"})
        for number, letters in enumerate(RECORDS.values())
    ]
    (path / "flat").mkdir()
    for first in range(0, ROWS, 50):
        SeqIO.write(records[first : first + 50], path / "flat" / f"{first:04d}.gbk", "genbank")
    return find_files(str(path / "flat"))


def test_some_flat_files_estimate_all(tmp_path: Path) -> None:
    files = of_genbank(tmp_path)
    part = sampled(tmp_path, *files)
    assert not part.is_exact
    assert part.rows == pytest.approx(ROWS, rel=0.1)
    assert part.bases == pytest.approx(BASES, rel=0.1)
    assert 0 < sum(int(lengths(chunk).sum()) for chunk in read_records(named(part.path))) < BASES / 2
    whole = sampled(tmp_path, *files, most=10**8)
    assert (whole.is_exact, whole.rows, whole.bases) == (True, ROWS, BASES)


def sampled(path: Path, *files: InputFile, most: int = 300_000) -> Sample:
    folder = path / "sample"
    folder.mkdir(exist_ok=True)
    return take_sample(files, folder, most)


@pytest.mark.parametrize("form", FORMS)
def test_a_part_estimates_the_whole(tmp_path: Path, form: str) -> None:
    # Of a part of a zstd file, only whole blocks of 128 kB of text are decoded.
    most, tolerance = (1_000_000, 0.2) if form == "zst" else (300_000, 0.1)
    found = sampled(tmp_path, FORMS[form](tmp_path), most=most)
    assert not found.is_exact
    assert found.bases == pytest.approx(BASES, rel=tolerance)
    assert found.rows == (ROWS if form == "parquet" else pytest.approx(ROWS, rel=tolerance))
    assert found.path.stat().st_size < 2 * most


@pytest.mark.parametrize("form", [*FORMS, "bz2", "xz"])
def test_a_small_input_is_counted_exactly(tmp_path: Path, form: str) -> None:
    make = FORMS.get(form) or of_compressed(form)
    found = sampled(tmp_path, make(tmp_path), most=16_000_000)
    assert (found.is_exact, found.rows, found.bases) == (True, ROWS, BASES)


def test_windows_line_ends_and_arrows_in_headers_count_right(tmp_path: Path) -> None:
    records = {"one >two>three": "ACGT" * 30, "four": "AC GT\tN", "five": ""}
    found = sampled(tmp_path, write(tmp_path / "mine.fa", text_of(records, "\r\n")))
    assert (found.is_exact, found.rows, found.bases) == (True, 3, 125)


def test_many_files_are_estimated_from_some(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{k:03}.fa", text_of(made_up(4, seed=k))) for k in range(150)]
    bases = sum(len(letters) for k in range(150) for letters in made_up(4, seed=k).values())
    found = sampled(tmp_path, *files, most=16_000_000)
    assert not found.is_exact
    assert found.rows == pytest.approx(600, rel=0.1)
    assert found.bases == pytest.approx(bases, rel=0.1)


def test_a_record_longer_than_the_sample_is_estimated(tmp_path: Path) -> None:
    chromosome = "".join(random.Random(3).choices("ACGT", k=2_000_000))
    found = sampled(tmp_path, write(tmp_path / "mine.fa", text_of({"chr1": chromosome})))
    assert found.bases == pytest.approx(2_000_000, rel=0.01)


def test_a_truncated_file_is_refused_as_in_a_run(tmp_path: Path) -> None:
    whole = gzip.compress(text_of(RECORDS).encode())
    file = write(tmp_path / "mine.fa.gz", whole[: len(whole) // 2])
    with pytest.raises(TruncatedInputError, match=r"mine\.fa\.gz"):
        sampled(tmp_path, file, most=16_000_000)


def test_a_file_that_is_no_fasta_is_refused_as_in_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputFormatError, match=r"mine\.fa"):
        sampled(tmp_path, write(tmp_path / "mine.fa", "<html>not here</html>\n"))


def test_a_file_of_unknown_size_is_refused(tmp_path: Path) -> None:
    file = replace(of_fasta(tmp_path), size=-1)
    with pytest.raises(InputFormatError, match="does not report its size"):
        sampled(tmp_path, file)
    assert sampled(tmp_path, file, most=16_000_000).is_exact
