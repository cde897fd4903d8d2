"""What the name of a file says: its format and compression, whether it is a part of a split file, and what it contains."""

import re
from collections.abc import Iterable, Mapping
from posixpath import splitext
from typing import Literal

from opengenome_assets.files.split_files import split_part

FileFormat = Literal["fasta", "parquet", "jsonl", "flat", "tar", "zip"]

# Not .faa and .mpfa: they contain proteins, and are in the same NCBI folders as the genomes.
FASTA_EXTENSIONS = (".fa", ".fasta", ".fna", ".ffn", ".frn", ".fas", ".fsa")
PARQUET_EXTENSIONS = (".parquet", ".pq")
JSONL_EXTENSIONS = (".jsonl", ".ndjson")
FLAT_EXTENSIONS = (".gb", ".gbk", ".gbff", ".embl")
COMPRESSIONS = (".gz", ".bgz", ".bz2", ".xz", ".zst")
# Short forms of .tar with a compression.
_SHORT_TARS = (".tgz", ".tbz2", ".tbz", ".txz", ".tzst")
ALLOWED = (
    f"FASTA ({', '.join(FASTA_EXTENSIONS)}), GenBank or EMBL ({', '.join(FLAT_EXTENSIONS)}) or JSON lines "
    f"({', '.join(JSONL_EXTENSIONS)}), each also with {', '.join(COMPRESSIONS)}, archives of FASTA (.tar, also "
    f"with {', '.join(COMPRESSIONS)}; .zip) or Parquet ({', '.join(PARQUET_EXTENSIONS)})"
)
# Formats that are read from beginning to end.
STREAMS = ("fasta", "tar", "jsonl", "flat")

# NCBI, Ensembl and annotation tools put files of several kinds in one folder. The first match in a name counts.
_CONTENTS = {
    "coding sequences": re.compile(r"(^|[_.-])cds([_.-]|$)|\.ffn(\.|$)", re.IGNORECASE),
    "transcripts": re.compile(
        r"(^|[_.-])(rna|cdna|mrna|ncrna|transcripts?)\.|rna_from_genomic|\.frn(\.|$)", re.IGNORECASE
    ),
    "masked genomes": re.compile(r"\.dna_(rm|sm)\.", re.IGNORECASE),
}
_OTHERS = "genomes or others"


def without_compression(name: str) -> str:
    """A file's name without the extension of its compression."""
    bare, extension = splitext(name)
    if extension.lower() in COMPRESSIONS:
        return bare
    return f"{bare}.tar" if extension.lower() in _SHORT_TARS else name


def format_by_name(name: str) -> FileFormat | None:
    """The format of a file by its extension; None for other extensions."""
    extension = splitext(name)[1].lower()
    if extension in PARQUET_EXTENSIONS:
        return "parquet"
    if extension == ".zip":
        return "zip"
    extension = splitext(without_compression(name))[1].lower()
    if extension == ".tar":
        return "tar"
    if extension in JSONL_EXTENSIONS:
        return "jsonl"
    if extension in FLAT_EXTENSIONS:
        return "flat"
    return "fasta" if extension in FASTA_EXTENSIONS else None


def is_part(path: str) -> bool:
    """Whether a name is that of a part of a split file that can be read."""
    part = split_part(path)
    return part is not None and format_by_name(path) is None and format_by_name(part.whole) in STREAMS


def mixed_contents(names: Iterable[str]) -> dict[str, list[str]]:
    """Group file names by the kind of sequences in the files; empty if all have the same kind.

    Returns:
        Kind → names. Counted together, genes would count twice: in the genome and as separate records.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        kind = next((kind for kind, pattern in _CONTENTS.items() if pattern.search(name)), _OTHERS)
        found.setdefault(kind, []).append(name)
    return found if len(found) > 1 else {}


def line_on_mixed_contents(mixed: Mapping[str, list[str]], what: str) -> str:
    """The log line about the result of `mixed_contents`; ``what`` names the files."""
    shown = "; ".join(f"{kind} ({len(names):,}, such as {names[0]})" for kind, names in mixed.items())
    return (
        f"the names of the {what} show different kinds of sequences, which are counted together: {shown}. "
        "To count only one kind, select its files with a glob and choose another data set name."
    )
