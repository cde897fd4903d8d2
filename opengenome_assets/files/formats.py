"""Versions of the file layouts: which version is written, which ones are read, and the error for all others.

Every file of the warehouse that is read back states its version. The version increases when older readers would misread
the file or miss something; see docs/how-to/upgrade.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from opengenome_assets import __version__

_KEY = b"opengenome_assets.format"
# Version of files without a stated one: the first version did not state it.
_UNSTATED = 1


@dataclass(frozen=True)
class LayoutVersions:
    """Versions of the layout of one kind of file.

    Attributes:
        written: version that is written, and the newest one that is read.
        oldest: oldest version that is read.
    """

    written: int
    oldest: int = 1

    def is_newer(self, found: object) -> bool:
        """Whether a newer version of the project wrote this version."""
        return isinstance(found, int) and found > self.written

    def refusal(self, found: object, location: str, writer: str | None, remedy: str) -> str | None:
        """The error for a file of an unsupported version; None if the version is supported.

        Args:
            found: version that the file states.
            location: path or URI of the file.
            writer: version of the project that wrote the file, if the file states it.
            remedy: what to do with a file that is too old.
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
        """The schema with the current version in its metadata."""
        return schema.with_metadata({**(schema.metadata or {}), _KEY: str(self.written).encode()})


# All files with a stamp: sequences, rejected records, counts and tables by sequence.
BATCH_FILE = LayoutVersions(written=1)
# Version 2 may have groups other than those of the table's column group, and has the parameters of the table.
# Version 3 may have another column of the sequences than sequence.
MANIFEST_FILE = LayoutVersions(written=3)
INPUT_FILE_LIST = LayoutVersions(written=1)
# Version 2 may have a column source, which is a part of the key.
METADATA_COPY = LayoutVersions(written=2)
FREQUENCY_TABLE = LayoutVersions(written=1)


# Versions of what is computed. Increase one when the same input may give other counts, or other figures of the report.
COUNTING = 1
REPORT = 1


def stated_format(schema: pa.Schema) -> int | str:
    """The version in a Parquet file's schema."""
    text = (schema.metadata or {}).get(_KEY, str(_UNSTATED).encode()).decode(errors="replace")
    return int(text) if text.isdecimal() else text


def writer_in(provenance: object) -> str | None:
    """The version of the project in a file's provenance or in a manifest."""
    versions = provenance.get("versions") if isinstance(provenance, Mapping) else None
    name = versions.get("opengenome-assets") if isinstance(versions, Mapping) else None
    return name if isinstance(name, str) else None
