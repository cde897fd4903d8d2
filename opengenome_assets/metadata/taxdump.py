"""NCBI's taxonomy, from the files that NCBI publishes as taxdump and new_taxdump: genetic codes, lineages, names.

The real dump has 2.7 million taxa and 4 million names. They are held in memory as columns.
"""

import io
import tarfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from numpy.typing import NDArray

from opengenome_assets.codons.genetic_codes import genetic_codes
from opengenome_assets.errors import InputFormatError, InputNotFoundError, SettingError, first_line
from opengenome_assets.files.compression import BLOCK_BYTES, DamagedStreamError, decoded_blocks
from opengenome_assets.files.remote import open_stored, unreachable
from opengenome_assets.metadata.organelles import WITH_MITOCHONDRIAL_CODE, WITH_PLASTID_CODE
from opengenome_assets.paths import is_uri, local_path

SCIENTIFIC = "scientific name"
# What NCBI's tools use for a plastid whose taxon has no plastid code.
PLASTID_CODE = 11

_DOWNLOAD = "Download https://ftp.ncbi.nlm.nih.gov/pub/taxonomy/new_taxdump/new_taxdump.tar.gz again."
_TAXID = pa.int32()
# Fields of nodes.dmp.
NUCLEAR, MITOCHONDRIAL, PLASTID = 6, 8, 13
# Member → type of each field that is read, by its position. new_taxdump has five more fields in nodes.dmp than taxdump.
_FIELDS: dict[str, dict[int, pa.DataType]] = {
    "nodes.dmp": {
        0: _TAXID,
        1: _TAXID,
        2: pa.dictionary(pa.int32(), pa.string()),
        NUCLEAR: pa.uint8(),
        MITOCHONDRIAL: pa.uint8(),
        PLASTID: pa.uint8(),
    },
    "names.dmp": {0: _TAXID, 1: pa.large_string(), 3: pa.string()},
    "merged.dmp": {0: _TAXID, 1: _TAXID},
    "delnodes.dmp": {0: _TAXID},
}
_KINDS_OF_NAMES = pa.array([SCIENTIFIC, "synonym"])
# In 2025 NCBI renamed the rank.
_RENAMED = {"superkingdom": "domain"}
# NCBI's largest file has 0.7 GB. A limit stops archives that decompress without end.
_LARGEST_MEMBER = 4 * 2**30
_LONGEST_LINE = 2**20
# Members of an archive that describe the next one.
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
# Steps that double the distance to an ancestor. NCBI's longest lineages have below 100 taxa.
_DOUBLINGS = 10


class _Stream(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)


