"""Files of other kinds are refused by what they are, with a command that converts them."""

import gzip
import io
import lzma
import pickle
import re
import sqlite3
import subprocess
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.inputs.find import find_files
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.inputs.inputs import named, records

FASTA = b">a\nACGT\n"
TABLE = pa.table({"seq_id": ["a"], "sequence": ["ACGT"]})


def tar(compression=""):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as archive:
        entry = tarfile.TarInfo("genomes/a.fa")
        entry.size = len(FASTA)
        archive.addfile(entry, io.BytesIO(FASTA))
    return out.getvalue()


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.fa", FASTA)
    return out.getvalue()


def written(write, *arguments):
    out = io.BytesIO()
    write(*arguments, out)
    return out.getvalue()


def flat(kind):
    record = SeqRecord(Seq("ACGT"), id="a", name="a", annotations={"molecule_type": "DNA"})
    out = io.StringIO()
    SeqIO.write(record, out, kind)
    return out.getvalue().encode()


def database():
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE genomes (sequence TEXT)")
        return connection.serialize()


# Content, what it is called, and a word of the remedy.
OTHERS = {
    "tar": (tar(), "a tar archive with another name", "mv "),
    "tar.gz": (tar("gz"), "a tar archive with another name", "mv "),
    "tar.xz": (tar("xz"), "a tar archive with another name", "mv "),
    "zip": (zipped(), "a zip archive with another name", "mv "),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive", "7z x"),
    "Z": (b"\x1f\x9d\x90\x3e\xc2\x28", "compressed with compress (.Z)", "gzip -dc"),
    "lz4": (pa.Codec("lz4").compress(FASTA, asbytes=True), "compressed with lz4", "lz4 -dc"),
    "lzma": (lzma.compress(FASTA, lzma.FORMAT_ALONE), "compressed with lzma", "xz --format=lzma"),
    "gz.gz": (gzip.compress(gzip.compress(FASTA)), "compressed twice", "gzip -dc"),
    "parquet.gz": (gzip.compress(written(pq.write_table, TABLE)), "a Parquet file that was compressed", "gzip -dc"),
    "arrow": (written(pa.feather.write_feather, TABLE), "an Arrow file", "feather"),
    "orc": (written(pa.orc.write_table, TABLE), "an ORC file", "orc"),
    "utf16": (FASTA.decode().encode("utf-16"), "text in UTF-16.", "iconv"),
    "utf16be": (b"\xfe\xff" + FASTA.decode().encode("utf-16-be"), "text in UTF-16.", "iconv"),
    "utf16 without mark": (FASTA.decode().encode("utf-16-le"), "text in UTF-16 without", "UTF-16LE"),
    "utf32": (FASTA.decode().encode("utf-32"), "text in UTF-32", "iconv"),
    "2bit": (b"\x43\x27\x41\x1a" + bytes(12), "a 2bit file", "twoBitToFa"),
    "bam": (gzip.compress(b"BAM\x01" + bytes(8)), "a BAM file", "samtools fasta"),
    "sam": (b"@HD\tVN:1.6\n@SQ\tSN:a\tLN:4\n", "a SAM file", "samtools fasta"),
    "cram": (b"CRAM\x03\x00" + bytes(20), "a CRAM file", "samtools fasta"),
    "fastq": (b"@read 1\nACGT\n+\nIIII\n", "a FASTQ file", "seqkit fq2fa"),
    "fastq.gz": (gzip.compress(b"@read 1\nACGT\n+\nIIII\n"), "a FASTQ file", "-o a.fa.gz"),
    "long fastq": (b"@read 1\n" + b"ACGT" * 50_000, "a FASTQ file", "seqkit fq2fa"),
    "numpy": (written(lambda array, out: np.save(out, array), np.zeros(4)), "a NumPy file", "Export"),
    **{f"pickle {p}": (pickle.dumps({"a": "ACGT"}, p), "a pickle of Python", "Export") for p in (2, 3, 4, 5)},
    "list pickle": (pickle.dumps(["ACGT"]), "a pickle of Python", "Export"),
    "rds": (gzip.compress(b"X\n\0\0\0\x03\0\x04\x03\0"), "a data file of R", "Export"),
    "rda": (gzip.compress(b"RDX3\nX\n\0\0\0\x03"), "a data file of R", "Export"),
    "word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", "plain text"),
    "pdf": (b"%PDF-1.7\n", "a PDF document", "plain text"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Export"),
    "bed": (b"chr1\t0\t100\tgene\n", "a BED file", "FASTA file of the genome"),
    "bigwig": (b"\x26\xfc\x8f\x88\x04\0", "a bigWig", "FASTA file of the genome"),
    "gff without version": (b"chr1\tEnsembl\tCDS\t1\t9\t.\t+\t0\tID=a\n", "a GFF file", "FASTA file of the genome"),
    "gbk": (flat("genbank"), "a GenBank file with another name", "a.gb"),
    "seq": (b"GBBCT1.SEQ          Genetic Sequence Data Bank\n", "a GenBank file with another name", "a.gb"),
    "embl": (flat("embl"), "an EMBL file with another name", "a.embl"),
    "sra": (b"NCBI.sra\x05\x03\x19\x88", "an SRA file", "fasterq-dump --fasta"),
    "html": (b"\n<!DOCTYPE HTML>\n<html><body>404</body></html>", "a web page (HTML)", "download the file again"),
    "xml": (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "an XML document", "server's error"),
    "json": (b'{\n  "error": "not found"\n}', "JSON text", "server's error"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "a Git LFS pointer", "git lfs pull"),
    "annex": (b"/annex/objects/SHA256E-s8--4d7a.fa\n", "a git-annex pointer", "git annex get"),
    "sqlite": (database(), "an SQLite database", "Export"),
    "gff": (b"##gff-version 3\n", "a GFF file", "FASTA file of the genome"),
    "vcf": (b"##fileformat=VCFv4.2\n", "a VCF file", "FASTA file of the genome"),
    "gfa": (b"H\tVN:Z:1.0\nS\t1\tACGT\n", "a GFA graph", "gfatools"),
    "sto": (b"# STOCKHOLM 1.0\n", "a Stockholm alignment", "'stockholm'"),
    "zeros": (bytes(4096), "filled with zero bytes", "Download it again"),
    "letters": (b"ACGTTGCAAC\nACGTTGCAAC\nACGTTGCAAC\n", "sequence without a header", 'echo ">a"'),
    "empty gz": (gzip.compress(b""), "empty after decompression", "download it again"),
}  # fmt: skip


