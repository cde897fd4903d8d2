"""Organelle-like genomes, made as a stream: the same for the same size, on any machine.

Lengths follow the real mix: animal mitochondria of about 16.5 kb, plastids of about 150 kb, some fungi between,
and a tail of plant mitochondria up to several Mbp. Letters are rich in A and T, with a few runs of N, and are put
together from mutated blocks, so that they compress as real genomes do: unlike noise, and unlike copies.

``python -m benchmarks.genomes 20G PATH --format fasta.gz`` writes them to a file or into a named pipe.
"""

import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import IO, Literal

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip
from numpy.typing import NDArray

Format = Literal["fasta", "fasta.gz", "parquet", "parquet-large", "tar"]

SEED = 20_240_601
FULL_RECORDS = 32_240
# Of OpenGenome2's organelles, as public audits state them.
FULL_BASES = 2_816_827_506
SIZES = {"small": 200_000_000, "500M": 500_000_000, "2G": 2_000_000_000, "20G": 20_000_000_000}
FASTA_LINE = 80
# 50,000 members have 1 Gbp.
MEMBER_BASES = 20_000
# As writers in the wild leave them, and as this project's predecessor did.
ROW_GROUP_ROWS = {"parquet": 200, "parquet-large": 5_000}
# igzip's: level 6 of zlib packs 7 % tighter, at a fiftieth of the speed.
GZIP_LEVEL = 2

_SCHEMA = pa.schema(
    [
        ("seq_id", pa.string()),
        ("description", pa.string()),
        ("length", pa.int64()),
        ("sequence", pa.large_string()),
        ("source", pa.string()),
    ]
)
_BLOCK = 512
_POOL_BLOCKS = 4096
_MUTATED = 0.02
# Share of all records, and the median and spread (σ of the logarithm) of their lengths.
_KINDS = ((0.4536, 150_000, 0.05), (0.5134, 16_500, 0.05), (0.0140, 45_000, 0.35), (0.0190, 400_000, 0.80))
_LONGEST = 11_000_000
# One record in so many has a run of N, as many letters in all as in the real collection.
_RECORDS_A_RUN_OF_N = 100


