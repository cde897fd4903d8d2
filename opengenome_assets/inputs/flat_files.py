"""Reads GenBank and EMBL flat files, plain or compressed.

Letters and features are taken from the text, block by block. Biopython reads the header and the first feature of a
record, so memory depends on the sequences only.
"""

import re
import warnings
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from io import StringIO
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from opengenome_assets.errors import InputFormatError, RecordTooLongError, TruncatedInputError, first_line
from opengenome_assets.files.compression import BLOCK_BYTES
from opengenome_assets.inputs.fasta import LONGEST_HEADER, LONGEST_RECORD
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.other_kinds import LOOKS_LIKE_FLAT_FILE, refuse_other_kind
from opengenome_assets.inputs.text_blocks import text_blocks
from opengenome_assets.schemas import RECORDS
from opengenome_assets.units import number_of

if TYPE_CHECKING:
    from Bio.SeqRecord import SeqRecord

# A longer line is no text. The formats have lines of at most 80 characters.
LONGEST_LINE = 2**20
# Where CDS have no /transl_table.
STANDARD_CODE = 1
ANNOTATED = pa.schema(
    [
        *RECORDS,
        pa.field("organism", pa.string(), metadata={"description": "/organism of the source feature"}),
        pa.field("organelle", pa.string(), metadata={"description": "/organelle, or plasmid for /plasmid"}),
        pa.field("taxid", pa.int64(), metadata={"description": "taxon of /db_xref"}),
        pa.field("genetic_code", pa.int64(), metadata={"description": "most frequent code of CDS"}),
    ]
)

# Each begins with a line end, which is faster to search for than the begin of a line.
_RECORD = re.compile(rb"\n(?:LOCUS  |ID   )[^\n]*")
# Line before the letters, or end of a record without letters.
_ORIGIN = re.compile(rb"\n(?:ORIGIN\b|SQ   |//)[^\n]*")
_AFTER_LETTERS = re.compile(rb"\n[^\s0-9][^\n]*")
# A feature, or the parts of a sequence, which follow the features.
_KEY_OR_PARTS = re.compile(rb"\n(?:(?P<key>(?: {5}|FT {3})\S)|CO   |CONTIG\b)")
_CDS = re.compile(rb"\n(?: {5}|FT {3})CDS\s")
_CODE = re.compile(rb"\n(?: {21}|FT {19})/transl_table=\"?([0-9]{1,3})\b")
_TAXON = re.compile(r"taxon:([0-9]{1,10})")
_UPPER = bytes(range(256)).upper()
_NO_LETTERS = b"0123456789 \t\r\n\v\f"
_END = "//"
# Filters of warnings belong to all threads.
_WARNINGS = Lock()
_SHOWN = 40