class _Member(tarfile.TarInfo):
    """A member whose extended header, which tarfile reads at once, is small."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENDED and member.size > _LONGEST_LINE:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes")
        return member


class Taxdump:
    """NCBI's taxonomy.

    Attributes:
        has_plastid_codes: whether the dump has plastid codes, as new_taxdump has. Without them, plastids have code
            `PLASTID_CODE`.
        unsupported_codes: genetic codes of the dump that the project does not have. Their taxa have no code.
    """

    def __init__(self, tables: dict[str, pa.Table], location: str) -> None:
        """Check and join the members' columns (`Taxdump.read`)."""
        nodes = tables["nodes.dmp"]
        if not nodes.num_rows:
            raise _damaged(location, "nodes.dmp has no taxa")
        taxids = nodes["0"].to_numpy().astype(np.int64)
        order = np.argsort(taxids, kind="stable")
        self._taxids: NDArray[np.int64] = taxids[order]
        if (repeated := np.flatnonzero(np.diff(self._taxids) == 0)).size:
            raise _damaged(location, f"nodes.dmp has taxid {self._taxids[repeated[0]]} twice")
        self._parents = self._parents_of(nodes["1"].to_numpy()[order], location)
        ranks = nodes["2"].unify_dictionaries().combine_chunks()
        self._rank_names: list[str] = [_RENAMED.get(rank, rank) for rank in ranks.dictionary.to_pylist()]
        self._ranks: NDArray[np.int16] = ranks.indices.to_numpy()[order].astype(np.int16)
        self.has_plastid_codes = str(PLASTID) in nodes.column_names
        self._codes = {
            field: pc.fill_null(nodes[str(field)].combine_chunks(), 0).to_numpy()[order]
            for field in (NUCLEAR, MITOCHONDRIAL, PLASTID)
            if str(field) in nodes.column_names
        }
        used = {int(code) for codes in self._codes.values() for code in np.unique(codes)}
        self.unsupported_codes = sorted(used - {0} - set(genetic_codes()))
        for codes in self._codes.values():
            codes[np.isin(codes, self.unsupported_codes)] = 0
        names = tables["names.dmp"]
        self._names = names["1"].combine_chunks()
        self._taxids_of_names: NDArray[np.int32] = names["0"].to_numpy()
        self._is_scientific: NDArray[np.bool_] = pc.equal(names["3"], SCIENTIFIC).to_numpy()
        self._scientific = np.full(self._taxids.size, -1, np.int32)
        scientific = np.flatnonzero(self._is_scientific)
        rows = self._rows_of_current(self._taxids_of_names[scientific].astype(np.int64))
        self._scientific[rows[rows >= 0]] = scientific[rows >= 0]
        merged = tables["merged.dmp"].sort_by("0")
        self._merged, self._merged_into = (merged[name].to_numpy().astype(np.int64) for name in ("0", "1"))
        self._deleted: NDArray[np.int32] = tables["delnodes.dmp"]["0"].to_numpy()

    @classmethod
    def read(cls, location: str) -> "Taxdump":
        """Read a dump: nodes.dmp, names.dmp, merged.dmp and delnodes.dmp.

        An archive is decompressed and read as a stream. Nothing is unpacked to a disk. Measured with a made-up dump of
        2.7 million taxa and 3.4 million names: the result takes about 240 MB of memory, reading it about 670 MB.

        Args:
            location: folder, or path or URI of a tar archive (.tar.gz).

        Raises:
            InputNotFoundError: the location does not exist, or a file of the dump is missing.
            InputFormatError: a file is damaged, or is no file of a taxdump.
        """
        location = local_path(location)
        is_folder = not is_uri(location) and Path(location).is_dir()
        tables: dict[str, pa.Table] = {}
        files = _files(Path(location)) if is_folder else _members(location)
        with _one_line_errors(location), closing(files):
            for name, file in files:
                if name in tables:
                    raise _damaged(location, f"it has {name} twice")
                tables[name] = _table(name, file, location)
                if len(tables) == len(_FIELDS):
                    break
        if missing := [name for name in _FIELDS if name not in tables]:
            msg = f"{location} has no {missing[0]}, so it is not a whole taxdump. {_DOWNLOAD}"
            raise InputNotFoundError(msg)
        return cls(tables, location)

    def genetic_codes(self, taxids: pa.Array, organelles: pa.Array) -> pa.Array:
        """Genetic codes of records, as NCBI's tools choose them.

        - `organelles.WITH_MITOCHONDRIAL_CODE`: the taxon's mitochondrial code.
        - `organelles.WITH_PLASTID_CODE`: its plastid code. Apicoplasts and chromatophores are plastids to NCBI. If the
          taxon or the dump has none, `PLASTID_CODE`.
        - Other organelles: its nuclear code.

        Args:
            taxids: int64, shape (n,).
            organelles: string, shape (n,): classes of `organelles.ORGANELLES`.

        Returns:
            int32, shape (n,): null if the organelle is null, the taxid is unresolved, or the taxon has no such code.
        """
        rows = self._rows(taxids)
        mitochondrial, plastid = (
            pc.is_in(organelles, value_set=pa.array(names)).to_numpy(zero_copy_only=False)
            for names in (WITH_MITOCHONDRIAL_CODE, WITH_PLASTID_CODE)
        )
        codes = np.where(mitochondrial, self._codes[MITOCHONDRIAL][rows], self._codes[NUCLEAR][rows]).astype(
            np.int32
        )
        plastid_codes = (
            self._codes[PLASTID][rows] if self.has_plastid_codes else np.zeros(rows.size, np.uint8)
        )
        codes = np.where(plastid, np.where(plastid_codes == 0, PLASTID_CODE, plastid_codes), codes)
        is_unknown = (rows < 0) | (codes == 0) | organelles.is_null().to_numpy(zero_copy_only=False)
        return pa.array(codes, pa.int32(), mask=is_unknown)

    def lineage(self, taxids: pa.Array, ranks: Sequence[str]) -> dict[str, pa.Array]:
        """Names of the lineage: the ancestors of taxa, and the taxa themselves.

        Args:
            taxids: int64, shape (n,).
            ranks: NCBI's ranks, such as ``phylum``. ``superkingdom`` and ``domain`` are the same.

        Returns:
            Rank → string, shape (n,): null if there is no taxon of this rank, or the taxid is unresolved.

        Raises:
            SettingError: no taxon of the dump has such a rank.
        """
        numbers = {rank: self._numbers_of_rank(rank) for rank in ranks}
        rows, places = np.unique(self._rows(taxids), return_inverse=True)
        found = {rank: np.full(rows.size, -1) for rank in ranks}
        at, above = rows, np.full(rows.size, -2)
        while (is_left := (at >= 0) & (at != above)).any():
            for rank, chosen in found.items():
                is_here = is_left & (chosen < 0) & np.isin(self._ranks[at], numbers[rank])
                chosen[is_here] = at[is_here]
            at, above = np.where(at >= 0, self._parents[at], -1), at
        return {rank: self._names_of(chosen[places]) for rank, chosen in found.items()}

    def scientific_names(self, taxids: pa.Array) -> pa.Array:
        """Scientific names of taxa: string, shape (n,), null if the taxid is unresolved."""
        return self._names_of(self._rows(taxids))

    def taxids_of_names(self, names: pa.Array) -> pa.Array:
        """Taxids of organisms by their names: scientific names, otherwise synonyms.

        Args:
            names: string, shape (n,), spelled as NCBI does.

        Returns:
            int64, shape (n,): null if no taxon has the name, or several have.
        """
        trimmed = pc.utf8_trim_whitespace(names).cast(pa.large_string())
        wanted = pc.unique(trimmed.drop_null())
        numbers = pc.fill_null(pc.index_in(self._names, value_set=wanted), -1).to_numpy()
        taxids = np.full(len(wanted), -1, np.int64)
        is_decided = np.zeros(len(wanted), np.bool_)
        for is_used in (self._is_scientific, ~self._is_scientific):
            hits = np.flatnonzero((numbers >= 0) & is_used)
            pairs = np.unique(np.stack([numbers[hits], self._taxids_of_names[hits]], axis=1), axis=0)
            count = np.bincount(pairs[:, 0], minlength=len(wanted))
            single = pairs[(count[pairs[:, 0]] == 1) & ~is_decided[pairs[:, 0]]]
            taxids[single[:, 0]] = single[:, 1]
            is_decided |= count > 0
        return pa.array(taxids, mask=taxids < 0).take(pc.index_in(trimmed, value_set=wanted))

    def unresolved(self, taxids: pa.Array) -> tuple[list[int], list[int]]:
        """Taxids that NCBI deleted, and others that the dump does not have, because they are newer or wrong.

        Args:
            taxids: int64, shape (n,).

        Returns:
            Both without repeats, in increasing order.
        """
        unknown = taxids.filter(pa.array(self._rows(taxids) < 0)).drop_null()
        values = np.unique(unknown.to_numpy())
        is_deleted = np.isin(values, self._deleted)
        return values[is_deleted].tolist(), values[~is_deleted].tolist()

    def _parents_of(self, parents: NDArray[np.int32], location: str) -> NDArray[np.int32]:
        """Rows of the parents; refuses parents that are missing or never reach a root."""
        rows = self._rows_of_current(parents.astype(np.int64))
        if (lost := np.flatnonzero(rows < 0)).size:
            what = f"nodes.dmp has no taxid {parents[lost[0]]}, the parent of {self._taxids[lost[0]]}"
            raise _damaged(location, what)
        ancestors = rows
        for _ in range(_DOUBLINGS):
            ancestors = ancestors[ancestors]
        if (endless := np.flatnonzero(rows[ancestors] != ancestors)).size:
            raise _damaged(
                location, f"in nodes.dmp the parents of taxid {self._taxids[endless[0]]} form a loop"
            )
        return rows.astype(np.int32)

    def _rows(self, taxids: pa.Array) -> NDArray[np.int64]:
        """Row of each taxid, or of the one that it was merged into; -1 for null, deleted and unknown taxids."""
        wanted = pc.fill_null(taxids.cast(pa.int64()), -1).to_numpy()
        if self._merged.size:
            at = np.searchsorted(self._merged, wanted).clip(max=self._merged.size - 1)
            wanted = np.where(self._merged[at] == wanted, self._merged_into[at], wanted)
        return self._rows_of_current(wanted)

    def _rows_of_current(self, taxids: NDArray[np.int64]) -> NDArray[np.int64]:
        at = np.searchsorted(self._taxids, taxids).clip(max=self._taxids.size - 1)
        return np.where(self._taxids[at] == taxids, at, -1)

    def _numbers_of_rank(self, rank: str) -> list[int]:
        spelled = _RENAMED.get(rank, rank)
        numbers = [number for number, name in enumerate(self._rank_names) if name == spelled]
        if not numbers:
            msg = (
                f"rank {rank!r} is not in the taxdump. Its ranks: {', '.join(sorted(set(self._rank_names)))}."
            )
            raise SettingError(msg)
        return numbers

    def _names_of(self, rows: NDArray[np.int64]) -> pa.Array:
        """Scientific names of rows: string, null for -1."""
        places = np.where(rows >= 0, self._scientific[rows], -1)
        return self._names.take(pa.array(places, mask=places < 0)).cast(pa.string())


