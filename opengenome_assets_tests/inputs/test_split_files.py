"""Parts of split files are read as the file that was split, or refused by name."""

import hashlib
import itertools
import shutil
import subprocess

import fsspec
import pytest

from opengenome_assets.batches.planned_rows import registered_files
from opengenome_assets.batches.register import register
from opengenome_assets.datasets.names import name_of_location
from opengenome_assets.errors import InputChangedError, InputFormatError, TruncatedInputError
from opengenome_assets.files.split_files import suffixes
from opengenome_assets.inputs.find import find_files, hash_file
from opengenome_assets.inputs.records import read_records
from opengenome_assets_tests.inputs.inputs import COMPRESS, fasta, oracle, records
from opengenome_assets_tests.inputs.test_archives import tar
from opengenome_assets_tests.scenario import project

TEXT = fasta(40, 300)
SERIES = {
    "partaa": ["partaa", "partab", "partac"],
    "aa": ["aa", "ab", "ac"],
    "000": ["000", "001", "002"],
    "001": ["001", "002", "003"],
    "part01": ["part01", "part02", "part03"],
    "part1": [f"part{number}" for number in range(1, 13)],
    "part-00000": ["part-00000", "part-00001"],
    "part.aa": ["part.aa", "part.ab"],
}


def put(folder, whole, ends, content):
    size = -(-len(content) // len(ends))
    for number, end in enumerate(ends):
        (folder / f"{whole}.{end}").write_bytes(content[number * size : (number + 1) * size])


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("whole", ["x.fa", "x.fasta.gz", "x.fna.zst", "x.tar"])
def test_parts_are_read_as_the_file_that_was_split(tmp_path, series, whole):
    content = tar(("a.fa", TEXT)) if whole == "x.tar" else TEXT.encode()
    extension = whole.rpartition(".")[2]
    content = COMPRESS[extension](content) if extension in COMPRESS else content
    put(tmp_path, whole, SERIES[series], content)
    lines = []
    (file,) = find_files(str(tmp_path), lines.append)
    assert (file.name, file.size) == (whole, len(content))
    assert hash_file(file) == hashlib.sha256(content).hexdigest()
    assert records(read_records(file)) == oracle(TEXT)
    assert lines == [f"reading  {len(SERIES[series])} parts as one file: {file.uri}"]
    # One part, the location of all, and a glob mean the same file.
    for location in (f"{tmp_path}/{whole}.{SERIES[series][1]}", file.uri, f"{tmp_path}/{whole}.*"):
        assert find_files(location) == [file]


@pytest.mark.parametrize("options", [["-b", "9"], ["-b", "9", "-d"], ["-b", "400", "-d", "-a", "3"]])
def test_parts_that_split_makes_are_in_its_order(tmp_path, options):
    if shutil.which("split") is None:
        pytest.skip("the program split is not installed")
    content = TEXT.encode()
    subprocess.run(["split", *options, "-", "x.fa.part"], input=content, cwd=tmp_path, check=True)
    (file,) = find_files(str(tmp_path))
    assert hash_file(file) == hashlib.sha256(content).hexdigest()


def test_suffixes_become_longer_as_those_of_split():
    letters = list(suffixes("aa", "zzaaab"))
    assert letters[648:652] == ["yy", "yz", "zaaa", "zaab"]
    assert letters[-3:] == ["zyzz", "zzaaaa", "zzaaab"]
    assert list(suffixes("88", "9001")) == ["88", "89", "9000", "9001"]
    assert list(itertools.islice(suffixes("00", "99"), 88, 92)) == ["88", "89", "90", "91"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x.fa.gz.aa", "x.fa.gz.ac"], r"x\.fa\.gz\.ab is missing: x\.fa\.gz\.ac is a later part"),
        (["x.fa.gz.ab", "x.fa.gz.ac"], r"x\.fa\.gz\.aa is missing"),
        (["x.fa.gz.002", "x.fa.gz.003"], r"x\.fa\.gz\.001 is missing"),
        (["x.fa.gz.part01", "x.fa.gz.part04"], r"x\.fa\.gz\.part02 is missing"),
        (["x.fa.aa", "x.fa.partaa"], r"x\.fa\.aa and .*x\.fa\.partaa look like parts of the same file"),
        (["x.fa.aa", "x.fa.00"], r"x\.fa\.00 and .*x\.fa\.aa look like parts of the same file"),
        (["x.fa.01", "x.fa.001"], r"x\.fa\.\d+ does not follow the other parts"),
        (["x.fa.gz", "x.fa.gz.aa"], r"look like the same file, compressed and uncompressed"),
    ],
)
def test_missing_and_doubled_parts_are_refused_by_name(tmp_path, names, said):
    for name in names:
        (tmp_path / name).write_bytes(b">a\nACGT\n")
    with pytest.raises(InputFormatError, match=said):
        find_files(str(tmp_path))


