"""The text of a file in blocks, for readers that need whole lines."""

from collections.abc import Callable, Generator
from contextlib import closing

from opengenome_assets.errors import TruncatedInputError
from opengenome_assets.files.compression import DamagedStreamError, decoded_blocks, read_ahead
from opengenome_assets.inputs.find import InputFile

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def text_blocks(
    file: InputFile, block_bytes: int, contents: Callable[[], str] = str
) -> Generator[bytes, None, None]:
    """Decompressed blocks, the first one without a byte order mark. An empty file yields none.

    Args:
        file: the file.
        block_bytes: bytes of a block, at most.
        contents: what the blocks so far contain, for the error, such as ``12 complete lines``; empty to say nothing.

    Raises:
        TruncatedInputError: the compressed data end too early or are corrupt.
    """
    good_bytes = 0
    with (
        closing(decoded_blocks(file.uri, block_bytes)) as decoded,
        closing(read_ahead(decoded, file.size)) as blocks,
    ):
        while True:
            try:
                block = next(blocks, None)
            except DamagedStreamError as damage:
                found = f" and contain {contents()}" if contents() else ""
                msg = (
                    f"{file.uri}: {damage}. The first {good_bytes:,} decompressed bytes are valid{found}. "
                    "Download the file again, or compress it again."
                )
                raise TruncatedInputError(msg) from damage
            if block is None:
                return
            yield block if good_bytes else block.removeprefix(_BYTE_ORDER_MARK)
            good_bytes += len(block)
