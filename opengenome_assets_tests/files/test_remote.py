"""Remote files: the same records as from local files, and one-line errors."""

import gzip
import hashlib
import http.server
import io
import random
import re
import socket
import threading
import time
from contextlib import contextmanager
from functools import partial
from itertools import chain, pairwise

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from Bio import bgzf

from opengenome_assets.errors import InputFormatError, InputNotFoundError, LostConnectionError
from opengenome_assets.files import remote as storage
from opengenome_assets.graph import failures
from opengenome_assets.inputs.find import find_files, hash_file
from opengenome_assets.inputs.records import cuts, read_records
from opengenome_assets_tests.inputs.inputs import fasta, oracle, records
from opengenome_assets_tests.scenario import project

TEXT = fasta(50)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):  # noqa: A002 - the base class calls it so
        pass

    def send_head(self):
        if self.path == "/private.fa":
            return self.send_error(403)
        return super().send_head()


@contextmanager
def serving(handler, folder):
    """Serve a folder on loopback until the block ends; the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def web(tmp_path):
    """A web server of the folder; it knows no ranges."""
    with serving(Quiet, tmp_path) as address:
        yield address


@pytest.fixture
def bucket():
    """An object store in memory."""
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/set/b.fa.gz", gzip.compress(TEXT.encode()))
    store.pipe("/bucket/set/a.fa", b">first\nAC\n")
    store.pipe("/bucket/set/notes.txt", b"no genome")
    store.pipe("/bucket/set/_temporary/0/c.fa", b">half\nA")
    yield "memory://bucket/set"
    store.rm("/bucket", recursive=True)


def read(location):
    return [record for file in find_files(location) for record in records(read_records(file))]


@pytest.mark.service
def test_fasta_is_read_from_a_web_server(tmp_path, web):
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(TEXT.encode()))
    (file,) = find_files(f"{web}/a.fa.gz?download=1")
    assert (file.name, file.format, file.size) == ("a.fa.gz", "fasta", (tmp_path / "a.fa.gz").stat().st_size)
    assert records(read_records(file)) == oracle(TEXT)


@pytest.mark.service
def test_fasta_of_many_blocks_is_read_without_ranges(tmp_path, web, monkeypatch):
    monkeypatch.setattr(storage, "REMOTE_BLOCK", 1000)
    text = fasta(1000)
    (tmp_path / "a.fa").write_text(text)
    assert read(f"{web}/a.fa") == oracle(text)


@pytest.mark.service
@pytest.mark.parametrize("name", ["a.fa", "a.fa.gz"])
def test_a_file_from_a_server_without_ranges_is_one_part(tmp_path, web, monkeypatch, name):
    monkeypatch.setattr(storage, "REMOTE_BLOCK", 1000)
    text = "".join(f">{n}\n{random.Random(n).randbytes(3000).hex()}\n" for n in range(100))
    (tmp_path / "a.fa").write_text(text)
    with bgzf.BgzfWriter(tmp_path / "a.fa.gz") as out:
        out.write(text.encode())
    (local,) = find_files(str(tmp_path / name))
    places = cuts(local, local.size // 10)
    assert len(places) >= 10
    (file,) = find_files(f"{web}/{name}")
    assert cuts(file, local.size // 10) == [0]
    with pytest.raises(InputNotFoundError, match="its server does not support range requests"):
        list(read_records(file, *places[5:7]))


def test_a_file_in_an_object_store_is_read_in_parts(bucket):
    text = fasta(300)
    fsspec.filesystem("memory").pipe("/bucket/set/c.fa", text.encode())
    (file,) = find_files(f"{bucket}/c.fa")
    parts = [records(read_records(file, *part)) for part in pairwise([*cuts(file, 10_000), None])]
    assert min(map(len, parts)) > 10
    assert list(chain(*parts)) == oracle(text)


@pytest.mark.service
def test_parquet_is_read_from_a_web_server(tmp_path, web):
    pq.write_table(pa.table({"seq_id": ["a"], "sequence": ["AC"]}), tmp_path / "a.parquet")
    assert read(f"{web}/a.parquet") == [("a", "", "AC")]


@pytest.mark.service
def test_a_file_that_a_web_server_does_not_have_is_one_line(web):
    with pytest.raises(
        InputNotFoundError, match=r"http://.*/missing\.fa cannot be read: 404, .*File not found"
    ):
        find_files(f"{web}/missing.fa")


@pytest.mark.service
def test_a_file_that_a_web_server_keeps_back_is_one_line(web):
    with pytest.raises(
        InputNotFoundError, match=r"/private\.fa cannot be read: .*403.* your access to it\."
    ) as refused:
        find_files(f"{web}/private.fa")
    assert "\n" not in str(refused.value)


@pytest.mark.service
def test_a_page_that_is_no_genome_is_refused(web):
    with pytest.raises(InputFormatError, match=r"/ is a web page \(HTML\)"):
        find_files(f"{web}/")


@pytest.mark.service
def test_large_parquet_is_refused_without_ranges(tmp_path, web, monkeypatch):
    monkeypatch.setattr(storage, "REMOTE_BLOCK", 1000)
    column = pa.array([random.Random(1).randbytes(500_000)])
    pq.write_table(pa.table({"sequence": column}), tmp_path / "a.parquet")
    with pytest.raises(
        InputNotFoundError, match=r"a\.parquet cannot be read: its server does not support range requests"
    ):
        read(f"{web}/a.parquet")


def test_a_server_that_is_not_there_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(InputNotFoundError, match=rf"http://127\.0\.0\.1:{port}/a\.fa cannot be read: .+\."):
        find_files(f"http://127.0.0.1:{port}/a.fa")


def test_a_remote_folder_is_searched_and_sorted(bucket):
    files = find_files(bucket)
    assert [file.uri for file in files] == ["memory:///bucket/set/a.fa", "memory:///bucket/set/b.fa.gz"]
    assert [file.name for file in files] == ["a.fa", "b.fa.gz"]
    assert read(bucket) == [("first", "", "AC"), *oracle(TEXT)]


def test_a_remote_glob_names_files(bucket):
    assert [file.name for file in find_files(f"{bucket}/*.gz")] == ["b.fa.gz"]


def test_a_remote_file_is_hashed_as_stored(bucket):
    (file,) = find_files(f"{bucket}/a.fa")
    assert file.size == 10
    assert hash_file(file) == hashlib.sha256(b">first\nAC\n").hexdigest()


def test_the_tag_of_a_remote_file_changes_with_it(bucket):
    (before,) = find_files(f"{bucket}/a.fa")
    fsspec.filesystem("memory").pipe("/bucket/set/a.fa", b">first\nACGT\n")
    (after,) = find_files(f"{bucket}/a.fa")
    assert before.tag != after.tag


def test_a_remote_parquet_file_is_read(bucket):
    with fsspec.open("memory://bucket/table.parquet", "wb") as out:
        pq.write_table(pa.table({"seq_id": ["a", "b"], "sequence": ["AC", "GT"]}), out)
    assert read("memory://bucket/table.parquet") == [("a", "", "AC"), ("b", "", "GT")]


def test_a_remote_folder_without_input_is_not_found(bucket):
    with pytest.raises(InputNotFoundError, match="no such file, or no file in this folder"):
        find_files("memory://bucket/nothing")


@pytest.mark.parametrize("uri", ["nosuch://bucket/a.fa", "oci://bucket/a.fa"])
def test_a_scheme_that_cannot_be_used_is_one_line(uri):
    with pytest.raises(
        InputNotFoundError, match=rf"{uri} cannot be read: (Protocol not known|Install ocifs)"
    ):
        find_files(uri)


class Cutting(Quiet):
    """Sends half of what it announces, N times, and closes the connection after some seconds."""

    times = 0
    seconds = 0.0

    def copyfile(self, source, outputfile):
        content = source.read()
        if Cutting.times:
            Cutting.times -= 1
            content = content[: len(content) // 2]
        outputfile.write(content)
        outputfile.flush()
        time.sleep(Cutting.seconds)
        self.close_connection = True


@pytest.fixture
def cutting(tmp_path):
    """A web server whose connections break in the middle until `Cutting.times` is used up."""
    with serving(Cutting, tmp_path) as address:
        yield address
        Cutting.times = 0


class Dripping(Quiet):
    """Sends the first bytes of a file one by one."""

    def copyfile(self, source, outputfile):
        for _ in range(6):
            outputfile.write(source.read(1))
            outputfile.flush()
            time.sleep(0.05)
        super().copyfile(source, outputfile)


@pytest.mark.service
@pytest.mark.parametrize(("name", "pack"), [("a.fa.gz", gzip.compress), ("a.fa", bytes)])
def test_a_file_that_arrives_byte_by_byte_is_read(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(TEXT.encode()))
    with serving(Dripping, tmp_path) as address:
        found = read(f"{address}/{name}")
    assert found == oracle(TEXT)


def random_fasta(bases):
    """One record that compresses to about a quarter of its size."""
    return b">random\n" + bytes(random.Random(1).choices(b"ACGT", k=bases)) + b"\n"


def sequences_table():
    out = io.BytesIO()
    pq.write_table(pa.table({"sequence": ["ACGT" * 30_000]}), out, use_dictionary=False, compression="none")
    return out.getvalue()


@pytest.mark.service
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.fa", fasta(2000).encode()),
        ("a.fa.gz", gzip.compress(fasta(2000).encode(), 0)),
        ("a.fa.zst", pa.Codec("zstd").compress(random_fasta(1_200_000), asbytes=True)),
        ("a.parquet", sequences_table()),
    ],
)
def test_a_connection_that_breaks_is_one_line_with_the_place(tmp_path, cutting, name, content):
    (tmp_path / name).write_bytes(content)
    (file,) = find_files(f"{cutting}/{name}")
    for action in (hash_file, lambda file: list(read_records(file))):
        Cutting.times = 100
        with pytest.raises(LostConnectionError) as error:
            action(file)
        assert re.match(
            rf"{cutting}/{name}: the connection was lost after [\d,]+ bytes \(.+\)\. Run the same command again",
            str(error.value),
        )
        assert "\n" not in str(error.value)
        assert error.value.is_worth_retrying


@pytest.mark.service
def test_a_connection_that_breaks_says_how_far_it_was_good(tmp_path, cutting, monkeypatch):
    # The client drops what it has not yet handed out when it sees the end of the connection.
    monkeypatch.setattr(Cutting, "seconds", 1.0)
    content = fasta(2000).encode()
    (tmp_path / "a.fa").write_bytes(content)
    (file,) = find_files(f"{cutting}/a.fa")
    Cutting.times = 1
    with pytest.raises(LostConnectionError) as error:
        hash_file(file)
    good = int(re.search(r"after ([\d,]+) bytes", str(error.value))[1].replace(",", ""))
    assert len(content) // 2 - 2**17 <= good <= len(content) // 2


@pytest.mark.service
def test_registering_is_retried_after_a_lost_connection(tmp_path, cutting, monkeypatch):
    monkeypatch.setattr(failures, "SECONDS_BETWEEN", 0.05)
    (tmp_path / "a.fa").write_bytes(fasta(2000).encode())
    Cutting.times = 2
    assert project(tmp_path, f"{cutting}/a.fa").runner.register().rows == 2000