class _Record:
    """One record, as far as it is read."""

    def __init__(self, file: InputFile, first: bytes) -> None:
        self.file = file
        self.is_embl = first.startswith(b"ID")
        self.name = (first.decode("utf-8", "replace").split()[1:] or [""])[0].rstrip(";")
        self.letters = bytearray()
        self._head = bytearray()
        self._has_feature = False
        self._is_head_complete = False
        self._cds = 0
        self._codes: Counter[int] = Counter()

    @property
    def place(self) -> str:
        """File and record, for messages."""
        return f"{self.file.uri}: record {self.name!r}"

    def add_annotation(self, text: bytes) -> None:
        """Add lines of the header or of features, after a line end. Keeps those up to the second feature."""
        self._cds += len(_CDS.findall(text))
        self._codes.update(map(int, _CODE.findall(text)))
        if not self._is_head_complete:
            end = len(text)
            for found in _KEY_OR_PARTS.finditer(text):
                self._is_head_complete = self._has_feature or not found["key"]
                self._has_feature = True
                if self._is_head_complete:
                    end = found.start() + 1
                    break
            self._head += text[1:end]
            if len(self._head) > LONGEST_HEADER:
                msg = f"{self.place} has a header longer than {LONGEST_HEADER:,} bytes. Download the file again."
                raise InputFormatError(msg)

    def add_letters(self, text: bytes) -> None:
        """Add lines of the sequence. Flat files have lower case throughout, so case has no meaning."""
        self.letters += text.translate(_UPPER, _NO_LETTERS)
        if len(self.letters) > LONGEST_RECORD:
            msg = f"{self.place} is longer than {LONGEST_RECORD:,} bases, the limit of a value. Split the record."
            raise RecordTooLongError(msg)

    def row(self) -> dict[str, object]:
        """The complete record as a row of `ANNOTATED`."""
        header = self._header()
        stated = len(header)
        if "protein" in str(header.annotations.get("molecule_type", "")):
            msg = f"{self.place} is a protein. Use nucleotide sequences."
            raise InputFormatError(msg)
        if not self.letters:
            msg = (
                f"{self.place} has no sequence ({stated:,} bases stated). Download it with its sequence "
                "(NCBI: 'GenBank (full)', efetch with rettype=gbwithparts), or use the FASTA file."
            )
            raise InputFormatError(msg)
        if stated != len(self.letters):
            msg = (
                f"{self.place} has {len(self.letters):,} letters, but its first line states {stated:,}. "
                "Download the file again."
            )
            raise InputFormatError(msg)
        source = header.features[0] if header.features and header.features[0].type == "source" else None
        stated_of = {} if source is None else source.qualifiers
        organism = next(iter(stated_of.get("organism", [])), header.annotations.get("organism"))
        organelle = next(iter(stated_of.get("organelle", [])), None)
        if "plasmid" in stated_of:
            organelle = f"plasmid-in-{organelle}" if organelle else "plasmid"
        taxa = [found[1] for value in stated_of.get("db_xref", []) if (found := _TAXON.fullmatch(value))]
        return {
            "seq_id": header.id,
            "description": "" if header.description in (".", "<unknown description>") else header.description,
            "source": self.file.name,
            "organism": None if organism in (None, "", ".") else organism,
            "organelle": organelle,
            "taxid": int(taxa[0]) if taxa else None,
            "genetic_code": self._code(),
        }

    def _code(self) -> int | None:
        without = self._cds - self._codes.total()
        codes = self._codes + Counter({STANDARD_CODE: without})
        return codes.most_common(1)[0][0] if codes else None

    def _header(self) -> "SeqRecord":
        """The header and the first feature, by Biopython. Its length is the stated one."""
        from Bio import BiopythonWarning, SeqIO

        origin = "SQ   Sequence" if self.is_embl else "ORIGIN"
        text = f"{self._head.decode('utf-8', 'replace').rstrip()}\n{origin}\n{_END}\n"
        try:
            with _WARNINGS, warnings.catch_warnings():
                warnings.simplefilter("ignore", BiopythonWarning)
                # Biopython has no types for it.
                record: SeqRecord = SeqIO.read(StringIO(text), "embl" if self.is_embl else "genbank")  # type: ignore[no-untyped-call]
                return record
        except Exception as error:
            # Biopython raises exceptions of many kinds for damaged text.
            msg = f"{self.place} has a damaged header ({first_line(error)}). Download the file again."
            raise InputFormatError(msg) from error


def read_flat_file(
    file: InputFile, chunk_bases: int, chunk_rows: int
) -> Generator[pa.RecordBatch, None, None]:
    """Read a GenBank or EMBL file as `schemas.RECORDS`. Holds one record and one chunk.

    The id is the accession with its version, the description the definition. Letters become upper case.

    Args:
        file: the file.
        chunk_bases: maximum number of bases in a chunk, except for a single longer record.
        chunk_rows: maximum number of records in a chunk.

    Raises:
        InputFormatError: a record has no sequence, another length than its first line states, or a damaged header.
        TruncatedInputError: the file ends inside of a record, or the compressed data are damaged.
        RecordTooLongError: a record exceeds `fasta.LONGEST_RECORD`.
    """
    with closing(read_annotated(file, chunk_bases, chunk_rows)) as chunks:
        for chunk in chunks:
            yield chunk.select(RECORDS.names)


def read_annotated(
    file: InputFile, chunk_bases: int, chunk_rows: int, block_bytes: int = BLOCK_BYTES
) -> Generator[pa.RecordBatch, None, None]:
    """`read_flat_file` with the facts that the records state: `ANNOTATED`. ``block_bytes``: bytes of text per read."""
    rows: list[dict[str, object]] = []
    letters: list[bytearray] = []
    bases = 0
    with closing(_records(file, block_bytes)) as records:
        for record in records:
            if rows and (bases + len(record.letters) > chunk_bases or len(rows) == chunk_rows):
                yield _chunk(rows, letters)
                rows, letters, bases = [], [], 0
            rows.append(record.row())
            letters.append(record.letters)
            bases += len(record.letters)
    yield _chunk(rows, letters)


