"""Compressed FASTA: every member is read, and truncated or damaged files give an error with the valid part."""

import bz2
import gzip
import io
import shutil
import struct
import subprocess
import threading
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest
from Bio import bgzf

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.files.compression import prefetched
from opengenome_assets.inputs.letters import lengths
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta, named, oracle, pieces, records, write

TEXT = fasta(300)
CONTENT = TEXT.encode()

each_compression = pytest.mark.parametrize("extension", COMPRESS)


def prefetch_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("prefetch")]


@each_compression
def test_a_compressed_file_holds_the_same_records(tmp_path, extension: str):
    file = write(tmp_path / f"a.fa.{extension}", COMPRESS[extension](CONTENT))
    assert records(read_records(file)) == oracle(TEXT)


@each_compression
def test_a_file_of_several_members_is_read_to_its_end(tmp_path, extension: str):
    compress = COMPRESS[extension]
    members = b"".join(compress(piece) for piece in pieces(CONTENT, 10_007))
    assert records(read_records(write(tmp_path / f"a.fa.{extension}", members))) == oracle(TEXT)


@each_compression
def test_an_empty_member_in_the_middle_ends_nothing(tmp_path, extension: str):
    compress = COMPRESS[extension]
    content = compress(CONTENT[:1000]) + compress(b"") + compress(CONTENT[1000:]) + compress(b"")
    assert records(read_records(write(tmp_path / f"a.fa.{extension}", content))) == oracle(TEXT)


def test_bgzf_is_read_to_its_end(tmp_path: Path):
    path = tmp_path / "a.fa.bgz"
    with bgzf.BgzfWriter(path) as out:
        out.write(CONTENT)
        out.flush()
        out.write(CONTENT)
    assert records(read_records(write(path, path.read_bytes()))) == oracle(TEXT + TEXT)


def test_bgzf_with_an_empty_block_is_read_to_its_end(tmp_path: Path):
    stored = io.BytesIO()
    with bgzf.BgzfWriter(fileobj=stored) as out:
        out.write(CONTENT)
        closed = stored
        out.flush()
        both = closed.getvalue() + bgzf._bgzf_eof + closed.getvalue()
    assert records(read_records(write(tmp_path / "a.fa.gz", both))) == oracle(TEXT + TEXT)


def test_zeros_behind_a_gzip_member_are_padding(tmp_path: Path):
    content = gzip.compress(CONTENT) + bytes(513) + gzip.compress(CONTENT) + bytes(200_000)
    assert records(read_records(write(tmp_path / "a.fa.gz", content))) == oracle(TEXT + TEXT)


def test_skippable_zstd_frames_are_skipped(tmp_path: Path):
    compress = COMPRESS["zst"]
    skippable = struct.pack("<II", 0x184D2A53, 5) + b"index"
    content = skippable + compress(CONTENT[:999]) + skippable + compress(CONTENT[999:]) + skippable
    assert records(read_records(write(tmp_path / "a.fa.zst", content))) == oracle(TEXT)


def test_the_content_tells_the_compression_not_the_name(tmp_path: Path):
    plain = write(tmp_path / "unpacked_by_the_browser.fa.gz", CONTENT)
    packed = write(tmp_path / "packed.fa", bz2.compress(CONTENT))
    assert records(read_records(plain)) == records(read_records(packed)) == oracle(TEXT)


@each_compression
@pytest.mark.parametrize("cut", [1, 5, 9, 100])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, extension, cut: int):
    file = write(tmp_path / f"a.fa.{extension}", COMPRESS[extension](CONTENT)[:-cut])
    with pytest.raises(TruncatedInputError, match=rf"a\.fa\.{extension}: its .* data end before their end"):
        list(read_records(file))


@each_compression
def test_a_truncated_second_member_is_an_error(tmp_path, extension: str):
    member = COMPRESS[extension](CONTENT)
    file = write(tmp_path / f"a.fa.{extension}", member + member[:20])
    with pytest.raises(TruncatedInputError, match=r"complete records; the damage is in record"):
        list(read_records(file))


def test_a_truncation_says_how_far_the_file_was_good(tmp_path: Path):
    first = fasta(3)
    file = write(tmp_path / "a.fa.gz", gzip.compress(first.encode() + b">open one\nAC") + b"\x1f\x8b\x08")
    with pytest.raises(
        TruncatedInputError,
        match=rf"The first {len(first) + 12:,} decompressed bytes are valid and contain 3 complete records; "
        r"the damage is in record 'open'\. Download the file again",
    ):
        list(read_records(file))