def _damaged(location: str, what: str) -> InputFormatError:
    return InputFormatError(f"{location} is damaged: {what}. {_DOWNLOAD}")


@contextmanager
def _one_line_errors(location: str) -> Iterator[None]:
    """Errors of damaged archives and files as `InputFormatError`."""
    try:
        yield
    except DamagedStreamError as error:
        raise _damaged(location, str(error)) from error
    except OSError as error:
        raise unreachable(location, error) from error
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:
        raise _damaged(location, f"it is not a whole tar archive ({first_line(error)})") from error


def _files(folder: Path) -> Generator[tuple[str, IO[bytes]], None, None]:
    """Name and content of the dump's files in a folder."""
    for name in _FIELDS:
        if (folder / name).exists():
            with open_stored(str(folder / name)) as file:
                yield name, file


def _members(location: str) -> Generator[tuple[str, IO[bytes]], None, None]:
    """Name and content of the dump's files in an archive, as a stream. Other members are skipped."""
    with closing(decoded_blocks(location)) as blocks:
        stream = io.BufferedReader(_Stream(blocks), BLOCK_BYTES)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK_BYTES, tarinfo=_Member) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                content = archive.extractfile(member) if name in _FIELDS and member.isreg() else None
                if content is None:
                    continue
                if member.size > _LARGEST_MEMBER:
                    raise _damaged(location, f"{name} has {member.size:,} bytes")
                yield name, content


