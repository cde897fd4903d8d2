"""Takes a small sample of an input, and estimates from it how many records and bases the input has."""

import re
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.files.compression import DamagedStreamError, compression_of, decoded_blocks
from opengenome_assets.files.remote import open_stored
from opengenome_assets.inputs.archives import fasta_members
from opengenome_assets.inputs.file_names import without_compression
from opengenome_assets.inputs.find import InputFile
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.other_kinds import LOOKS_LIKE_FASTA
from opengenome_assets.inputs.records import read_records, starting_rows
from opengenome_assets.schemas import RECORDS

SAMPLE_BYTES = 32 * 2**20
# Places of the input that are read, at most: FASTA files, or row groups.
PLACES = 64
# Large FASTA files are read at fewer places: of a part of a file, bzip2 and zstd decode only whole blocks.
PLACES_OF_LARGE_FILES = 8
# Genomes compress to about a quarter.
COMPRESSED = 4
_HEADER = re.compile(rb"(?:^|[\r\n])>[^\r\n]*")
_BLANKS = b" \t\r\n\v\f"
Place = TypeVar("Place")


@dataclass(frozen=True)
class Sample:
    """A part of an input, and the amounts of the whole input.

    Attributes:
        path: a file with the records of the sample, in the format of the input.
        rows: records of the whole input.
        bases: bases of the whole input.
        is_exact: the sample is the whole input, so rows and bases are counted and not estimated.
        seconds_per_base: time to read and decompress one base of the input.
        column: column with the sample's sequences; None for ``sequence``, and for a format without columns.
    """

    path: Path
    rows: int
    bases: int
    is_exact: bool
    seconds_per_base: float
    column: str | None = None


def take_sample(files: Sequence[InputFile], folder: Path, sample_bytes: int = SAMPLE_BYTES) -> Sample:
    """Read some places that are spread over the whole input. Of Parquet, the number of rows is always exact.

    Args:
        files: files of the input, all of one format, with the column of the sequences if they have columns.
        folder: where the sample is written.
        sample_bytes: bytes of text or bases to read, about.

    Raises:
        InputFormatError: a file does not have the format of its name, is damaged, or has an unknown size.
        OpengenomeError: a file cannot be read.
    """
    take = {"parquet": _take_parquet, "flat": _take_flat_files}.get(files[0].format, _take_text)
    return take(files, folder, sample_bytes)


def _spread(places: Sequence[Place], most: int) -> list[Place]:
    """At most ``most`` of the places, at equal distances, with the first and the last."""
    chosen = np.linspace(0, len(places) - 1, min(len(places), most)).astype(int)
    return [places[number] for number in chosen]