def refused(path, name, remedy):
    with pytest.raises(InputFormatError) as error:
        list(read_records(named(path)))
    said = str(error.value)
    assert said.startswith(f"{path} is {name}")
    assert remedy in said
    assert "\n" not in said


# Without an extension, a file that only has another name is read as what it is.
NAMED = [
    (kind, file)
    for kind, (_, name, _) in OTHERS.items()
    for file in ("a", "a.fa", "a.fa.gz", "a.parquet")
    if file != "a" or "with another name" not in name
]


@pytest.mark.parametrize(("kind", "file"), NAMED)
def test_another_kind_of_file_is_refused_by_what_it_is(tmp_path, kind, file):
    content, name, remedy = OTHERS[kind]
    path = tmp_path / file
    path.write_bytes(content)
    refused(path, name, remedy)


def test_parquet_named_fasta_is_refused_by_what_it_is(tmp_path):
    (tmp_path / "a.fa").write_bytes(written(pq.write_table, TABLE))
    refused(tmp_path / "a.fa", "a Parquet file with another name", "a.parquet")


@pytest.mark.parametrize("kind", ["utf16", "gz.gz", "parquet.gz", "arrow", "orc", "letters"])
def test_the_remedy_is_a_command_that_works(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in put").mkdir()
    path = tmp_path / "in put" / "a b.dat"
    path.write_bytes(OTHERS[kind][0])
    with pytest.raises(InputFormatError) as error:
        named(path)
    command = re.search(r"(?:it|once|input|line): (.*)$", str(error.value))[1]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)  # noqa: S602 - as a user pastes it
    path.unlink()
    (file,) = [f for location in ("a b", "a b.*") for f in found(tmp_path / location)]
    assert [letters for _, _, letters in records(read_records(file))] in (["ACGT"], ["ACGTTGCAAC" * 3])


def found(location):
    try:
        return find_files(str(location))
    except InputNotFoundError:
        return [named(path) for path in location.parent.glob(location.name) if path.suffix == ".unpacked"]


def test_a_folder_of_other_files_names_the_kind_of_one(tmp_path):
    (tmp_path / "a.gff").write_bytes(OTHERS["gff"][0])
    with pytest.raises(InputNotFoundError, match=r"only a\.gff\. Allowed: .*a\.gff is a GFF file"):
        find_files(str(tmp_path))
