"""Parts of a file: together they contain each record once, wherever the file is cut."""

import gzip
import random
import re
import struct
import zlib
from itertools import accumulate, chain, pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from Bio import bgzf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.files.bgzf import END_BLOCK
from opengenome_assets.inputs import fasta as reader
from opengenome_assets.inputs.fasta import read_fasta
from opengenome_assets.inputs.parquet import read_parquet
from opengenome_assets.inputs.records import PART_BYTES, cuts, read_records, starting_rows
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta, named, pieces, records, write

FRAGMENTS = [
    b">",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n>",
    b"\r\n>",
    b"\r>",
    b"\n\n>x y\n",
    b" ",
    b"\t",
    b"ACGTN",
    b"a > b",
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(lambda found: b">" + b"".join(found))
BLOCKS = st.sampled_from([1, 2, 3, 7, 64, 2**20])
ANY_TIME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
FEWER = settings(ANY_TIME, max_examples=15)
LIMITS = (50, 5)

NASTY = {
    "crlf": b">a b\r\nACGT\r\nAC\r\n>c\r\nGG\r\n",
    "cr_alone": b">a b\rACGT\rAC\r>c\rGG\r>d",
    "mixed_line_ends": b">a\r\nAC\nGT\rAC\r\r\n\n>c\n\r>d\rGG",
    "no_final_newline": b">a\nACGT\n>b\nAC",
    "blank_lines": b"\n \n\t\r\n>a\n\nAC\n\n\nGT\n\n>b\n\n",
    "records_without_sequence": b">a\n>b\n\n>c\nAC\n>\n>\n>",
    "greater_inside_lines": b">a > b\nAC>GT\nACGT>\n >AC\n>>c >\n>d>\nAC>>\n>e\n",
    "long_header": b">a\nAC\n>b " + b"> x" * 40 + b"\nGG\n>c\nTT\n",
    "long_record": b">a\nAC\n>b\n" + b"ACGT\n" * 30 + b">c\nTT\n",
    "byte_order_mark": b"\xef\xbb\xbf>a\nAC\n>b\nGG\n",
    "byte_order_mark_and_blank_lines": b"\xef\xbb\xbf\n>a\nAC\n>b\nGG\n",
}


def naive(text: bytes) -> list[tuple[int, tuple[str, str, str]]]:
    """Place and content of each record, found with one regular expression over the whole text."""
    found = []
    for match in re.finditer(
        rb"(?:\A(?:\xef\xbb\xbf)?|(?<=[\r\n]))>([^\r\n]*)((?:[\r\n]+(?!>)[^\r\n]*)*)", text
    ):
        word, *rest = match[1].decode().strip().split(None, 1) or [""]
        place = match.start(1) - 1
        # A byte order mark belongs to the first record.
        place = 0 if match.start() == 0 else place
        found.append((place, (word, "".join(rest), re.sub(r"\s", "", match[2].decode()))))
    return found


def random_fasta(count, seed=0):
    """Records of random letters, which do not compress to nothing."""
    letters = random.Random(seed)
    lines = (f">seq_{seed}_{n} some\n{''.join(letters.choices('ACGT', k=3000))}\n" for n in range(count))
    return "".join(lines).encode()


def parts_of(file, places, block_bytes=2**20):
    """The records of each part between the places, and after the last one."""
    ends = [*places[1:], None]
    return [
        records(read_fasta(file, *LIMITS, block_bytes, begin, end))
        for begin, end in zip(places, ends, strict=True)
    ]


def expected_parts(found, places):
    ends = [*places[1:], float("inf")]
    return [
        [record for place, record in found if begin <= place < end]
        for begin, end in zip(places, ends, strict=True)
    ]


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("block_bytes", [3, 4, 2**20])
def test_a_cut_at_any_byte_divides_the_records(tmp_path, name, block_bytes):
    text = NASTY[name]
    file = write(tmp_path / "a.fa", text)
    found = naive(text)
    assert [record for _, record in found] == records(read_records(file))
    for cut in range(1, len(text) + 2):
        assert parts_of(file, [0, cut], block_bytes) == expected_parts(found, [0, cut])


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("part_bytes", [1, 2, 3, 5, 16])
def test_tiny_parts_contain_each_record_once(tmp_path, name, part_bytes):
    file = write(tmp_path / "a.fa", NASTY[name])
    places = cuts(file, part_bytes)
    assert places == list(range(0, len(NASTY[name]), part_bytes))
    assert parts_of(file, places) == expected_parts(naive(NASTY[name]), places)


@ANY_TIME
@given(TEXTS, BLOCKS, st.sets(st.integers(1, 150), max_size=6))
def test_any_places_divide_any_text(tmp_path, text, block_bytes, places):
    file = write(tmp_path / "a.fa", text)
    places = [0, *sorted(places)]
    assert parts_of(file, places, block_bytes) == expected_parts(naive(text), places)


def test_reading_from_a_place_includes_all_later_parts(tmp_path):
    file = write(tmp_path / "a.fa", fasta(40))
    places = cuts(file, 1000)
    parts = [records(read_records(file, begin, end)) for begin, end in pairwise([*places, None])]
    assert len(parts) > 20
    for number, place in enumerate(places):
        assert records(read_records(file, place)) == list(chain(*parts[number:]))


def test_a_part_inside_a_record_is_empty(tmp_path):
    file = write(tmp_path / "a.fa", b">long\n" + b"ACGT\n" * 1000 + b">b\nGG\n")
    assert list(read_records(file, 100, 5000)) == []
    assert records(read_records(file, 5000, 5007)) == [("b", "", "GG")]


def test_a_large_part_reads_only_what_it_needs(tmp_path, monkeypatch):
    text = fasta(20_000).encode()
    file = write(tmp_path / "a.fa", text)
    fed = []
    feed = reader.FastaParser._feed
    monkeypatch.setattr(
        reader.FastaParser, "_feed", lambda self, block: fed.append(len(block)) or feed(self, block)
    )
    begin, end = 3_000_000, 5_000_000
    parts = records(read_records(file, begin, end))
    assert parts == expected_parts(naive(text), [0, begin, end])[1]
    assert abs(sum(fed) - (end - begin)) < 1000


def test_only_the_first_part_refuses_text_before_the_header(tmp_path):
    file = write(tmp_path / "a.fa", b"; note\n" * 10 + b">a\nAC\n")
    assert records(read_records(file, 3)) == [("a", "", "AC")]
    for end in (1, 20, None):
        with pytest.raises(InputFormatError, match="line 1 has '; note' before the first header"):
            list(read_records(file, 0, end))


@pytest.mark.parametrize("end", [1, 3, 100, None])
def test_the_first_part_refuses_a_file_of_blank_lines(tmp_path, end):
    file = write(tmp_path / "a.fa", b"\n" * 10)
    assert list(read_records(file, 3)) == []
    with pytest.raises(InputFormatError, match="has no FASTA record"):
        list(read_records(file, 0, end))


def test_the_first_part_refuses_another_kind_of_file(tmp_path):
    file = write(tmp_path / "a.fa", b"@read\nACGT\n+\nFFFF\n" * 10)
    with pytest.raises(InputFormatError, match="FASTQ"):
        list(read_records(file, 0, 1))


def test_a_header_without_end_is_refused_with_its_parts_place(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "LONGEST_HEADER", 1000)
    file = write(tmp_path / "a.fa", ">a\nAC\n>b" + "x" * 1000)
    with pytest.raises(InputFormatError, match=r"the header after byte 4 has more than 1,000 bytes"):
        list(read_records(file, 4))


@pytest.mark.parametrize("extension", COMPRESS)
def test_a_compressed_file_is_one_part(tmp_path, extension):
    text = fasta(300)
    file = write(tmp_path / f"a.fa.{extension}", COMPRESS[extension](text.encode()))
    assert cuts(file, 100) == [0]
    assert records(read_records(file, 0, 100)) == [record for _, record in naive(text.encode())]
    assert list(read_records(file, 100, 200)) == list(read_records(file, 200)) == []


def block(text: bytes, level: int = 6, fields: bytes = b"") -> bytes:
    """A block of BGZF, after its specification; ``fields`` are other extra fields before the size."""
    packer = zlib.compressobj(level, wbits=-15)
    data = packer.compress(text) + packer.flush()
    fixed = struct.pack("<4sI2sH", b"\x1f\x8b\x08\x04", 0, b"\0\xff", len(fields) + 6) + fields
    size = len(fixed) + 6 + len(data) + 8
    end = struct.pack("<II", zlib.crc32(text), len(text))
    return fixed + struct.pack("<2sHH", b"BC", 2, size - 1) + data + end


def bgzf_file(path, texts, level=6):
    """A file of one block per text and the end block, and its records by the place that decides their part."""
    blocks = [block(text, level) for text in texts]
    starts = list(accumulate(map(len, blocks), initial=0))
    # The block that has the byte before the '>' decides; for the first byte of the text, the file's beginning.
    block_of = [start for start, text in zip(starts, texts, strict=False) for _ in text]
    found = [(block_of[at - 1] if at else 0, record) for at, record in naive(b"".join(texts))]
    return write(path, b"".join(blocks) + block(b"")), found


def pieces_of(text, ends):
    edges = [0, *sorted(min(end, len(text)) for end in ends), len(text)]
    return [text[begin:end] for begin, end in pairwise(edges)]


def test_blocks_of_the_test_are_those_of_a_library(tmp_path):
    bgzf_file(tmp_path / "a.fa.gz", [b">a\nAC\n", b">b\nGT\n"])
    with bgzf.open(tmp_path / "a.fa.gz", "rb") as library:
        assert library.read(100) == b">a\nAC\n>b\nGT\n"
    assert block(b"") == bgzf._bgzf_eof
    assert bgzf._bgzf_eof == END_BLOCK


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("size", [4, 7, 1000])
def test_bgzf_cut_at_any_byte_divides_the_records(tmp_path, name, size):
    file, found = bgzf_file(tmp_path / "a.fa.gz", list(pieces(NASTY[name], size)))
    whole = [record for _, record in found]
    assert whole == records(read_records(file))
    for cut in range(1, file.size + 2, 3):
        assert parts_of(file, [0, cut]) == expected_parts(found, [0, cut])
    for part_bytes in (10, 40):
        places = cuts(file, part_bytes)
        assert places == list(range(0, file.size, part_bytes))
        assert list(chain(*parts_of(file, places))) == whole


@ANY_TIME
@given(
    TEXTS,
    st.lists(st.integers(0, 90), max_size=12),
    st.lists(st.integers(1, 600), max_size=6, unique=True).map(sorted),
    st.sampled_from([0, 6]),
)
def test_any_places_divide_any_bgzf(tmp_path, text, ends, places, level):
    file, found = bgzf_file(tmp_path / "a.fa.gz", pieces_of(text, ends), level)
    assert parts_of(file, [0, *places]) == expected_parts(found, [0, *places])


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("empty_blocks", [0, 1, 3])
def test_a_block_that_begins_with_a_record_loses_none(tmp_path, line_end, empty_blocks):
    texts = [b">a" + line_end + b"AC" + line_end, *[b""] * empty_blocks, b">b" + line_end + b"GT>" + line_end]
    file, found = bgzf_file(tmp_path / "a.fa.gz", texts)
    assert len(found) == 2
    for cut in range(1, file.size):
        assert parts_of(file, [0, cut, cut + 1]) == expected_parts(found, [0, cut, cut + 1])


def test_a_file_of_real_blocks_is_cut(tmp_path):
    text = random_fasta(400)
    with bgzf.BgzfWriter(tmp_path / "a.fa.bgz") as out:
        out.write(text)
    file = named(tmp_path / "a.fa.bgz")
    places = cuts(file, file.size // 5)
    parts = [records(read_records(file, begin, end)) for begin, end in pairwise([*places, None])]
    assert min(map(len, parts[:5])) > 50
    assert list(chain(*parts)) == [record for _, record in naive(text)]
    assert records(read_records(file, places[2])) == list(chain(*parts[2:]))


def test_other_fields_before_the_size_of_a_block_are_skipped(tmp_path):
    texts = [b">a\nAC\n>b\n", b"GT\n>c\nAC\n", b">d\nTT\n"]
    content = b"".join(block(text, fields=b"XY\3\0abc") for text in texts) + block(b"")
    file = write(tmp_path / "a.fa.gz", content)
    assert [len(part) for part in parts_of(file, [0, 5, len(block(texts[0])) + 20])] == [2, 2, 0]


def test_a_header_of_a_block_inside_a_block_begins_no_part(tmp_path):
    false = block(b"")[:18]
    texts = [b">a\nAC\n>b\nGT\n", b">c " + false + b"\nAC\n", b">d " + false + b"x" * 20 + b"\nAC\n"]
    blocks = [block(text, level=0) for text in texts]
    file = write(tmp_path / "a.fa.gz", b"".join(blocks) + block(b""))
    whole = [letters for _, _, letters in records(read_records(file))]
    assert len(whole) == 4
    for cut in range(1, file.size):
        assert [letters for part in parts_of(file, [0, cut]) for _, _, letters in part] == whole


def test_a_whole_block_inside_a_block_is_an_error(tmp_path):
    first = block(b">a\nAC\n>b " + block(b"x") + block(b"") + b"\n", level=0)
    file = write(tmp_path / "a.fa.gz", first + block(b">c\nGT\n") + block(b""))
    with pytest.raises(TruncatedInputError, match="have a block inside another one at byte"):
        parts_of(file, [0, 20])


def test_gzip_members_after_blocks_belong_to_the_part_before(tmp_path):
    texts = [b">a\nAC\n>b\nGT\n", b">c\nAC\n"]
    blocks = b"".join(map(block, texts)) + block(b"")
    ordinary = gzip.compress(b">d\nAC\n>e\nAC\n", mtime=0)
    file = write(tmp_path / "a.fa.gz", blocks + ordinary + gzip.compress(b">f\nAC\n", mtime=0) + blocks)
    whole = records(read_records(file))
    assert [seq_id for seq_id, _, _ in whole] == list("abcdefabc")
    for cut in range(1, file.size + 1):
        assert list(chain(*parts_of(file, [0, cut]))) == whole
    places = list(range(0, file.size, 9))
    assert list(chain(*parts_of(file, places))) == whole


@pytest.mark.parametrize(
    "ending", [b"", gzip.compress(b">z\nAC\n", mtime=0), b"\0" * 100], ids=["nothing", "gzip", "zeros"]
)
def test_blocks_without_the_end_block_are_one_part(tmp_path, ending):
    file = write(tmp_path / "a.fa.gz", block(b">a\nAC\n") * 3 + ending)
    assert cuts(file, 10) == [0]


def test_a_damaged_block_is_an_error_of_its_part_only(tmp_path):
    blocks = [block(random_fasta(2, number)) for number in range(9)]
    content = bytearray(b"".join(blocks) + block(b""))
    starts = list(accumulate(map(len, blocks), initial=0))
    content[starts[5] - 100] ^= 0xFF
    file = write(tmp_path / "a.fa.gz", bytes(content))
    places = [0, starts[3], starts[6]]
    first, damaged, last = pairwise([*places, None])
    assert len(records(read_records(file, *first))) == 7
    assert len(records(read_records(file, *last))) == 5
    with pytest.raises(
        TruncatedInputError,
        match=rf"a\.fa\.gz: its gzip data are damaged .* decompressed bytes after byte {starts[3]:,} are valid",
    ):
        list(read_records(file, *damaged))


def test_a_truncated_file_of_blocks_is_an_error_of_its_end(tmp_path):
    blocks = [block(random_fasta(2, number)) for number in range(5)]
    file = write(tmp_path / "a.fa.gz", b"".join(blocks)[:-20])
    assert len(records(read_records(file, 0, len(blocks[0])))) == 3
    for begin in (0, len(blocks[0]), sum(map(len, blocks[:4]))):
        with pytest.raises(TruncatedInputError, match="end before their end mark"):
            list(read_records(file, begin))


def test_a_small_file_is_one_part(tmp_path):
    assert cuts(write(tmp_path / "a.fa", fasta(300))) == [0]
    assert PART_BYTES > 2**20


def parquet_file(path, group_rows, **options):
    """Records of growing length; the row groups have the given numbers of rows."""
    schema = pa.schema({"seq_id": pa.string(), "sequence": pa.string()})
    with pq.ParquetWriter(path, schema, **options) as writer:
        number = 0
        for rows in group_rows:
            ids = [f"seq_{row}" for row in range(number, number + rows)]
            letters = ["ACGTTGCANRYKM"[row % 11 :] * (row % 50) for row in range(number, number + rows)]
            writer.write_table(pa.table([ids, letters], schema=schema), row_group_size=max(rows, 1))
            number += rows
    return named(path)


GROUPS = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@FEWER
@given(GROUPS, st.sampled_from([1, 500, 2000, 10_000, 2**40]), st.data())
def test_row_groups_divide_the_rows(tmp_path, group_rows, part_bytes, data):
    file = parquet_file(
        tmp_path / "a.parquet", group_rows, compression=data.draw(st.sampled_from(["none", "zstd"]))
    )
    whole = records(read_records(file))
    assert len(whole) == sum(group_rows)
    starts = starting_rows(file)
    any_places = [0, *sorted(data.draw(st.sets(st.sampled_from(starts))) - {0})]
    for places in (cuts(file, part_bytes), any_places):
        assert places[0] == 0
        assert set(places) <= set(starts)
        assert places == sorted(set(places))
        for begin, end in zip(places, [*places[1:], None], strict=True):
            assert records(read_parquet(file, *LIMITS, begin, end)) == whole[begin:end]
            assert records(read_records(file, begin)) == whole[begin:]


def test_a_part_of_parquet_has_about_the_wanted_bytes(tmp_path):
    file = parquet_file(tmp_path / "a.parquet", [50] * 100)
    places = cuts(file, file.size // 10)
    assert len(places) == 10
    assert all(abs(places[part] - 500 * part) <= 50 for part in range(10))
    assert cuts(file, 1) == [50 * group for group in range(100)]
    assert cuts(file, file.size) == [0]


def test_a_place_between_row_groups_is_refused(tmp_path):
    file = parquet_file(tmp_path / "a.parquet", [10, 10])
    for begin, end in ((0, 5), (5, 10), (5, None), (0, 21)):
        with pytest.raises(TruncatedInputError, match="rows up to here"):
            list(read_records(file, begin, end))


def test_a_damaged_part_of_parquet_leaves_the_others_readable(tmp_path):
    path = tmp_path / "a.parquet"
    file = parquet_file(path, [50] * 4, use_dictionary=False, compression="none", write_page_checksum=True)
    whole = records(read_records(file))
    content = bytearray(path.read_bytes())
    content[pq.read_metadata(path).row_group(1).column(1).data_page_offset + 200] ^= 1
    path.write_bytes(content)
    file = named(path)
    assert records(read_records(file, 0, 50)) == whole[:50]
    assert records(read_records(file, 100)) == whole[100:]
    with pytest.raises(TruncatedInputError, match="damaged or incomplete"):
        list(read_records(file, 50, 100))
