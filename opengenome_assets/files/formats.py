"""Versions of the files' layouts: which is written, which are read, and the error about a file that is not read.

Every file of the warehouse that is read back carries its version. It rises when a reader of the version before would
misread the file or miss something; docs/how-to/upgrade.md says what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from opengenome_assets import __version__

_KEY = b"opengenome_assets.format"
# Files that began to carry a version later: without one, they are of the first.
_UNSTATED = 1


@dataclass(frozen=True)
class LayoutVersions:
    """Versions of the layout of one kind of file.

    Attributes:
        written: version that is written now, and the newest that is read.
        oldest: version from which on files are read.
    """

    written: int
    oldest: int = 1

    def is_newer(self, found: object) -> bool:
        """Whether a version is of a project newer than this one."""
        return isinstance(found, int) and found > self.written

    def refusal(self, found: object, location: str, writer: str | None, remedy: str) -> str | None:
        """Why a file is not read, or None where it is.

        Args:
            found: version that the file says it has.
            location: path or URI of the file.
            writer: version of the project that wrote the file, where it says so.
            remedy: what to do about a file that is too old.
        """
        if isinstance(found, int) and self.oldest <= found <= self.written:
            return None
        by = f" by opengenome-assets {writer}" if writer else ""
        read = f"{self.written}" if self.oldest == self.written else f"{self.oldest} to {self.written}"
        what = f"{location}: written in format {found}{by}; this version, {__version__}, reads format {read}."
        if self.is_newer(found):
            return f"{what} Use {f'version {writer} or a newer one' if writer else 'the newer version that wrote it'}."
        return f"{what} That is too old to be read. {remedy}"

    def stated(self, schema: pa.Schema) -> pa.Schema:
        """A schema that says the version that is written."""
        return schema.with_metadata({**(schema.metadata or {}), _KEY: str(self.written).encode()})


# Sequences, rejected records, counts and tables by sequence: all that carries a stamp.
BATCH_FILE = LayoutVersions(written=1)
MANIFEST_FILE = LayoutVersions(written=1)
INPUT_FILE_LIST = LayoutVersions(written=1)
METADATA_COPY = LayoutVersions(written=1)
FREQUENCY_TABLE = LayoutVersions(written=1)


def stated_format(schema: pa.Schema) -> int | str:
    """The version that a Parquet file's schema states."""
    text = (schema.metadata or {}).get(_KEY, str(_UNSTATED).encode()).decode(errors="replace")
    return int(text) if text.isdecimal() else text


def writer_in(provenance: object) -> str | None:
    """The project's version that a file's provenance, or a manifest, names."""
    versions = provenance.get("versions") if isinstance(provenance, Mapping) else None
    name = versions.get("opengenome-assets") if isinstance(versions, Mapping) else None
    return name if isinstance(name, str) else None
