"""The client of NCBI's ESummary, against a server on loopback that answers and fails as NCBI can."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from opengenome_assets.errors import NcbiError
from opengenome_assets.metadata import eutils as requests_to_ncbi
from opengenome_assets.metadata import ncbi, ncbi_cache
from opengenome_assets.metadata.facts import FACTS
from opengenome_assets.metadata.ncbi import NcbiClient, accession_of
from opengenome_assets_tests.metadata.eutils_server import Eutils, Fault, record_of, serve_eutils

# As many records as the organelles of one public collection have.
MANY = 32_240
KEY = "0123456789abcdef0123456789abcdef0123"  # opens nothing

# Nothing listens here.
NOWHERE = "http://127.0.0.1:9"


def accession(number: int) -> str:
    return f"NC_{number:06}.1"


def known(asked: str) -> dict[str, Any] | None:
    """NC_000000.1 and so on; NC_9… are unknown."""
    return None if asked.startswith("NC_9") else record_of(asked, int(asked[3:9]))


@pytest.fixture
def server() -> Iterator[Eutils]:
    with serve_eutils(known) as eutils:
        yield eutils


@pytest.fixture
def client(server: Eutils, tmp_path: Path) -> NcbiClient:
    cache = tmp_path / "cache" / "ncbi.sqlite"
    return NcbiClient(address=server.address, cache=cache, rate=1000, pauses=(0.01,) * 4, timeout=5)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.mark.parametrize(
    "seq_id",
    [
        "NC_012920.1", "NC_012920", "NT_187361.1", "NW_003613580.1", "NZ_CP012345.1", "NZ_JAABCD010000001.1", "NM_000014.6",
        "MN908947.3", "CM000001.1", "JAABCD010000001.1", "AAAA01000001.1", "U12345", "U12345.12", "AC_000001.1", "XM_011531230",
    ],
)  # fmt: skip
def test_accessions_are_recognized(seq_id: str) -> None:
    assert accession_of(seq_id) == seq_id


@pytest.mark.parametrize(
    "seq_id",
    [
        "", "chr1", "MT", "contig_12", "NP_000005.3", "WP_012345678.1", "P12345", "nc_012920.1", "NC_012920.1 human",
        "NC_12920", "NC_012920.", "NC_012920.1\n", "AAA12345", "GCF_000001405.40", "12345",
        "NC_012920,NC_012921", "U١٢٣٤٥",
    ],
)  # fmt: skip
def test_other_ids_are_no_accessions(seq_id: str) -> None:
    assert accession_of(seq_id) is None


@pytest.mark.parametrize(
    ("seq_id", "accession"),
    [
        ("gi|251831106|ref|NC_012920.1|", "NC_012920.1"),
        ("gi|5835526|ref|NC_001913.1|/1-17245", "NC_001913.1"),
        ("gb|MN908947|", "MN908947"),
        ("gi|1|sp|P12345.1|", None),
        ("gi|1|ref|NP_000001.1|", None),
        ("ref|NC_012920.1", None),
    ],
)
def test_older_ids_of_ncbi_name_their_accession(seq_id: str, accession: str | None) -> None:
    assert accession_of(seq_id) == accession


@pytest.mark.service
def test_facts_are_those_of_the_answer(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    ids = pa.array([accession(7), "chr1", accession(3), accession(5), accession(7)])
    table, unresolved = client.facts(ids, lines.append)
    assert table.schema.equals(FACTS)
    assert table.to_pylist() == [
        {
            "seq_id": accession(number),
            "organelle": organelle,
            "genetic_code": 2,
            "taxid": 1_000 + number,
            "organism": f"Genus species{number}",
            "title": f"Genus species{number} isolate {number}, complete genome",
            "length": 15_000 + number,
        }
        # In NCBI's words: mitochondrion, plastid, genomic.
        for number, organelle in ((7, "mitochondrion"), (3, "plastid"), (5, None))
    ]
    assert unresolved == {"chr1": ncbi.NO_ACCESSION}
    assert server.ids() == [accession(7), accession(3), accession(5)]


@pytest.mark.service
@pytest.mark.parametrize("code", ["", "0", "9999999999", None, "one"])
def test_what_ncbi_does_not_say_is_null(
    code: str | None, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    empty = {"genome": "", "geneticcode": code, "organism": None, "slen": "", "taxid": 0, "title": "\ud800 a"}
    server.known = lambda asked: record_of(asked, 1, **empty)
    table, _ = client.facts([accession(1)], lines.append)
    nulls = dict.fromkeys(("organelle", "genetic_code", "taxid", "organism", "length"))
    assert table.to_pylist() == [{"seq_id": accession(1), "title": "? a"} | nulls]


@pytest.mark.service
def test_only_ids_and_identity_are_sent(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    replace(client, api_key=KEY, email="a@example.org").facts([accession(1)], lines.append)
    client.facts([accession(2)], lines.append)
    fixed = {"db": "nuccore", "retmode": "json", "tool": "opengenome-assets"}
    assert [asked.form for asked in server.asked] == [
        fixed | {"id": accession(1), "email": "a@example.org", "api_key": KEY},
        fixed | {"id": accession(2)},
    ]
    assert {name for asked in server.asked for name in asked.headers} == {
        "host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "content-type",
    }  # fmt: skip


@pytest.mark.service
def test_cookies_are_not_sent_back(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    client.facts([accession(number) for number in range(250)], lines.append)
    assert [len(asked.ids) for asked in server.asked] == [200, 50]
    assert not [asked for asked in server.asked if "cookie" in asked.headers]


def test_key_and_email_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCBI_API_KEY", f" {KEY}\n")
    monkeypatch.setenv("NCBI_EMAIL", "a@example.org")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    client = NcbiClient.from_environment()
    assert (client.api_key, client.email) == (KEY, "a@example.org")
    assert client.cache == Path("/somewhere/opengenome/ncbi-1.sqlite")
    assert client.address.startswith("https://eutils.ncbi.nlm.nih.gov/")
    assert KEY not in repr(client)


@pytest.mark.service
@pytest.mark.parametrize("unknown", ["beside", "instead", "silent", "empty"])
def test_unknown_accessions_spoil_no_other(
    unknown: Any, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.unknown = unknown
    ids = [accession(1), "NC_900001.1", accession(2), "NC_900002.1"]
    table, unresolved = client.facts(ids, lines.append)
    assert table["seq_id"].to_pylist() == [accession(1), accession(2)]
    reason = ncbi.NOT_ANSWERED if unknown in ("silent", "empty") else ncbi.UNKNOWN
    assert unresolved == {"NC_900001.1": reason, "NC_900002.1": reason}
    assert len(server.asked) == {"beside": 1, "instead": 3, "silent": 2, "empty": 2}[unknown]


@pytest.mark.service
def test_unknown_accessions_are_asked_again(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    ids = [accession(1), "NC_900001.1"]
    client.facts(ids, lines.append)
    server.known = lambda asked: record_of(asked, int(asked[3:9]))
    table, unresolved = client.facts(ids, lines.append)
    assert table["seq_id"].to_pylist() == ids
    assert not unresolved
    assert server.asked[-1].ids == ["NC_900001.1"]


@pytest.mark.service
@pytest.mark.parametrize(
    ("fault", "number", "absent"), [("drop", 10, 3), ("drop", 3, 3), ("no summary", 5, 1)]
)
def test_records_missing_in_an_answer_are_asked_again(
    fault: Fault, number: int, absent: int, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.faults.append(fault)
    ids = [accession(each) for each in range(number)]
    table, unresolved = client.facts(ids, lines.append)
    assert table["seq_id"].to_pylist() == ids
    assert not unresolved
    assert [asked.ids for asked in server.asked] == [ids, ids[-absent:]]


@pytest.mark.service
def test_another_version_is_not_taken(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    server.known = lambda asked: record_of("NC_000005.9", 5)
    table, unresolved = client.facts(["NC_000005.8", "NC_000005"], lines.append)
    assert table["seq_id"].to_pylist() == ["NC_000005"]
    assert unresolved == {"NC_000005.8": "NCBI has another version: NC_000005.9"}


FAULTS_THAT_PASS: list[Fault] = [
    "429", "429 late", "500", "502", "error", "cut", "reset", "half", "page", "array", "bad gzip",
]  # fmt: skip


@pytest.mark.service
@pytest.mark.parametrize("fault", FAULTS_THAT_PASS)
def test_a_fault_that_passes_is_retried(
    fault: Fault, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.faults.extend([fault, fault])
    table, unresolved = client.facts([accession(1)], lines.append)
    assert table.num_rows == 1
    assert not unresolved
    assert len(server.asked) == 3
    assert "attempt 2/5 in " in lines[0]
    if fault == "429 late":
        assert min(server.gaps()) >= 1


@pytest.mark.service
@pytest.mark.parametrize(
    ("fault", "said"), [("silent", "no answer within"), ("drip", "is not complete after")]
)
def test_a_slow_server_is_asked_again(
    fault: Fault, said: str, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.faults.append(fault)
    server.slow = 1
    table, _ = replace(client, timeout=0.1).facts([accession(1)], lines.append)
    assert table.num_rows == 1
    assert said in lines[0]


@pytest.mark.service
@pytest.mark.parametrize("fault", FAULTS_THAT_PASS[2:])
def test_a_fault_that_stays_is_one_error(
    fault: Fault, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.faults.extend([None] + [fault] * 5)
    with pytest.raises(
        NcbiError, match=r"in 5 attempts\. .*\. The answers for 200 of 250 accessions are kept\. Run the"
    ):
        client.facts([accession(number) for number in range(250)], lines.append)
    assert len(server.asked) == 6
    client.facts([accession(number) for number in range(250)], lines.append)
    assert len(server.asked[-1].ids) == 50


@pytest.mark.service
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("400", r"refuses the request with 400 \(Bad Request\)\. Check NCBI_API_KEY"),
        ("key", r"refuses the request with 400 \(API key invalid\)\. Check NCBI_API_KEY"),
        ("redirect", "a redirect to http://localhost:.*, which is not followed"),
        ("429 long", r"429 \(API rate limit exceeded\)\. NCBI asks to wait 3,600 s"),
    ],
)
def test_a_refusal_is_not_retried(
    fault: Fault, said: str, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.faults.append(fault)
    with pytest.raises(NcbiError, match=said) as error:
        replace(client, api_key=KEY).facts([accession(1)], lines.append)
    assert KEY not in str(error.value)
    assert len(server.asked) == 1


def test_no_server_is_one_error(tmp_path: Path, lines: list[str]) -> None:
    client = NcbiClient(address=NOWHERE, cache=tmp_path / "c", pauses=(0.01,), rate=1000)
    with pytest.raises(
        NcbiError, match=r"the connection failed .*, in 2 attempts\. Check the network and HTTPS_PROXY"
    ):
        client.facts([accession(1)], lines.append)


def test_an_unusable_proxy_is_one_error(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "foo://127.0.0.1:1")
    with pytest.raises(NcbiError, match="Check HTTPS_PROXY"):
        NcbiClient(address=NOWHERE, cache=tmp_path / "c").facts([accession(1)], lines.append)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        (" 12 ", 12),
        ("soon", 0),
        ("", 0),
        ("-3", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_read(header: str | None, seconds: float) -> None:
    assert requests_to_ncbi._pause(header) == seconds


def test_retry_after_may_be_a_date() -> None:
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 50))
    assert 45 < requests_to_ncbi._pause(moment) <= 50


@pytest.mark.service
@pytest.mark.parametrize(("key", "least"), [("", 1 / 3), (KEY, 1 / 10)])
def test_requests_keep_ncbis_rate(
    key: str, least: float, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    server.limit = 10 if key else 3
    client = replace(client, rate=None, api_key=key)
    server.faults.append("500")
    client.facts([accession(number) for number in range(1000)], lines.append)
    assert len(server.asked) == 6
    assert server.violations == 0
    assert least < sum(server.gaps()) / 5 < 4 * least


@pytest.mark.service
def test_all_records_of_a_collection(
    client: NcbiClient, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ncbi, "LINE_SECONDS", 1.0)
    ids = [accession(number) for number in range(MANY)]
    faults: list[Fault] = ["429", "cut", "500", "reset", "half", "error", "drop"]
    with serve_eutils(known, limit=80) as server:
        client = replace(client, address=server.address, rate=80)
        for fault in faults:
            server.faults.extend([None] * 9 + [fault])
        table, unresolved = client.facts(ids, lines.append)
        assert table["seq_id"].to_pylist() == ids
        assert table["length"].to_pylist() == [15_000 + number for number in range(MANY)]
        assert not unresolved
        assert len(server.asked) == 162 + len(faults)
        assert server.violations == 0
        assert lines[-1].startswith("asking NCBI  32,240/32,240 accessions  ")
        assert len([line for line in lines if "accessions" in line]) >= 3
        again, _ = client.facts(ids, lines.append)
        assert again.equals(table)
        assert len(server.asked) == 162 + len(faults)


@pytest.mark.service
def test_an_answer_without_end_is_not_kept_in_memory(
    client: NcbiClient, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_to_ncbi, "_MOST_BYTES", 2_000)
    with pytest.raises(NcbiError, match=r"the answer has more than .* MB, in 5 attempts"):
        client.facts([accession(number) for number in range(5)], lines.append)


# Where the tests run in the background, signals of the keyboard are ignored.
ASKING = """
import signal
import sys
from pathlib import Path
from opengenome_assets.metadata.ncbi import NcbiClient
signal.signal(signal.SIGINT, signal.default_int_handler)
client = NcbiClient(address=sys.argv[1], cache=Path(sys.argv[2]), rate=1000)
print("started", flush=True)
client.facts([f"NC_{number:06}.1" for number in range(1000)], print)
"""


@pytest.mark.service
def test_interrupted_work_is_resumed(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    server.faults.extend([None, None, "silent"])
    server.slow = 8
    command = [sys.executable, "-c", ASKING, server.address, str(client.cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: len(server.asked) == 3)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
        assert said.strip().endswith("KeyboardInterrupt")
    assert [len(asked.ids) for asked in server.asked] == [200] * 3
    server.asked.clear()
    ids = [accession(number) for number in range(1000)]
    table, _ = client.facts(ids, lines.append)
    assert table["seq_id"].to_pylist() == ids
    assert server.ids() == ids[400:]


def wait_for(condition: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.service
def test_two_clients_share_the_file(client: NcbiClient, lines: list[str]) -> None:
    ids = [accession(number) for number in range(6_000)]
    failed: list[BaseException] = []

    def ask(some: list[str]) -> None:
        try:
            client.facts(some, lines.append)
        except NcbiError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(some,)) for some in (ids[:4_000], ids[2_000:][::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    nowhere = replace(client, address=NOWHERE)
    assert nowhere.facts(ids, lines.append)[0].num_rows == 6_000


@pytest.mark.service
@pytest.mark.parametrize("size", [0.0, 0.5, 1.0])
def test_a_damaged_file_is_made_again(
    size: float, server: Eutils, client: NcbiClient, lines: list[str]
) -> None:
    ids = [accession(number) for number in range(1000)]
    client.facts(ids, lambda _: None)
    content = client.cache.read_bytes()
    half = content[: int(len(content) * size)]
    client.cache.write_bytes(
        half + b"\xff" * (len(content) - len(half) or 8192) if size < 1 else b"no database" * 999
    )
    server.asked.clear()
    table, _ = client.facts(ids, lines.append)
    assert table.num_rows == 1000
    assert len(server.asked) == 5
    assert "are damaged (" in lines[0]
    assert str(client.cache) in lines[0]


@pytest.mark.parametrize("place", ["a file", "a folder"])
def test_an_unusable_file_is_one_error(place: str, tmp_path: Path, lines: list[str]) -> None:
    cache = tmp_path / "ncbi.sqlite"
    if place == "a file":
        cache = cache / "below.sqlite"
        cache.parent.write_text("")
    else:
        cache.mkdir()
    with pytest.raises(NcbiError, match=r"answers cannot be kept here .* set XDG_CACHE_HOME"):
        NcbiClient(address=NOWHERE, cache=cache).facts([accession(1)], lines.append)


def test_a_locked_file_is_not_removed(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ncbi_cache, "_LOCK_SECONDS", 0.1)
    cache = tmp_path / "ncbi.sqlite"
    other = sqlite3.connect(cache)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NcbiError, match="database is locked"):
        NcbiClient(address=NOWHERE, cache=cache).facts([accession(1)], lines.append)
    other.close()
    assert cache.exists()
    assert not lines


def test_a_file_of_another_program_is_not_removed(tmp_path: Path, lines: list[str]) -> None:
    cache = tmp_path / "ncbi.sqlite"
    with sqlite3.connect(cache) as connection:
        connection.execute("CREATE TABLE answers (other TEXT)")
    connection.close()
    with pytest.raises(NcbiError, match="no such column"):
        NcbiClient(address=NOWHERE, cache=cache).facts([accession(1)], lines.append)
    assert cache.exists()


@pytest.mark.service
def test_old_answers_are_asked_again(server: Eutils, client: NcbiClient, lines: list[str]) -> None:
    ids = [accession(1), accession(2)]
    client.facts(ids, lines.append)
    server.asked.clear()
    with sqlite3.connect(client.cache) as connection:
        age = ncbi_cache.KEPT_DAYS * 86_400 + 60
        connection.execute("UPDATE answers SET asked = asked - ? WHERE accession = ?", (age, ids[0]))
    connection.close()
    server.known = lambda asked: record_of(asked, 77)
    table, _ = client.facts(ids, lines.append)
    assert server.ids() == [ids[0]]
    assert table["taxid"].to_pylist() == [1_077, 1_002]


def test_without_accessions_nothing_is_sent(tmp_path: Path, lines: list[str]) -> None:
    nowhere = NcbiClient(address=NOWHERE, cache=tmp_path / "c")
    table, unresolved = nowhere.facts(["chr1", "chr2"], lines.append)
    assert table.equals(FACTS.empty_table())
    assert list(unresolved) == ["chr1", "chr2"]
    assert not lines
