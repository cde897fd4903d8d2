"""Identifies files of formats that cannot be read, and gives the command that converts them.

A table with the first bytes of each kind. The file's name is ignored, because downloads and browsers change names.
"""

import re
import shlex
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath

from opengenome_assets.errors import InputFormatError
from opengenome_assets.files.compression import DamagedStreamError, compression_of, decoded_blocks
from opengenome_assets.files.remote import open_stored
from opengenome_assets.paths import is_uri

# The first read of a FASTQ file may be long.
HEAD_BYTES = 64 * 2**10
# After an optional byte order mark or blank lines; not followed by the zero byte of UTF-16.
LOOKS_LIKE_FASTA = re.compile(rb"(\xef\xbb\xbf)?\s*>(?!\0)")
LOOKS_LIKE_TAR = re.compile(rb".{257}ustar", re.DOTALL)
# The whole first line is an object, or a string in it is longer than what is looked at.
LOOKS_LIKE_JSON_LINES = re.compile(rb"(\xef\xbb\xbf)?\s*\{[^\n]*(\}[ \t\r]*(\n|$)|\"[^\"\n]{4096,}$)")

LOOKS_LIKE_GENBANK = re.compile(rb"(\xef\xbb\xbf)?\s*(LOCUS  |GB[A-Z]+\d+\.SEQ )", re.IGNORECASE)
LOOKS_LIKE_EMBL = re.compile(rb"(\xef\xbb\xbf)?\s*ID   [^\n]* BP\.", re.IGNORECASE)
LOOKS_LIKE_FLAT_FILE = re.compile(LOOKS_LIKE_GENBANK.pattern + b"|" + LOOKS_LIKE_EMBL.pattern, re.IGNORECASE)


@dataclass(frozen=True)
class FileKind:
    """One kind of file that cannot be read.

    Attributes:
        name: name of the kind, with its article.
        begins: matches the first bytes after decompression.
        remedy: what to do. ``{file}`` is the file, ``{text}`` a command that prints it decompressed, ``{stem}`` its
            name without extensions, ``{python}`` this interpreter. All are quoted for a shell.
    """

    name: str
    begins: re.Pattern[bytes]
    remedy: str


def _kind(name: str, begins: bytes, remedy: str) -> FileKind:
    return FileKind(name, re.compile(begins, re.DOTALL | re.IGNORECASE), remedy)


def _unpack(command: str) -> str:
    return f"Unpack it: {command} {{file}} > {{stem}}.unpacked"


def _archive(command: str) -> str:
    return f"Unpack it and use the folder as the input: {command}"


def _convert(command: str) -> str:
    return f"Convert it: {{text}} | {command} > {{stem}}.fa"


def _biopython(kind: str) -> str:
    return _convert(
        f"{{python}} -c \"import sys; from Bio import SeqIO; SeqIO.convert(sys.stdin, '{kind}', sys.stdout, 'fasta')\""
    )


def _to_parquet(module: str) -> str:
    return (
        f'Convert it: {{python}} -c "import sys; from pyarrow import {module} as m, parquet as p; '
        'p.write_table(m.read_table(sys.argv[1]), sys.argv[2])" {file} {stem}.parquet'
    )


_ANNOTATION = "It has no sequences. Use the FASTA file of the genome."
_EXPORT = "Export its sequences as FASTA with the program that made it."
_AGAIN = "Open it in a text editor. If it is a server's error message, download the file again."

