"""BGZF, the gzip of bgzip: small members that state their size, so that reading can begin at any of them."""

import io

from opengenome_assets.files.remote import STORED_BLOCK

# The empty block at the end of a complete file.
END_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")

# gzip with deflate and extra fields.
_MAGIC = b"\x1f\x8b\x08\x04"
_HEADER_BYTES = 12


def block_size(stored: io.BufferedReader, at: int) -> int:
    """Stored size of the block that begins at a byte of the file, as its header states it; 0 if none begins there."""
    stored.seek(at)
    header = stored.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        return 0
    fields = stored.read(int.from_bytes(header[10:], "little"))
    while len(fields) >= 4:
        name, size = fields[:2], int.from_bytes(fields[2:4], "little")
        value, fields = fields[4 : 4 + size], fields[4 + size :]
        if name == b"BC" and len(value) == 2:
            return int.from_bytes(value, "little") + 1
    return 0


def next_block(stored: io.BufferedReader, at: int, end: int | None = None) -> int | None:
    """Where the first block at or after a byte of the file begins; None if there is none before ``end``.

    The bytes of a header may also occur inside a block. Those of a block lead to another block or to the file's end.
    """
    while end is None or at < end:
        stored.seek(at)
        found = (text := stored.read(STORED_BLOCK)).find(_MAGIC)
        if found >= 0:
            at += found
            if (end is None or at < end) and _leads_on(stored, at):
                return at
            at += 1
        elif len(text) < len(_MAGIC):
            return None
        else:
            # The end of the text may be the beginning of a header.
            at += len(text) - len(_MAGIC) + 1
    return None


def _leads_on(stored: io.BufferedReader, at: int) -> bool:
    size = block_size(stored, at)
    if size == 0 or block_size(stored, at + size) > 0:
        return size > 0
    stored.seek(at + size)
    return not stored.read(1)
