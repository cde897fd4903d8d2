"""Which files an input consists of, and what is refused before a byte of sequence is read."""

import gzip
import hashlib
import os

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opengenome_assets.errors import InputFormatError, InputNotFoundError
from opengenome_assets.inputs.file_names import FASTA_EXTENSIONS, mixed_contents
from opengenome_assets.inputs.find import InputFile, find_files, hash_file
from opengenome_assets_tests.inputs.inputs import write
from opengenome_assets_tests.scenario import project, write_fasta

RECORD = b">a\nACGT\n"


def put(folder, *names, content=RECORD):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(location):
    return [os.path.relpath(file.uri, location) for file in find_files(str(location))]


def test_a_file_is_described_without_being_read(tmp_path):
    put(tmp_path, "a.fa")
    path = tmp_path / "a.fa"
    expected = InputFile(str(path), "a.fa", "fasta", 8, str(path.stat().st_mtime_ns))
    assert find_files(str(path)) == find_files(path.as_uri()) == [expected]


def test_the_tag_changes_when_the_file_is_written_again(tmp_path):
    first = write(tmp_path / "a.fa", RECORD)
    os.utime(tmp_path / "a.fa", ns=(1, 1))
    (second,) = find_files(first.uri)
    assert second.tag == "1" != first.tag


def test_a_folder_is_searched_deep_and_sorted_by_path(tmp_path):
    put(tmp_path, "b/z.fa", "b.fa", "a/c/y.fasta.gz", "a10.fna", "a9.fna")
    assert names(tmp_path) == ["a/c/y.fasta.gz", "a10.fna", "a9.fna", "b.fa", "b/z.fa"]


@pytest.mark.parametrize("extension", FASTA_EXTENSIONS)
@pytest.mark.parametrize("packed", ["", ".gz", ".BGZ", ".bz2", ".xz", ".Zst"])
def test_fasta_extensions_are_known_in_any_case(tmp_path, extension, packed):
    put(tmp_path, f"a{extension}{packed}", f"b{extension.upper()}{packed}")
    assert [file.format for file in find_files(str(tmp_path))] == ["fasta", "fasta"]


def test_parquet_extensions_are_known_in_any_case(tmp_path):
    put(tmp_path, "a.parquet", "b.PQ", "c.snappy.parquet")
    assert {file.format for file in find_files(str(tmp_path))} == {"parquet"}


def test_other_files_in_a_folder_are_left_out(tmp_path):
    put(tmp_path, "a.fa", "a.fa.fai", "README.md", "proteins.faa", "a.fa.md5", "_SUCCESS", "b.parquet.crc")
    assert names(tmp_path) == ["a.fa"]


def test_what_spark_and_macos_keep_for_themselves_is_left_out(tmp_path):
    put(tmp_path, "a.fa", "._a.fa", ".cache/b.fa", "_temporary/0/c.fa", "deep/_other/d.fa")
    assert names(tmp_path) == ["a.fa"]


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path):
    put(tmp_path, "_set/.v1/a.fa")
    assert names(tmp_path / "_set" / ".v1") == ["a.fa"]


def test_linked_files_keep_the_name_of_the_link(tmp_path):
    put(tmp_path, "blobs/0a1b")
    (tmp_path / "genomes").mkdir()
    (tmp_path / "genomes" / "a.fa").symlink_to(tmp_path / "blobs" / "0a1b")
    assert [file.name for file in find_files(str(tmp_path / "genomes"))] == ["a.fa"]


def test_links_to_folders_are_followed_once(tmp_path):
    put(tmp_path, "elsewhere/a.fa", "set/b.fa")
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "set")
    assert names(tmp_path / "set") == ["b.fa", "linked/a.fa"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.fa", ["a.fa", "b.fa"]),
        ("?.fa.gz", ["c.fa.gz"]),
        ("[bc].*", ["b.fa", "c.fa.gz"]),
        ("**/*.fa", ["a.fa", "b.fa", "deep/er/d.fa"]),
        ("d*", ["deep/er/d.fa"]),
    ],
)
def test_a_glob_names_files_or_folders(tmp_path, pattern, found):
    put(tmp_path, "a.fa", "b.fa", "c.fa.gz", "deep/er/d.fa", "b.txt")
    assert [os.path.relpath(f.uri, tmp_path) for f in find_files(f"{tmp_path}/{pattern}")] == found


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path):
    put(tmp_path, "a[1].fa", "a1.fa")
    assert [file.name for file in find_files(str(tmp_path / "a[1].fa"))] == ["a[1].fa"]


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    put(tmp_path, "a.fa")
    monkeypatch.chdir(tmp_path)
    assert find_files("a.fa")[0].uri == str(tmp_path / "a.fa")


@pytest.mark.parametrize(
    "content", [RECORD, b"\n\n>a\nAC", gzip.compress(RECORD, mtime=0), b"\xef\xbb\xbf>a\nAC"]
)
def test_a_named_file_is_fasta_by_its_content(tmp_path, content):
    assert write(tmp_path / "genome.txt", content).format == "fasta"


def test_a_named_file_is_parquet_by_its_content(tmp_path):
    pq.write_table(pa.table({"sequence": ["AC"]}), tmp_path / "table")
    assert find_files(str(tmp_path / "table"))[0].format == "parquet"


