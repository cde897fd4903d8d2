"""Files with the format version of another version of the project."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from opengenome_assets.batches.batch_files import PROVENANCE, STAMP

STATED = b"opengenome_assets.format"


def restate(path: Path, version: int, writer: str = "9.8.7") -> None:
    """Have a Parquet file say that it is of another format, and who wrote it."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    if STAMP in metadata:
        metadata[STAMP] = json.dumps(json.loads(metadata[STAMP]) | {"format": version}).encode()
    else:
        metadata[STATED] = str(version).encode()
    if PROVENANCE in metadata:
        provenance = json.loads(metadata[PROVENANCE])
        metadata[PROVENANCE] = json.dumps(provenance | {"versions": {"opengenome-assets": writer}}).encode()
    pq.write_table(table.replace_schema_metadata(metadata), path, write_page_checksum=True)