@each_compression
def test_junk_behind_the_last_member_is_an_error(tmp_path, extension: str):
    file = write(tmp_path / f"a.fa.{extension}", COMPRESS[extension](CONTENT) + b"junkjunkjunk")
    with pytest.raises(TruncatedInputError, match="are damaged"):
        list(read_records(file))


@pytest.mark.parametrize("extension", ["gz", "bz2", "xz"])
def test_a_flipped_bit_is_an_error(tmp_path, extension: str):
    content = bytearray(COMPRESS[extension](CONTENT))
    content[len(content) // 2] ^= 0x10
    with pytest.raises(TruncatedInputError, match=rf"a\.fa\.{extension}: its .* data are damaged \(.+\)"):
        list(read_records(write(tmp_path / f"a.fa.{extension}", bytes(content))))


def test_a_wrong_gzip_checksum_is_an_error(tmp_path: Path):
    content = bytearray(gzip.compress(CONTENT))
    content[-6] ^= 1
    with pytest.raises(TruncatedInputError, match=r"damaged .*checksum"):
        list(read_records(write(tmp_path / "a.fa.gz", bytes(content))))


@each_compression
def test_what_expands_a_thousandfold_stays_within_a_few_blocks(tmp_path, extension: str):
    genome = b">n\n" + (b"N" * 80 + b"\n") * 125_000
    packed = COMPRESS[extension](genome) * 12
    file = write(tmp_path / f"a.fa.{extension}", packed)
    del genome
    tracemalloc.start()
    try:
        bases = sum(int(lengths(chunk).sum()) for chunk in read_records(file))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bases == 120_000_000
    assert peak < 90_000_000


def test_the_reading_thread_ends_when_the_consumer_stops_early(tmp_path: Path):
    chunks = read_records(write(tmp_path / "a.fa.gz", gzip.compress(fasta(40_000).encode(), 0)))
    next(chunks)
    assert prefetch_threads()
    chunks.close()
    assert not prefetch_threads()


def test_the_reading_thread_ends_when_the_file_is_damaged(tmp_path: Path):
    file = write(tmp_path / "a.fa.gz", gzip.compress(fasta(4_000).encode(), 0)[:-1])
    with pytest.raises(TruncatedInputError):
        list(read_records(file))
    assert not prefetch_threads()


def test_a_small_file_is_read_without_a_thread(tmp_path: Path):
    chunks = read_records(write(tmp_path / "a.fa.gz", gzip.compress(CONTENT)))
    next(chunks)
    assert not prefetch_threads()


def test_prefetching_stays_a_few_blocks_ahead():
    made = []

    def blocks():
        for number in range(100):
            made.append(number)
            yield bytes([number])

    ahead = prefetched(blocks())
    assert list(islice(ahead, 3)) == [b"\0", b"\1", b"\2"]
    ahead.close()
    assert len(made) <= 8


def test_what_the_thread_raises_comes_after_the_blocks_before_it():
    def blocks():
        yield b"good"
        raise OSError("disk on fire")

    ahead = prefetched(blocks())
    assert next(ahead) == b"good"
    with pytest.raises(OSError, match="disk on fire"):
        next(ahead)


def long_window(content: bytes, exponent: int = 31) -> bytes:
    """One zstd frame with one raw block, which states a window of 2^exponent bytes as ``zstd --long`` does."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd" + bytes((0, (exponent - 10) << 3)) + block


def test_zstd_with_a_usual_window_is_read(tmp_path: Path):
    file = write(tmp_path / "a.fa.zst", long_window(b">a\nACGT\n", exponent=27))
    assert records(read_records(file)) == [("a", "", "ACGT")]


@pytest.mark.parametrize("name", ["a.fa.zst", "a b.zst"])
def test_zstd_with_a_long_window_is_refused_with_the_command(tmp_path: Path, name: str):
    with pytest.raises(InputFormatError) as error:
        list(read_records(write(tmp_path / name, long_window(b">a\nACGT\n"))))
    assert not isinstance(error.value, TruncatedInputError)
    said, _, command = str(error.value).partition(" Compress it again and rename the result: ")
    assert (
        said
        == f"{tmp_path / name} was compressed with zstd --long and needs more than 128 MiB to decompress."
    )
    if shutil.which("zstd"):
        subprocess.run(command, shell=True, check=True)  # noqa: S602 - as pasted
        (tmp_path / f"{name}.new").rename(tmp_path / "new.fa.zst")
        assert records(read_records(named(tmp_path / "new.fa.zst"))) == [("a", "", "ACGT")]
