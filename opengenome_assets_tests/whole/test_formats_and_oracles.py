"""Every accepted format of the real genomes gives the counts of the six oracle tables."""

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from Bio import SeqIO, bgzf
from Bio.Seq import Seq
from Bio.SeqIO.FastaIO import SimpleFastaParser
from Bio.SeqRecord import SeqRecord

from opengenome_assets_tests.counts.without_spark import write_and_count
from opengenome_assets_tests.inputs.inputs import COMPRESS, pieces
from opengenome_assets_tests.scenario import GENOMES, GENOMES_ABSENT, all_counts, project

pytestmark = pytest.mark.skipif(not GENOMES.is_dir(), reason=GENOMES_ABSENT)

Records = list[tuple[str, str]]


@pytest.fixture(scope="module")
def records() -> Records:
    """Header and letters of all records, by Biopython."""
    return list(_read())


def _read() -> Iterator[tuple[str, str]]:
    for path in sorted(GENOMES.iterdir()):
        if ".fa" in path.name.lower():
            content = path.read_bytes()
            text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
            yield from SimpleFastaParser(io.StringIO(text))


def fasta(records: Records, end: str = "\n") -> bytes:
    return "".join(f">{header}{end}{letters}{end}" for header, letters in records).encode()


def compressed(extension: str) -> Callable[[Path, Records], Path]:
    def store(folder: Path, records: Records) -> Path:
        path = folder / f"genomes.FASTA.{extension}"
        # Several members, streams or frames in one file.
        path.write_bytes(b"".join(COMPRESS[extension](piece) for piece in pieces(fasta(records), 5_000_000)))
        return path

    return store


def as_plain(folder: Path, records: Records) -> Path:
    (folder / "genomes.fa").write_bytes(fasta(records))
    return folder / "genomes.fa"


def as_crlf(folder: Path, records: Records) -> Path:
    (folder / "genomes.fna").write_bytes(fasta(records, "\r\n"))
    return folder / "genomes.fna"