@dataclass(frozen=True)
class Genomes:
    """A data set of so many records and bases.

    Attributes:
        records: how many.
        bases: of all of them together, exactly.
    """

    records: int
    bases: int

    def lengths(self) -> NDArray[np.int64]:
        """int64, shape (records,): bases of each, kinds mixed; every size has the same shape of lengths."""
        parts = []
        left = self.records
        for share, median, spread in _KINDS:
            size = left if share == _KINDS[-1][0] else min(round(self.records * share), left)
            left -= size
            points = [NormalDist().inv_cdf((place + 0.5) / size) for place in range(size)]
            parts.append(np.minimum(median * np.exp(spread * np.array(points)), _LONGEST))
        exact = np.concatenate(parts)
        lengths: NDArray[np.int64] = np.maximum(exact * (self.bases / exact.sum()), 1).astype(np.int64)
        lengths[lengths.argmax()] += self.bases - lengths.sum()
        np.random.RandomState(SEED).shuffle(lengths)
        return lengths

    def sequences(self) -> Iterator[NDArray[np.uint8]]:
        """Letters of each record: uint8, shape (length,)."""
        random = np.random.RandomState(SEED + 1)
        alphabet = np.frombuffer(b"ACGT", np.uint8)
        shares = np.cumsum([0.31, 0.19, 0.19])
        letters = alphabet[np.searchsorted(shares, random.random_sample(_POOL_BLOCKS * _BLOCK))]
        pool = letters.reshape(_POOL_BLOCKS, _BLOCK)
        for number, length in enumerate(self.lengths().tolist()):
            blocks = random.randint(0, _POOL_BLOCKS, -(-length // _BLOCK))
            record = pool[blocks].reshape(-1)[:length]
            mutated = random.randint(0, length, int(length * _MUTATED))
            record[mutated] = alphabet[random.randint(0, 4, mutated.size)]
            if number % _RECORDS_A_RUN_OF_N == 0:
                begin = random.randint(0, length)
                record[begin : begin + random.randint(1, 100)] = ord("N")
            yield record


def genomes_of(size: str) -> Genomes:
    """The data set of a size: ``full``, a name of ``SIZES``, or a number of bases such as ``50M``.

    Raises:
        ValueError: the size is not understood.
    """
    if size == "full":
        return Genomes(FULL_RECORDS, FULL_BASES)
    unit = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}.get(size[-1:], 1)
    bases = SIZES.get(size) or int(size[:-1] if unit > 1 else size) * unit
    return Genomes(max(round(bases * FULL_RECORDS / FULL_BASES), 1), bases)


def write_genomes(genomes: Genomes, paths: dict[Format, Path]) -> None:
    """Write a data set in several formats at once, in constant memory; a path may be a named pipe."""
    with ExitStack() as stack:
        writers = [_WRITERS[form](stack, path, form) for form, path in paths.items()]
        for number, letters in enumerate(genomes.sequences()):
            for writer in writers:
                writer.add(f"OG_{number:06d}.1", letters)
        for writer in writers:
            writer.close()


class _Fasta:
    def __init__(self, stack: ExitStack, path: Path, form: Format) -> None:
        opened = igzip.open(path, "wb", GZIP_LEVEL) if form == "fasta.gz" else path.open("wb")
        self._file: IO[bytes] = stack.enter_context(opened)

    def add(self, name: str, letters: NDArray[np.uint8]) -> None:
        self._file.write(_as_fasta(name, letters))

    def close(self) -> None:
        """Nothing is held back."""


def _as_fasta(name: str, letters: NDArray[np.uint8]) -> bytes:
    whole = letters.size // FASTA_LINE
    lines = np.full((whole, FASTA_LINE + 1), ord("\n"), np.uint8)
    lines[:, :-1] = letters[: whole * FASTA_LINE].reshape(whole, FASTA_LINE)
    rest = letters[whole * FASTA_LINE :].tobytes()
    return f">{name}\n".encode() + lines.tobytes() + (rest + b"\n" if rest else b"")


class _Tar:
    """Pieces of the genomes, each a member with one record."""

    def __init__(self, stack: ExitStack, path: Path, form: Format) -> None:
        del form
        self._archive = stack.enter_context(tarfile.TarFile.open(path, "w|"))

    def add(self, name: str, letters: NDArray[np.uint8]) -> None:
        for begin in range(0, letters.size, MEMBER_BASES):
            text = _as_fasta(f"{name}_{begin}", letters[begin : begin + MEMBER_BASES])
            member = tarfile.TarInfo(f"{name}_{begin}.fna")
            member.size = len(text)
            self._archive.addfile(member, io.BytesIO(text))
        # tarfile would keep the headers of all members.
        self._archive.members = []

    def close(self) -> None:
        """Nothing is held back."""


class _Parquet:
    def __init__(self, stack: ExitStack, path: Path, form: Format) -> None:
        self._writer = stack.enter_context(
            pq.ParquetWriter(
                path, _SCHEMA, compression="snappy", use_dictionary=["source"], write_statistics=["length"]
            )
        )
        self._rows = ROW_GROUP_ROWS[form]
        self._names: list[str] = []
        self._letters: list[NDArray[np.uint8]] = []

    def add(self, name: str, letters: NDArray[np.uint8]) -> None:
        self._names.append(name)
        self._letters.append(letters)
        if len(self._names) == self._rows:
            self.close()

    def close(self) -> None:
        """Write what is held as a row group."""
        if not self._names:
            return
        lengths = np.array([letters.size for letters in self._letters])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        whole = np.concatenate(self._letters)
        rows = len(self._names)
        sequences = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(whole))
        columns = [
            pa.array(self._names),
            pa.repeat("", rows),
            pa.array(lengths),
            sequences,
            pa.repeat("made-up organelles", rows),
        ]
        self._writer.write_table(pa.table(columns, schema=_SCHEMA), row_group_size=rows)
        self._names, self._letters = [], []


_WRITERS: dict[Format, type[_Fasta] | type[_Tar] | type[_Parquet]] = {
    "fasta": _Fasta,
    "fasta.gz": _Fasta,
    "parquet": _Parquet,
    "parquet-large": _Parquet,
    "tar": _Tar,
}


@click.command()
@click.argument("size")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(list(_WRITERS)), default="fasta", show_default=True)
def main(size: str, path: Path, form: Format) -> None:
    """Write genomes of a size to a file or a named pipe, in constant memory."""
    try:
        genomes = genomes_of(size)
    except ValueError as error:
        msg = f"'{size}' is no size. Give full, {', '.join(SIZES)}, or a number of bases."
        raise click.UsageError(msg) from error
    write_genomes(genomes, {form: path})


if __name__ == "__main__":
    main()