def test_a_part_alone_whose_sibling_is_missing_is_refused(tmp_path):
    for name in ("x.fa.aa", "x.fa.ac"):
        (tmp_path / name).write_bytes(b">a\nACGT\n")
    with pytest.raises(InputFormatError, match=r"x\.fa\.ab is missing"):
        find_files(str(tmp_path / "x.fa.aa"))


def test_a_missing_last_part_of_compressed_data_is_an_error(tmp_path):
    put(tmp_path, "x.fa.gz", ["aa", "ab", "ac"], COMPRESS["gz"](TEXT.encode()))
    (tmp_path / "x.fa.gz.ac").unlink()
    (file,) = find_files(str(tmp_path))
    with pytest.raises(TruncatedInputError, match=r"x\.fa\.gz\.\{aa\.\.ab\}: its gzip data end before"):
        list(read_records(file))


def test_other_extensions_are_no_parts(tmp_path):
    (tmp_path / "g.fa").write_bytes(b">a\nACGT\n")
    for end in ("fai", "amb", "ann", "bwt", "pac", "sa", "1", "partial", "2024", "gzi"):
        (tmp_path / f"g.fa.{end}").write_bytes(b"x")
    assert [file.name for file in find_files(str(tmp_path))] == ["g.fa"]


@pytest.mark.parametrize("end", ["aa", "ab", "ac"])
def test_a_part_that_is_missing_later_is_named(tmp_path, end):
    (tmp_path / "in").mkdir()
    put(tmp_path / "in", "x.fa", ["aa", "ab", "ac"], TEXT.encode())
    own = project(tmp_path, tmp_path / "in" / "x.fa.aa")
    register(own.runner.dataset, lambda _: None)
    assert [each.file.name for each in registered_files(own.folder, own.manifest)] == ["x.fa"]
    (tmp_path / "in" / f"x.fa.{end}").unlink()
    with pytest.raises(
        InputChangedError, match=rf"is missing now \(.*x\.fa\.{end} cannot be read: no such file\)"
    ):
        registered_files(own.folder, own.manifest)


def test_a_part_that_is_changed_later_is_noticed(tmp_path):
    put(tmp_path, "x.fa", ["aa", "ab"], TEXT.encode())
    own = project(tmp_path, tmp_path / "x.fa.ab")
    register(own.runner.dataset, lambda _: None)
    (tmp_path / "x.fa.ab").write_bytes((tmp_path / "x.fa.ab").read_bytes().replace(b"A", b"C"))
    with pytest.raises(InputChangedError, match="changed since it was registered"):
        registered_files(own.folder, own.manifest)


def test_remote_parts_are_found_by_one_of_them():
    store = fsspec.filesystem("memory")
    content = COMPRESS["gz"](TEXT.encode())
    for end, part in (("aa", content[:300]), ("ab", content[300:])):
        store.pipe(f"/split/x.fa.gz.{end}", part)
    try:
        (file,) = find_files("memory://split/x.fa.gz.ab")
        assert find_files(file.uri) == find_files("memory://split") == [file]
        assert records(read_records(file)) == oracle(TEXT)
    finally:
        store.rm("/split", recursive=True)


def test_a_part_on_a_web_server_is_refused_with_how_to_name_all():
    with pytest.raises(InputFormatError, match=r"http://127\.0\.0\.1:9/x\.fa\.gz\.\{aa\.\.ac\}"):
        find_files("http://127.0.0.1:9/x.fa.gz.aa")


@pytest.mark.parametrize("name", ["x.fa.gz.partaa", "x.tar.001", "x.fa.part{aa..ac}", "x.tgz", "x.zip"])
def test_the_name_of_a_data_set_has_no_extensions(name):
    assert name_of_location(f"/data/{name}") == "x"