def _take_text(files: Sequence[InputFile], folder: Path, sample_bytes: int) -> Sample:
    mean = max(sum(file.size for file in files) // len(files), 1)
    small = sample_bytes // COMPRESSED // mean
    chosen = _spread(files, min(max(small, PLACES_OF_LARGE_FILES), PLACES))
    path = folder / ("sample.jsonl" if files[0].format == "jsonl" else "sample.fa")
    stored = text = rows = letters = sampled = 0
    seconds = 0.0
    is_exact = len(chosen) == len(files)
    with path.open("wb") as sample:
        for file in chosen:
            began = time.monotonic()
            part = _begin(file, folder, sample_bytes // len(chosen))
            seconds += time.monotonic() - began
            records, letters_of_part = _measured(file, part.text, folder)
            rows += records
            letters += letters_of_part
            sampled += len(part.text)
            stored += part.stored
            text += part.decoded
            is_exact &= part.is_whole
            sample.write(part.text.rstrip() + b"\n")
    size = stored if is_exact else sum(file.size for file in files)
    # Of each byte of text that is not in the sample, as much as of those in it.
    share = text / sampled * size / stored
    bases = letters * share
    return Sample(
        path,
        max(round(rows * share), 1),
        round(bases),
        is_exact,
        seconds * share / max(bases, 1),
        files[0].column,
    )


@dataclass(frozen=True)
class _Part:
    """A part of a file: bytes as stored, bytes of text, the first of these, and whether it is the whole file."""

    stored: int
    decoded: int
    text: bytes
    is_whole: bool


def _begin(file: InputFile, folder: Path, most: int) -> _Part:
    if file.format == "zip":
        return _part_of_zip(file, most)
    with open_stored(file.uri) as stored:
        head = stored.read(most // COMPRESSED if compression_of(stored) else most)
        is_whole = not stored.read(1)
    if not is_whole and file.size < 0:
        _refuse_unknown_size(file)
    prefix = folder / "prefix"
    prefix.write_bytes(head)
    text = bytearray()
    decoded = 0
    try:
        with closing(_text(replace(file, uri=str(prefix)))) as blocks:
            for block in blocks:
                text += block[: most - len(text)]
                decoded += len(block)
    except (DamagedStreamError, TruncatedInputError):
        if is_whole:
            _refuse(file)
    is_complete = is_whole and decoded == len(text)
    if file.format == "jsonl":
        # Whole lines, because part of a line is no object.
        del text[len(text) if is_complete else text.rfind(b"\n") + 1 :]
    elif not LOOKS_LIKE_FASTA.match(text):
        _refuse(file)
        msg = f"{file.uri}: its first {len(head):,} bytes have no FASTA, so nothing can be estimated."
        raise InputFormatError(msg)
    if not text:
        msg = f"{file.uri}: its first record is longer than {most:,} bytes, so nothing can be estimated."
        raise InputFormatError(msg)
    return _Part(len(head), decoded, bytes(text), is_complete)


def _refuse_unknown_size(file: InputFile) -> NoReturn:
    msg = f"{file.uri}: its server does not report its size, so nothing can be estimated. Download the file first."
    raise InputFormatError(msg)


def _measured(file: InputFile, text: bytes, folder: Path) -> tuple[int, int]:
    """Records and bases of the text of a part."""
    if file.format != "jsonl":
        sequences, headers = _HEADER.subn(b"", text)
        return headers, len(sequences.translate(None, _BLANKS))
    part = folder / "part"
    part.write_bytes(text)
    rows = bases = 0
    for chunk in read_records(replace(file, uri=str(part), size=len(text))):
        rows += chunk.num_rows
        bases += int(lengths(chunk).sum())
    return rows, bases


def _text(file: InputFile) -> Generator[bytes, None, None]:
    """The text of a file, or of all members of a tar archive."""
    if file.format != "tar":
        yield from decoded_blocks(file.uri)
        return
    with closing(fasta_members(file)) as members:
        for _, blocks in members:
            yield from blocks
            yield b"\n"


def _part_of_zip(file: InputFile, most: int) -> _Part:
    """Text of some members, each from its beginning. The archive lists the sizes of all."""
    with closing(fasta_members(file)) as members:
        sizes = [max(member.size, 1) for member, _ in members]
    if not sizes:
        _refuse(file)
    # Whole members where these are small, because the beginning of a record has its header.
    small = most * len(sizes) // (2 * sum(sizes))
    places = len(sizes) if sum(sizes) <= most else min(max(small, PLACES_OF_LARGE_FILES), PLACES)
    chosen = _spread(range(len(sizes)), places)
    is_whole = len(chosen) == len(sizes)
    most = most if is_whole else most // len(chosen)
    text = bytearray()
    decoded = 0
    read = 0.0
    with closing(fasta_members(file)) as members:
        for number, (member, blocks) in enumerate(members):
            if number not in chosen:
                continue
            taken = 0
            try:
                while taken <= most and (block := next(blocks, b"")):
                    text += block[: most - taken]
                    taken += len(block)
            except DamagedStreamError:
                _refuse(file)
            is_cut = taken > most
            packed = COMPRESSED if without_compression(member.name) != member.name else 1
            read += min(taken / packed, sizes[number]) if is_cut else sizes[number]
            is_whole &= not is_cut
            decoded += taken + 1
            text += b"\n"
    if not LOOKS_LIKE_FASTA.match(text):
        _refuse(file)
    return _Part(max(round(file.size * read / sum(sizes)), 1), decoded, bytes(text), is_whole)


def _refuse(file: InputFile) -> None:
    """Read a file that is not right, for the error that a run would give."""
    for _ in read_records(file):
        pass


def _take_flat_files(files: Sequence[InputFile], folder: Path, sample_bytes: int) -> Sample:
    """Some whole files, because the beginning of a flat file may have only features."""
    if unknown := next((file for file in files if file.size < 0), None):
        _refuse_unknown_size(unknown)
    size = sum(file.size for file in files)
    chosen = _spread(files, min(max(sample_bytes * len(files) // size, 1), PLACES))
    path = folder / "sample.fa"
    rows = bases = written = 0
    began = time.monotonic()
    with path.open("wb") as sample:
        for file in chosen:
            for chunk in read_records(file):
                rows += chunk.num_rows
                bases += int(lengths(chunk).sum())
                if written < sample_bytes:
                    for sequence in chunk.column("sequence"):
                        written += sample.write(b">\n%b\n" % sequence.as_buffer().to_pybytes())
    seconds = time.monotonic() - began
    stored = sum(file.size for file in chosen)
    return Sample(
        path,
        round(rows * size / stored),
        round(bases * size / stored),
        len(chosen) == len(files),
        seconds / max(bases, 1),
    )


def _take_parquet(files: Sequence[InputFile], folder: Path, sample_bytes: int) -> Sample:
    groups: list[tuple[InputFile, int, int]] = []
    for file in files:
        groups += [(file, first, end) for first, end in pairwise(starting_rows(file)) if first < end]
    chosen = _spread(groups, PLACES) if groups else []
    path = folder / "sample.parquet"
    rows = sum(end - first for _, first, end in groups)
    read = bases = 0
    seconds = 0.0
    with pq.ParquetWriter(path, RECORDS) as writer:
        for file, first, end in chosen:
            began = time.monotonic()
            records = _first_of_group(file, first, end, sample_bytes // len(chosen))
            seconds += time.monotonic() - began
            writer.write_table(records)
            read += records.num_rows
            bases += sum(int(lengths(batch).sum()) for batch in records.to_batches())
    share = rows / max(read, 1)
    return Sample(path, rows, round(bases * share), read == rows, seconds / max(bases, 1))


def _first_of_group(file: InputFile, first: int, end: int, most: int) -> pa.Table:
    """The first rows of a row group, until they have as many bases."""
    taken: list[pa.RecordBatch] = []
    with closing(read_records(file, first, end)) as chunks:
        for chunk in chunks:
            ends = np.cumsum(lengths(chunk))
            fits = int(np.searchsorted(ends, most)) + 1
            taken.append(chunk.slice(0, fits))
            most -= int(ends[-1])
            if most <= 0:
                break
    return pa.Table.from_batches(taken, RECORDS)