def _chunk(rows: list[dict[str, object]], letters: list[bytearray]) -> pa.RecordBatch:
    offsets = np.fromiter(accumulate(map(len, letters), initial=0), np.int64, len(letters) + 1)
    text = letters[0] if len(letters) == 1 else b"".join(letters)
    columns = {
        field.name: pa.array([row[field.name] for row in rows], field.type)
        for field in ANNOTATED
        if field.name != "sequence"
    }
    # Bytes that are no letters are found later, with their position.
    columns["sequence"] = pa.LargeStringArray.from_buffers(
        len(rows), pa.py_buffer(offsets), pa.py_buffer(text)
    )
    return pa.record_batch([columns[name] for name in ANNOTATED.names], schema=ANNOTATED)


def _records(file: InputFile, block_bytes: int) -> Generator[_Record, None, None]:
    """The records, each complete with its letters."""
    record: _Record | None = None
    is_in_letters = False
    count = 0
    with closing(_whole_lines(file, block_bytes)) as blocks:
        for block in blocks:
            at = 1
            while at < len(block):
                if record is None:
                    found = _RECORD.search(block, at - 1)
                    _refuse_between(file, block[at : found.start() + 1 if found else len(block)], count)
                    if found is None:
                        break
                    at = found.start() + 1
                    first = found[0][1:]
                    if not LOOKS_LIKE_FLAT_FILE.match(first):
                        refuse_other_kind(file.uri)
                    record = _Record(file, first)
                end = (_AFTER_LETTERS if is_in_letters else _ORIGIN).search(block, at - 1)
                part = block[at - 1 : end.start() + 1 if end else len(block)]
                (record.add_letters if is_in_letters else record.add_annotation)(part)
                if end is None:
                    break
                at = end.end() + 1
                if end[0].startswith(b"\n//"):
                    yield record
                    count += 1
                    record = None
                    is_in_letters = False
                elif is_in_letters:
                    shown = end[0].decode("utf-8", "replace").strip()[:_SHOWN]
                    msg = f"{record.place} has the line {shown!r} in its sequence. Download the file again."
                    raise InputFormatError(msg)
                else:
                    is_in_letters = True
    if record is not None:
        msg = (
            f"{record.place} is truncated: the file ends without {_END}. The {number_of(count, 'record')} before it "
            f"{'is' if count == 1 else 'are'} complete. Download the file again."
        )
        raise TruncatedInputError(msg)
    if not count:
        msg = f"{file.uri} has no record: no line begins with LOCUS or ID. Remove it, or download it again."
        raise InputFormatError(msg)


def _refuse_between(file: InputFile, text: bytes, count: int) -> None:
    """Reject text between records. NCBI's release files have lines before the first one."""
    other = text.strip()
    if other and (count or not LOOKS_LIKE_FLAT_FILE.match(other)):
        if not count:
            refuse_other_kind(file.uri)
        where = f"after {number_of(count, 'record')}" if count else "at its begin"
        msg = f"{file.uri} has {other[:_SHOWN]!r} {where}, where a line with LOCUS or ID is expected. Download it again."
        raise InputFormatError(msg)


def _whole_lines(file: InputFile, block_bytes: int) -> Generator[bytes, None, None]:
    """Blocks of whole lines, each after an added line end."""
    held = b""
    is_empty = True
    with closing(text_blocks(file, block_bytes)) as blocks:
        for block in blocks:
            is_empty = False
            held += block
            end = held.rfind(b"\n") + 1
            if end:
                yield b"\n" + held[:end]
                held = held[end:]
            if len(held) > LONGEST_LINE:
                if not LOOKS_LIKE_FLAT_FILE.match(held):
                    refuse_other_kind(file.uri)
                msg = f"{file.uri} has a line longer than {LONGEST_LINE:,} bytes, so it is no flat file. Download it again."
                raise InputFormatError(msg)
    if is_empty:
        refuse_other_kind(file.uri)
    if held:
        yield b"\n" + held
