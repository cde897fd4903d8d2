"""Archives of FASTA: every member's records once, in order and under its name, or one error that names the member."""

import io
import stat
import tarfile
import tracemalloc
import zipfile

import pytest

from opengenome_assets.errors import InputFormatError, TruncatedInputError
from opengenome_assets.files.compression import DamagedStreamError
from opengenome_assets.inputs.archives import read_archive
from opengenome_assets.inputs.records import read_records
from opengenome_assets.inputs.sample import take_sample
from opengenome_assets.inputs.tar import decode_header, tar_members
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta, named, oracle, records, write

A, B = fasta(3, 200), fasta(5, 70).replace("seq_", "other_")


def tar(*members, mode="w", form=tarfile.GNU_FORMAT):
    """An archive of (name or TarInfo, content)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            body = content.encode() if isinstance(content, str) else content
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def of_type(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def read(path, chunk_bases=2**20, chunk_rows=1000):
    lines = []
    chunks = list(read_archive(named(path), chunk_bases, chunk_rows, lines.append))
    sources = [name for chunk in chunks for name in chunk["source"].to_pylist()]
    return records(chunks), sources, lines


def error_of(path):
    with pytest.raises(InputFormatError) as error:
        list(read_records(named(path)))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_has_the_records_of_its_members_in_order(tmp_path, form):
    deep = "d" * 90 + "/" + "e" * 60 + "/b.fna"
    path = write(tmp_path / "x.tar", tar(("z.fna", A), (deep, B), form=form)).uri
    found, sources, lines = read(tmp_path / "x.tar")
    assert found == oracle(A) + oracle(B)
    assert sources == ["x.tar/z.fna"] * 3 + [f"x.tar/{deep}"] * 5
    assert lines == []
    assert path == str(tmp_path / "x.tar")


@pytest.mark.parametrize("chunk_bases", [1, 50, 70, 1000])
@pytest.mark.parametrize("chunk_rows", [1, 3, 4])
def test_chunks_of_any_size_have_the_same_members(tmp_path, chunk_bases, chunk_rows):
    write(tmp_path / "x.tar", tar(*((f"{n}.fa", text) for n, text in enumerate([A, B, ">e", A]))))
    found, sources, _ = read(tmp_path / "x.tar", chunk_bases, chunk_rows)
    assert found == [*oracle(A), *oracle(B), ("e", "", ""), *oracle(A)]
    assert sources == [f"x.tar/{n}.fa" for n, count in enumerate([3, 5, 1, 3]) for _ in range(count)]


@pytest.mark.parametrize("inner", COMPRESS)
@pytest.mark.parametrize("outer", [*COMPRESS, "tgz"])
def test_archives_and_members_may_be_compressed(tmp_path, outer, inner):
    name = "x.tgz" if outer == "tgz" else f"x.tar.{outer}"
    content = tar(("a.fna", A), (f"b.fna.{inner}", COMPRESS[inner](B.encode())))
    write(tmp_path / name, COMPRESS[outer.replace("tgz", "gz")](content))
    found, sources, _ = read(tmp_path / name)
    assert found == oracle(A) + oracle(B)
    assert sources == [f"{name}/a.fna"] * 3 + [f"{name}/b.fna.{inner}"] * 5


def test_a_named_tar_is_known_by_its_content(tmp_path):
    assert write(tmp_path / "download", COMPRESS["gz"](tar(("a.fna", A)))).format == "tar"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("./a.fna", "a.fna"),
        ("/data/a.fna", "data/a.fna"),
        ("../../a.fna", "../../a.fna"),
        ("b c.fna", "b c.fna"),
    ],
)
def test_paths_in_archives_are_only_names(tmp_path, written, shown):
    write(tmp_path / "x.tar", tar((written, A)))
    _, sources, _ = read(tmp_path / "x.tar")
    assert set(sources) == {f"x.tar/{shown}"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]


def test_members_that_are_no_fasta_are_counted_in_the_log(tmp_path):
    others = [
        ("README.txt", "x"),
        ("b.txt", "x"),
        ("c.txt", "x"),
        ("p.faa", ">p\nMKV\n"),
        ("q.faa", ">p\nMKV\n"),
        (of_type("dir", tarfile.DIRTYPE), ""),
        (of_type("link.fna", tarfile.SYMTYPE, "/etc/passwd"), ""),
        (of_type("hard.fna", tarfile.LNKTYPE, "a.fna"), ""),
        (of_type("pipe.fna", tarfile.FIFOTYPE), ""),
        (of_type("null.fna", tarfile.CHRTYPE), ""),
        ("inner.tar", tar(("b.fna", B))),
        ("inner.zip", "PK"),
        ("._a.fna", "\0" * 700),
        ("__MACOSX/a.fna", "x"),
        ("Makefile", "x"),
    ]
    write(tmp_path / "x.tar", tar(*others[:7], ("a.fna", A), *others[7:]))
    found, _, lines = read(tmp_path / "x.tar")
    assert found == oracle(A)
    assert lines == ["leaving out  14 members of x.tar: 3 .txt files, 2 .faa files, 2 links, …"]


def test_kinds_of_sequences_in_an_archive_are_warned_of(tmp_path):
    write(tmp_path / "x.tar", tar(("d/x_genomic.fna", A), ("d/cds_from_genomic.fna", A)))
    _, _, lines = read(tmp_path / "x.tar")
    (line,) = lines
    assert "the names of the members of x.tar show different kinds" in line
    assert "coding sequences (1, such as cds_from_genomic.fna)" in line


def test_archives_after_each_other_are_read_to_the_end(tmp_path):
    write(tmp_path / "x.tar", tar(("a.fna", A)) + tar(("b.fna", B)))
    assert read(tmp_path / "x.tar")[0] == oracle(A) + oracle(B)


def sparse(form):
    info = tarfile.TarInfo("a.fna")
    if form == "old":
        info.type = tarfile.GNUTYPE_SPARSE
    else:
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "a.fna"}
    return tar((info, A), form=tarfile.PAX_FORMAT)


BOMB = of_type("././@PaxHeader", tarfile.XHDTYPE)
REFUSED = {
    "no FASTA": (tar(("a.txt", "x")), "x.tar has no FASTA file in it, only 1 .txt file. Remove it"),
    "no members": (tar(), "x.tar is filled with zero bytes."),
    "only a folder": (
        tar((of_type("d", tarfile.DIRTYPE), "")),
        "x.tar has no FASTA file in it, no members at all.",
    ),
    "empty member": (
        tar(("a.fna", A), ("b.fna", "")),
        "x.tar/b.fna is empty. Pack the archive again without",
    ),
    "web page": (tar(("b.fna", "<!DOCTYPE html>")), "x.tar/b.fna is a web page (HTML)"),
    "other text": (
        tar(("a.fna", A), ("b.fna", "\nACGT")),
        "x.tar/b.fna: line 2 has 'ACGT' before the first header.",
    ),
    "no record": (tar(("b.fna", "\n\n")), "x.tar/b.fna has no FASTA record"),
    "twice": (tar(("a.fna", A), ("./a.fna", A)), "x.tar has the member 'a.fna' twice"),
    "twice, compressed": (tar(("a.fna", A), ("a.fna.gz", A)), "x.tar has the member 'a.fna.gz' twice"),
    "control": (tar(("a\n.fna", A)), r"the name of its member 'a\n.fna' has control characters"),
    "not UTF-8": (tar(("caf\udce9.fna", A)), r"the name of its member 'caf\udce9.fna' has control"),
    "sparse, old": (
        sparse("old"),
        "x.tar/a.fna is packed as a sparse file. Pack the archive again without --sparse.",
    ),
    "sparse, PAX": (sparse("pax"), "x.tar/a.fna is packed as a sparse file."),
    "large header": (tar((BOMB, "1" * (2**20 + 1))), "a header has 1,048,577 bytes, the limit is 1,048,576"),
    "wrong header": (
        tar((BOMB, "x y")),
        "are damaged (an extended header is not readable), before its first member",
    ),
    "wrong size": (tar((BOMB, "10 size=x\n"), ("a.fna", A)), "a member has the size b'x'"),
    "large size": (tar((BOMB, "18 size=999999999\n"), ("a.fna", A)), "x.tar/a.fna: its tar data end before"),
    "web page as a whole": (b"<html>" + b" " * 600, "x.tar is a web page (HTML)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_archive_that_cannot_be_read_is_one_error(tmp_path, case):
    content, said = REFUSED[case]
    (tmp_path / "x.tar").write_bytes(content)
    message = error_of(tmp_path / "x.tar")
    assert message.startswith(str(tmp_path / "x.tar"))
    assert said in message


NAMES = (
    "a.fna",
    "d" * 97 + ".fa",
    "ü.fna",
    "\udcff.fa",
    "x/./y z.fa.gz",
    "folder/",
    "p" * 80 + "/" + "q" * 60,
)


@pytest.mark.parametrize("size", [0, 1, 5_000, 2**33 - 1, 2**33])
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.CONTTYPE])
def test_headers_are_decoded_as_tarfile_does(kind, form, size):
    for name in NAMES:
        info = of_type(name, kind)
        info.size, info.uid, info.mtime, info.uname = size, 1000, 1_700_000_000, "owner"
        # A size that needs more digits has no header in the format of 1988.
        if size < 2**33 or form == tarfile.GNU_FORMAT:
            block = info.tobuf(form, "utf-8", "surrogateescape")[-512:]
            expected = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            found = decode_header(block)
            assert (found.name, found.size, found.type) == (expected.name, expected.size, expected.type)


def test_damage_in_any_byte_of_a_header_is_found():
    content = tar(("a.fna", A))
    # Readers take the end of the checksum's field for padding.
    for at in set(range(512)) - {155}:
        damaged = bytearray(content)
        damaged[at] ^= 1
        with pytest.raises(DamagedStreamError):
            list(tar_members(iter([bytes(damaged)])))


def test_every_truncation_is_found(tmp_path):
    text = ">a\nACGT\n" * 100
    whole = tar(("a.fna", text), ("b.txt", "x" * 600), ("c.fna", text))
    last = 512 + 1024 + 512 + 1024 + 512 + 1024
    for size in (1, 511, 512, 700, 1535, 1536, 2000, 2048, 2500, 3072, 3073, 3584, 4000, last - 1, last):
        (tmp_path / "x.tar").write_bytes(whole[:size])
        with pytest.raises(TruncatedInputError, match=r"x\.tar.*its tar data end before their end mark"):
            list(read_records(named(tmp_path / "x.tar")))
    (tmp_path / "x.tar").write_bytes(whole[: last + 512])
    assert len(read(tmp_path / "x.tar")[0]) == 200


def test_damage_in_a_member_names_it_and_how_far_it_is_valid(tmp_path):
    write(tmp_path / "x.tar", tar(("a.fna", A), ("b.fna.gz", COMPRESS["gz"](B.encode())[:-5])))
    assert "x.tar/b.fna.gz: its gzip data end before their end mark. The first" in error_of(
        tmp_path / "x.tar"
    )


def test_records_before_a_damage_are_those_of_the_member(tmp_path):
    write(tmp_path / "x.tar", tar(("a.fna", A), ("b.fna", B))[: 512 + 1024 + 512 + 200])
    assert "valid and contain 2 complete records; the damage is in record 'other_2'" in error_of(
        tmp_path / "x.tar"
    )


def test_a_large_member_needs_little_memory(tmp_path):
    text = (">a\n" + "N" * 79 + "\n") * 2_500_000
    write(tmp_path / "x.tar", tar(("bomb.fna.gz", COMPRESS["gz"](text.encode()))))
    del text
    assert (tmp_path / "x.tar").stat().st_size < 3_000_000
    file = named(tmp_path / "x.tar")
    tracemalloc.start()
    assert sum(chunk.num_rows for chunk in read_archive(file, 2**20, 65_536, lambda _: None)) == 2_500_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    """A zip archive of (name or ZipInfo, content)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def linked(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


GENOME = "ncbi_dataset/data/GCF_1.1/GCF_1.1_genomic.fna"


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_package_of_ncbi_has_the_records_of_its_genomes(tmp_path, method):
    others = (
        ("README.md", "x"),
        ("ncbi_dataset/data/assembly_data_report.jsonl", "{}"),
        (linked("a.fna"), "/etc/passwd"),
    )
    packed = ("b.fna.zst", COMPRESS["zst"](B.encode()))
    write(tmp_path / "x.zip", zipped((GENOME, A), *others, ("d/", ""), packed, method=method))
    found, sources, lines = read(tmp_path / "x.zip")
    assert found == oracle(A) + oracle(B)
    assert sources == [f"x.zip/{GENOME}"] * 3 + ["x.zip/b.fna.zst"] * 5
    assert lines == ["leaving out  3 members of x.zip: 1 .md file, 1 .jsonl file, 1 link"]


def changed(content, at, new):
    """The same flags or method in the member's header and in the list of members."""
    local, listed = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    for place in (local + at, listed + at + 2):
        content = content[:place] + new + content[place + len(new) :]
    return content


STORED = zipped(("a.fna", A), method=zipfile.ZIP_STORED)
REFUSED_ZIPS = {
    "encrypted": (
        changed(STORED, 6, b"\x01"),
        "x.zip/a.fna is encrypted. Pack the archive again without a password.",
    ),
    "method": (
        changed(STORED, 8, b"\x63"),
        "x.zip/a.fna is compressed with method 99, which is not supported.",
    ),
    "wrong CRC": (
        STORED.replace(b"ACGT", b"CCGT", 1),
        "x.zip/a.fna: its zip data are damaged or incomplete (Bad CRC-32",
    ),
    "truncated": (
        STORED[:-30],
        "x.zip: its zip data are damaged or incomplete (File is not a zip file), before its first",
    ),
    "twice": (zipped(("a.fna", A), ("./a.fna", A)), "x.zip has the member 'a.fna' twice"),
    "no FASTA": (zipped(("a.txt", A)), "x.zip has no FASTA file in it, only 1 .txt file."),
    "empty": (zipped(("a.fna", "")), "x.zip/a.fna is empty."),
    "control": (zipped(("a\x1b.fna", A)), r"the name of its member 'a\x1b.fna' has control characters"),
    "web page": (b"<html>" + b" " * 600, "x.zip is a web page (HTML)"),
}


@pytest.mark.parametrize("case", REFUSED_ZIPS)
def test_a_zip_that_cannot_be_read_is_one_error(tmp_path, case):
    content, said = REFUSED_ZIPS[case]
    (tmp_path / "x.zip").write_bytes(content)
    message = error_of(tmp_path / "x.zip")
    assert message.startswith(str(tmp_path / "x.zip"))
    assert said in message


def test_a_named_zip_is_known_by_its_content(tmp_path):
    assert write(tmp_path / "download", zipped(("a.fna", A))).format == "zip"


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_a_sample_estimates_the_whole_archive(tmp_path, form):
    texts = [(f"{number}.fna", fasta(2, 3_000 + number)) for number in range(200)]
    file = write(tmp_path / f"x.{form}", tar(*texts) if form == "tar" else zipped(*texts))
    exact = take_sample([file], tmp_path)
    assert (exact.rows, exact.bases) == (400, sum(2 * (3_000 + number) for number in range(200)))
    part = take_sample([file], tmp_path, 200_000)
    assert not part.is_exact
    assert part.rows == pytest.approx(400, rel=0.1)
    assert part.bases == pytest.approx(exact.bases, rel=0.1)