def _table(name: str, file: IO[bytes], location: str) -> pa.Table:
    """The columns of a file that are needed, named by their positions."""
    # Files and members of archives are buffered, which their types do not say.
    head = file.peek(_LONGEST_LINE)  # type: ignore[attr-defined]
    line = head.split(b"\n", 1)[0].rstrip(b"\r")
    parts = line.split(b"\t")
    # An empty file is valid: nothing may be merged or deleted.
    fields = {at: kind for at, kind in _FIELDS[name].items() if at < len(parts) // 2 or not head}
    is_whole = fields.keys() >= _FIELDS[name].keys() - {PLASTID}
    if head and not (is_whole and parts[1::2] == [b"|"] * (len(parts) // 2)):
        raise _damaged(location, f"{name} is not as NCBI writes it, line 1 is {line[:60]!r}")
    schema = pa.schema([(str(at), kind) for at, kind in fields.items()])
    batches: list[pa.RecordBatch] = []
    if head:
        names = [str(at // 2) if at % 2 == 0 else f"bar {at}" for at in range(len(parts))]
        try:
            with pcsv.open_csv(
                file,
                pcsv.ReadOptions(column_names=names, block_size=_LONGEST_LINE),
                pcsv.ParseOptions(delimiter="\t", quote_char=False),
                pcsv.ConvertOptions(include_columns=schema.names, column_types=schema, null_values=[""]),
            ) as reader:
                batches += [_with_used_names(batch) if name == "names.dmp" else batch for batch in reader]
        except pa.ArrowInvalid as error:
            raise _damaged(location, f"{name} is not as NCBI writes it: {first_line(error)}") from error
    table = pa.Table.from_batches(batches, None if batches else schema)
    for at in (at for at, kind in fields.items() if kind == _TAXID):
        smallest = pc.min(table[str(at)]).as_py()
        if table[str(at)].null_count or (smallest is not None and smallest < 1):
            raise _damaged(location, f"{name} has a row without a taxid")
    return table


def _with_used_names(names: pa.RecordBatch) -> pa.RecordBatch:
    """The scientific names and synonyms."""
    return names.filter(pc.is_in(names["3"], value_set=_KINDS_OF_NAMES))
