"""Inputs that are written and read with separate code, for all tests in this folder."""

import bz2
import gzip
import io
import lzma

import pyarrow as pa
from Bio.SeqIO.FastaIO import SimpleFastaParser

from opengenome_assets.inputs.find import find_files


def oracle(text):
    """What Biopython finds: first word and rest of the header, and the letters."""
    found = []
    for title, letters in SimpleFastaParser(io.StringIO(text, newline=None)):
        word, *rest = title.split(None, 1) or [""]
        found.append((word, "".join(rest), letters.replace("\t", "")))
    return found


def records(chunks):
    """Records of all chunks, as the oracle has them."""
    return [
        (row["seq_id"], row["description"], row["sequence"]) for chunk in chunks for row in chunk.to_pylist()
    ]


def named(path):
    """The one file at a path."""
    (file,) = find_files(str(path))
    return file


def write(path, content: bytes | str):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return named(path)


def fasta(count, bases: int = 500):
    """As many records, each of other letters, in lines of 60."""
    lines = []
    for number in range(count):
        letters = ("ACGTTGCANRY"[number % 7 :] * bases)[:bases]
        lines += [f">seq_{number} number {number}", *(letters[i : i + 60] for i in range(0, bases, 60))]
    return "\n".join(lines) + "\n"


def _zstd(content: bytes):
    return pa.Codec("zstd").compress(content, asbytes=True)


COMPRESS = {
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "zst": _zstd,
}


def pieces(content, size: int):
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]