@pytest.mark.parametrize("content", [b"ACGT", b"\x1f\x8bbroken", gzip.compress(b"LOCUS", mtime=0)])
def test_a_named_file_that_is_neither_is_refused(tmp_path, content):
    with pytest.raises(
        InputFormatError, match=r"genome\.txt is neither FASTA, JSON lines nor Parquet: it begins with b"
    ):
        write(tmp_path / "genome.txt", content)


@pytest.mark.parametrize("name", ["missing.fa", "missing/", "*.fa"])
def test_what_is_not_there_is_not_found(tmp_path, name):
    with pytest.raises(InputNotFoundError, match=r"no such file.* Allowed: FASTA \(\.fa, .*a glob or a URI"):
        find_files(f"{tmp_path}/{name}")


def test_an_empty_name_is_not_the_current_folder():
    with pytest.raises(InputNotFoundError, match="The input is an empty string"):
        find_files("")


def test_an_empty_folder_is_not_found(tmp_path):
    with pytest.raises(InputNotFoundError, match="no such file, or no file in this folder"):
        find_files(str(tmp_path))


def test_a_folder_without_input_lists_files_and_extensions(tmp_path):
    put(tmp_path, *(f"{letter}.txt" for letter in "abcdefg"))
    with pytest.raises(
        InputNotFoundError,
        match=r"only a\.txt, b\.txt, c\.txt, d\.txt, e\.txt, … \(7 files\)\. Allowed: FASTA .* or Parquet",
    ):
        find_files(str(tmp_path))


def test_a_link_to_nothing_is_an_error(tmp_path):
    put(tmp_path, "a.fa")
    (tmp_path / "b.fa").symlink_to(tmp_path / "gone")
    with pytest.raises(InputNotFoundError, match=r"b\.fa cannot be read: no such file"):
        find_files(str(tmp_path))


def test_fasta_beside_parquet_is_refused_with_one_of_each(tmp_path):
    put(tmp_path, "a.fa", "b.parquet")
    with pytest.raises(InputFormatError, match=r"both FASTA \(a\.fa\) and Parquet \(b\.parquet\)"):
        find_files(str(tmp_path))


def test_an_empty_file_is_refused_by_name(tmp_path):
    put(tmp_path, "a.fa")
    put(tmp_path, "b.fa", content=b"")
    with pytest.raises(InputFormatError, match=r"b\.fa is empty \(0 bytes\)\. Remove it"):
        find_files(str(tmp_path))


def test_a_file_beside_its_own_compressed_copy_is_refused(tmp_path):
    put(tmp_path, "a.fa", "a.fa.gz", "b.fa", "B.fa")
    with pytest.raises(
        InputFormatError, match=r"a\.fa and a\.fa\.gz look like the same file.* counted twice"
    ):
        find_files(str(tmp_path))


def test_the_hash_is_of_the_bytes_as_stored(tmp_path):
    content = gzip.compress(RECORD * 100_000)
    assert hash_file(write(tmp_path / "a.fa.gz", content)) == hashlib.sha256(content).hexdigest()


def test_hashing_a_file_that_is_gone_is_not_found(tmp_path):
    file = write(tmp_path / "a.fa", RECORD)
    (tmp_path / "a.fa").unlink()
    with pytest.raises(InputNotFoundError, match=r"a\.fa cannot be read: no such file"):
        hash_file(file)


NCBI = {
    "genomic.fna": "genomes or others",
    "cds_from_genomic.fna": "coding sequences",
    "rna.fna": "transcripts",
    "GCF_000001405.40_GRCh38.p14_rna_from_genomic.fna.gz": "transcripts",
    "GCF_000001405.40_GRCh38.p14_cds_from_genomic.fna.gz": "coding sequences",
    "Homo_sapiens.GRCh38.dna.toplevel.fa.gz": "genomes or others",
    "Homo_sapiens.GRCh38.dna_sm.toplevel.fa.gz": "masked genomes",
    "Homo_sapiens.GRCh38.cds.all.fa.gz": "coding sequences",
    "Homo_sapiens.GRCh38.cdna.all.fa.gz": "transcripts",
    "Homo_sapiens.GRCh38.ncrna.fa.gz": "transcripts",
    "PROKKA_1.ffn": "coding sequences",
}


@pytest.mark.parametrize("name", NCBI)
def test_a_name_says_what_the_file_holds(name):
    (found,) = [kind for kind, names in mixed_contents(NCBI).items() if name in names]
    assert found == NCBI[name]


@pytest.mark.parametrize(
    "names", [["a.fa"], ["a.fa", "b.fa"], ["a_cds.fa", "b.ffn"], ["rna_virus.fa", "cdsA.fa"], []]
)
def test_files_of_one_kind_are_not_mixed(names):
    assert mixed_contents(names) == {}


def test_registering_mixed_files_warns_and_says_so(tmp_path):
    folder = tmp_path / "ncbi_dataset"
    folder.mkdir()
    for name in ("genomic.fna", "cds_from_genomic.fna", "rna.fna"):
        write_fasta(folder / name, {name: "ATGAAATAA"})
    own = project(tmp_path, folder)
    own.runner.register()
    (line,) = [line for line in own.listener.lines if "different kinds" in line]
    assert "coding sequences (1, such as cds_from_genomic.fna)" in line
    event = own.instance.get_latest_materialization_event(dg.AssetKey(["mine", "raw_sequences"]))
    assert event.asset_materialization.metadata["files_by_contents"].value == {
        "coding sequences": 1,
        "genomes or others": 1,
        "transcripts": 1,
    }