# The first match counts.
KINDS: tuple[FileKind, ...] = (
    _kind("a tar archive with another name", LOOKS_LIKE_TAR.pattern, "Rename it: mv {file} {stem}.tar"),
    _kind("a zip archive with another name", rb"PK(\x03\x04|\x05\x06)", "Rename it: mv {file} {stem}.zip"),
    _kind("a 7z archive", rb"7z\xbc\xaf\x27\x1c", _archive("7z x {file} -o{stem}")),
    _kind("a RAR archive", rb"Rar!\x1a\x07", _archive("unrar x {file} {stem}/")),
    _kind("compressed with compress (.Z)", rb"\x1f\x9d", _unpack("gzip -dc")),
    _kind("compressed with lz4", rb"\x04\x22\x4d\x18", _unpack("lz4 -dc")),
    _kind("compressed with lzip", rb"LZIP\x01", _unpack("lzip -dc")),
    _kind("compressed with lzop", rb"\x89LZO\0", _unpack("lzop -dc")),
    _kind("compressed with lzma", rb"\x5d\0\0.{2}(\xff{8}|.{5}\0{3})", _unpack("xz --format=lzma -dc")),
    # One level of these is decompressed, so the file was compressed twice.
    _kind(
        "compressed twice",
        rb"\x1f\x8b|BZh[1-9]1AY|\xfd7zXZ\0|\x28\xb5\x2f\xfd",
        "Unpack it once: {text} > {stem}.unpacked",
    ),
    _kind("a Parquet file that was compressed as a whole", rb"PAR1", "Unpack it: {text} > {stem}.parquet"),
    _kind("an encrypted Parquet file", rb"PARE", "Write it again without encryption."),
    _kind("an Arrow file", rb"ARROW1", _to_parquet("feather")),
    _kind("an ORC file", rb"ORC[\x00-\x1f]", _to_parquet("orc")),
    _kind("an Avro file", rb"Obj\x01", "Write it as Parquet with the program that made it."),
    _kind("text in UTF-32", rb"\xff\xfe\0\0|\0\0\xfe\xff", _convert("iconv -f UTF-32 -t UTF-8")),
    _kind("text in UTF-16", rb"\xff\xfe|\xfe\xff", _convert("iconv -f UTF-16 -t UTF-8")),
    _kind(
        "text in UTF-16 without a byte order mark",
        rb">\0([^\0]\0){4}",
        _convert("iconv -f UTF-16LE -t UTF-8"),
    ),
    _kind(
        "text in UTF-16 without a byte order mark",
        rb"\0>(\0[^\0]){4}",
        _convert("iconv -f UTF-16BE -t UTF-8"),
    ),
    _kind("a 2bit file", rb"\x43\x27\x41\x1a|\x1a\x41\x27\x43", "Convert it: twoBitToFa {file} {stem}.fa"),
    _kind("a BAM file", rb"BAM\x01", "Convert it: samtools fasta {file} > {stem}.fa"),
    _kind("a CRAM file", rb"CRAM[\x01-\x04]", "Convert it: samtools fasta {file} > {stem}.fa"),
    _kind("a SAM file", rb"@(HD|SQ|RG|PG|CO)\t", _convert("samtools fasta -")),
    _kind("a BCF file", rb"BCF\x02", _ANNOTATION),
    _kind("an SRA file", rb"NCBI\.sra", "Convert it: fasterq-dump --fasta {file} -o {stem}.fa"),
    _kind("an SFF file", rb"\.sff\0", _EXPORT),
    _kind("an ABI trace", rb"ABIF", _EXPORT),
    _kind("a SnapGene file", rb"\x09\0\0\0\x0eSnapGene", _EXPORT),
    _kind("an HDF5 file", rb"\x89HDF\r\n", _EXPORT),
    _kind("a NumPy file", rb"\x93NUMPY", _EXPORT),
    _kind("a pickle of Python", rb"\x80[\x02-\x05][\x00-\x1f\x28-\x7d\x80-\x98]", _EXPORT),
    _kind("a data file of R", rb"(RD[XA][23]\n)?[XA]\n(\0\0\0[\x02\x03]|[23]\n)", _EXPORT),
    _kind("an SQLite database", rb"SQLite format 3\0", _EXPORT),
    _kind("a PDF document", rb"%PDF-", "Export its sequences as FASTA, in plain text."),
    _kind("an Office document", rb"\xd0\xcf\x11\xe0", "Export its sequences as FASTA, in plain text."),
    _kind(
        "a Git LFS pointer instead of the file",
        rb"version https://git-lfs",
        "Fetch the file: git lfs pull --include {file}",
    ),
    _kind(
        "a git-annex pointer instead of the file", rb"/annex/objects/", "Fetch the file: git annex get {file}"
    ),
    _kind(
        "a web page (HTML), such as a server's error or login page",
        rb"\s*<(!doctype html|html|head|body)\b",
        "Check the address in a browser, and download the file again.",
    ),
    _kind("an XML document", rb"\s*<(\?xml|[a-z]+[ >/])", f"{_AGAIN} From NCBI, request FASTA."),
    _kind("a JSON list of objects", rb"\s*\[\s*\{", "Convert it: {text} | jq -c '.[]' > {stem}.jsonl"),
    _kind("JSON text", rb'\s*(\{\s*["}]|\[\s*[\["])', f"{_AGAIN} JSON lines end with .jsonl."),
    _kind(
        "a FASTQ file",
        rb"\s*@[^\n]*\n[a-z.*\-\r\n]+(\+|$)",
        "Convert it: seqkit fq2fa {file} -o {stem}.fa.gz",
    ),
    _kind("a GenBank file with another name", LOOKS_LIKE_GENBANK.pattern, "Rename it: mv {file} {stem}.gb"),
    _kind("an EMBL file with another name", LOOKS_LIKE_EMBL.pattern, "Rename it: mv {file} {stem}.embl"),
    _kind(
        "a Swiss-Prot file",
        rb"\s*ID   [^\n]* AA\.",
        "It contains proteins. Use nucleotide sequences as FASTA.",
    ),
    _kind("ASN.1 text of NCBI", rb"\s*(Seq-entry|Bioseq-set|Seq-submit) ::=", _EXPORT),
    _kind("a GFA graph", rb"H\tVN:Z:|S\t[^\t\n]+\t[acgtn*]", _convert("gfatools gfa2fa -")),
    _kind("a VCF file", rb"##fileformat=VCF", _ANNOTATION),
    _kind(
        "a GFF file",
        rb"##gff-version|[^\t\n>#]+\t[^\t\n]+\t[a-z_]+\t\d+\t\d+\t[\d.e+-]+\t[-+.?]\t[.012]\t",
        _ANNOTATION,
    ),
    _kind("a BED file", rb"(track [^\n]*\n|browser [^\n]*\n)*[^\t\n>#]+\t\d+\t\d+[\t\r\n]", _ANNOTATION),
    _kind("a bigWig or bigBed file", rb"\x26\xfc\x8f\x88|\xeb\xf2\x89\x87", _ANNOTATION),
    _kind("a GTF file", rb"#!genome-|#gtf", _ANNOTATION),
    _kind("a Stockholm alignment", rb"# STOCKHOLM", _biopython("stockholm")),
    _kind("a Clustal alignment", rb"CLUSTAL", _biopython("clustal")),
    _kind("a NEXUS alignment", rb"#NEXUS", _biopython("nexus")),
    _kind("filled with zero bytes", rb"\0{64}", "Its download or copy failed. Download it again."),
    _kind(
        "sequence without a header",
        rb"\s*[acgtun][acgtun\s]{19,}",
        'Add a header line: (echo ">{stem}"; {text}) > {stem}.fa',
    ),
)
_MISNAMED_PARQUET = _kind("a Parquet file with another name", rb"PAR1", "Rename it: mv {file} {stem}.parquet")
_PRINTS = {None: "cat", "gzip": "gzip -dc", "bzip2": "bzip2 -dc", "xz": "xz -dc", "zstd": "zstd -dc"}