def as_split_parts(folder: Path, records: Records) -> Path:
    packed = gzip.compress(fasta(records), 1)
    for end, piece in zip(("aa", "ab", "ac"), pieces(packed, len(packed) // 3 + 1), strict=True):
        (folder / f"genomes.fa.gz.part{end}").write_bytes(piece)
    return folder / "genomes.fa.gz.partab"


def as_bgzf(folder: Path, records: Records) -> Path:
    with bgzf.BgzfWriter(folder / "genomes.fa.bgz", compresslevel=1) as out:
        out.write(fasta(records))
    return folder / "genomes.fa.bgz"


def parquet(kind: pa.DataType, rows: int = 1_000) -> Callable[[Path, Records], Path]:
    def store(folder: Path, records: Records) -> Path:
        letters = pa.array([letters for _, letters in records], pa.string())
        column = letters.dictionary_encode() if pa.types.is_dictionary(kind) else letters.cast(kind)
        ids = [header.split()[0] for header, _ in records]
        pq.write_table(
            pa.table({"seq_id": ids, "sequence": column}), folder / "g.parquet", row_group_size=rows
        )
        return folder / "g.parquet"

    return store


def jsonl(records: Records) -> bytes:
    rows = ({"record": header.split()[0], "text": letters} for header, letters in records)
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_jsonl(folder: Path, records: Records) -> Path:
    (folder / "genomes.jsonl").write_bytes(jsonl(records))
    return folder / "genomes.jsonl"


def as_jsonl_gz(folder: Path, records: Records) -> Path:
    (folder / "genomes.jsonl.gz").write_bytes(COMPRESS["gz"](jsonl(records)))
    return folder / "genomes.jsonl.gz"


def as_flat_file(kind: str) -> Callable[[Path, Records], Path]:
    def store(folder: Path, records: Records) -> Path:
        made = (
            # The format has no place for long names.
            SeqRecord(
                Seq(letters), f"AB{number}.1", f"AB{number}", header, annotations={"molecule_type": "DNA"}
            )
            for number, (header, letters) in enumerate(records)
        )
        with gzip.open(folder / f"genomes.{kind}.gz", "wt", 1) as out:
            SeqIO.write(made, out, kind)
        return folder / f"genomes.{kind}.gz"

    return store


def as_many_files(folder: Path, records: Records) -> Path:
    many = folder / "many"
    many.mkdir()
    for first in range(0, len(records), 25):
        part = records[first : first + 25]
        table = pa.table({"sequence": pa.array([letters for _, letters in part], pa.large_string())})
        pq.write_table(table, many / f"part-{first:05d}.parquet")
    return many


def members(records: Records) -> Iterator[tuple[str, bytes]]:
    """Files of 1 to 29 records, every third one compressed."""
    first = 0
    for number, count in enumerate(cycle(range(1, 30))):
        if first >= len(records):
            return
        content = fasta(records[first : first + count])
        name = f"ncbi_dataset/data/GCF_{number}/genomic.fna"
        yield (f"{name}.gz", gzip.compress(content, 1)) if number % 3 == 2 else (name, content)
        first += count


def as_tar(name: str, compress: Callable[[bytes], bytes] = bytes) -> Callable[[Path, Records], Path]:
    def store(folder: Path, records: Records) -> Path:
        stored = io.BytesIO()
        with tarfile.open(fileobj=stored, mode="w") as archive:
            for member, content in members(records):
                info = tarfile.TarInfo(f"./{member}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
                archive.addfile(tarfile.TarInfo(f"{member}.md5"))
        (folder / name).write_bytes(compress(stored.getvalue()))
        return folder / name

    return store


def as_zip(folder: Path, records: Records) -> Path:
    with zipfile.ZipFile(folder / "ncbi_dataset.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, content in members(records):
            archive.writestr(member, content)
        archive.writestr("ncbi_dataset/data/dataset_catalog.json", "{}")
    return folder / "ncbi_dataset.zip"


FORMATS: dict[str, Callable[[Path, Records], Path]] = {
    "FASTA": as_plain,
    "FASTA, CRLF": as_crlf,
    **{f"FASTA, {extension}": compressed(extension) for extension in COMPRESS},
    "FASTA, BGZF": as_bgzf,
    "FASTA, gzip, split": as_split_parts,
    "tar": as_tar("genomes.tar"),
    "tar, gzip": as_tar("genomes.tgz", COMPRESS["gz"]),
    "tar, xz": as_tar("genomes.tar.xz", COMPRESS["xz"]),
    "zip": as_zip,
    "JSON lines": as_jsonl,
    "JSON lines, gz": as_jsonl_gz,
    "GenBank, gz": as_flat_file("gb"),
    "EMBL, gz": as_flat_file("embl"),
    "Parquet, string": parquet(pa.string()),
    "Parquet, large_string, row groups of 7": parquet(pa.large_string(), 7),
    "Parquet, binary": parquet(pa.binary()),
    "Parquet, dictionary": parquet(pa.dictionary(pa.int32(), pa.string())),
    "Parquet, many files": as_many_files,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_the_six_tables_of_the_oracle(tmp_path: Path, records: Records, name: str) -> None:
    own = project(tmp_path, FORMATS[name](tmp_path, records), batch_size=100)
    write_and_count(own)
    counts = all_counts(own.files)
    for strand in "+-":
        for frame in (0, 1, 2):
            here = counts.filter((pc.field("strand") == strand) & (pc.field("frame") == frame))
            found = dict(zip(here["codon"].to_pylist(), here["count"].to_pylist(), strict=True))
            oracle = GENOMES / f"oracle_{'rc_' if strand == '-' else ''}frame{frame}.tsv"
            with oracle.open() as file:
                expected = {row["codon"]: int(row["count"]) for row in csv.DictReader(file, delimiter="\t")}
            assert {codon: found.get(codon, 0) for codon in expected} == expected