def refuse_other_kind(uri: str) -> None:
    """Reject a file that is empty or of a kind in the table. Returns for any other file.

    Raises:
        InputFormatError: the message says what the file is, and how to convert it.
        InputNotFoundError: the file cannot be opened.
    """
    with open_stored(uri) as stored:
        compression = compression_of(stored)
    head = b""
    try:
        with closing(decoded_blocks(uri, HEAD_BYTES)) as blocks:
            while len(head) < HEAD_BYTES and (block := next(blocks, b"")):
                head += block
    except DamagedStreamError:
        # The reader of the file reports how far it is valid.
        if not head:
            return
    if not head:
        packed = " after decompression" if compression else ""
        msg = f"{uri} is empty{packed}. Remove it from the input, or download it again."
        raise InputFormatError(msg)
    found = _recognize(head, compression)
    if found is not None:
        name = PurePosixPath(uri).name if is_uri(uri) else uri
        stem = PurePosixPath(uri).name.split(".")[0] or "genomes"
        remedy = found.remedy.format(
            file=shlex.quote(name),
            text=f"{_PRINTS[compression]} {shlex.quote(name)}",
            stem=shlex.quote(stem),
            # This interpreter has pyarrow and Biopython.
            python=shlex.quote(sys.executable),
        )
        msg = f"{uri} is {found.name}. {remedy}"
        raise InputFormatError(msg)


def name_of_kind(head: bytes) -> str | None:
    """The kind of a file in the table, with its article, by its first decompressed bytes; None for any other file."""
    found = _recognize(head, None)
    return None if found is None else found.name


def _recognize(head: bytes, compression: str | None) -> FileKind | None:
    if compression is None and head.startswith(b"PAR1"):
        return _MISNAMED_PARQUET
    return next((kind for kind in KINDS if kind.begins.match(head)), None)
