"""A small ESummary on loopback: answers in the form of NCBI's, its limit of requests, and the faults it can have.

The fields and their order are those of real answers of version 0.3 in JSON. How JSON names unknown accessions is not
documented; ``unknown`` chooses between the forms that are likely. NCBI's XML lists them as errors, with status 200.
"""

import http.server
import io
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import parse_qs

Fault = Literal[
    "429", "429 long", "429 late", "500", "502", "400", "key", "error", "cut", "reset", "half", "page", "array",
    "silent", "drip", "redirect", "drop", "no summary", "bad gzip",
]  # fmt: skip

LIMIT = b'{"error":"API rate limit exceeded","api-key":"127.0.0.1","count":"4","limit":"3"}'
WRONG_KEY = b'{"error":"API key invalid","api-key":"%s","type":"client","status":"unknown"}'
HTML = {"Content-Type": "text/html"}
# Status, body and headers of faults that do not depend on the request.
REPLIES: dict[str | None, tuple[int, bytes, dict[str, str]]] = {
    "429": (429, LIMIT, {}),
    "429 long": (429, LIMIT, {"Retry-After": "3600"}),
    "429 late": (429, LIMIT, {"Retry-After": "1"}),
    "500": (500, b"<html><body>Internal Server Error</body></html>", HTML),
    "502": (502, b"<html><body>Bad Gateway</body></html>", HTML),
    "400": (400, b"", {}),
    "error": (200, LIMIT, {}),
    "page": (200, b"<html><body>Log in</body></html>", HTML),
    "array": (200, b"[1, 2]", {}),
}

GENOMES = ("", "mitochondrion", "chloroplast", "plastid", "apicoplast", "genomic")


@dataclass(frozen=True)
class Asked:
    """A request: when it came, its form, and its headers."""

    at: float
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def ids(self) -> list[str]:
        return self.form["id"].split(",")


@dataclass
class Eutils:
    """What the server knows, how it fails, and what it was asked.

    Attributes:
        known: the record of an accession in NCBI's fields; None for an unknown one.
        faults: faults of the next requests; None for an answer without.
        limit: most requests within a second; None for any number.
        unknown: how unknown accessions are named: in errors beside the result, in one error instead of a
            result, not at all, or not even with an empty result if all are unknown.
        slow: seconds that an answer takes which never ends.
        asked: all requests.
        violations: requests above the limit.
    """

    known: Callable[[str], dict[str, Any] | None]
    faults: deque[Fault | None] = field(default_factory=deque)
    limit: int | None = None
    unknown: Literal["beside", "instead", "silent", "empty"] = "beside"
    slow: float = 5.0
    asked: list[Asked] = field(default_factory=list)
    violations: int = 0
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/entrez/eutils"

    def ids(self) -> list[str]:
        """All ids that were asked, in order."""
        return [each for asked in self.asked for each in asked.ids]

    def gaps(self) -> list[float]:
        """Seconds between the requests."""
        return [later.at - earlier.at for earlier, later in pairwise(self.asked)]

    def note(self, asked: Asked) -> bool:
        """Whether a request is within the limit."""
        with self.lock:
            self.asked.append(asked)
            recent = sum(asked.at - each.at < 1 for each in self.asked[-(self.limit or 1) - 1 :])
            over = self.limit is not None and recent > self.limit
            self.violations += over
            return not over

    def answer(self, ids: list[str]) -> dict[str, Any]:
        found = {each: self.known(each) for each in ids}
        result: dict[str, Any] = {"uids": [record["uid"] for record in found.values() if record]}
        result |= {record["uid"]: record for record in found.values() if record}
        header = {"type": "esummary", "version": "0.3"}
        place, errors = 0, []
        for each in ids:
            if found[each] is None:
                errors.append(f"Invalid uid {each} at position= {place}")
            place += len(each) + 1
        if self.unknown == "empty" and not result["uids"]:
            return {"header": header, "esummaryresult": ["Empty id list - nothing todo"]}
        if self.unknown in ("silent", "empty") or not errors:
            return {"header": header, "result": result}
        if self.unknown == "instead":
            return {"header": header, "esummaryresult": errors[:1]}
        return {"header": header, "error": errors[0] if len(errors) == 1 else errors, "result": result}


def record_of(accession: str, number: int, **others: object) -> dict[str, Any]:
    """A record of NCBI's nucleotide database."""
    name, _, version = accession.partition(".")
    record = {
        "uid": str(10_000_000 + number),
        "term": str(10_000_000 + number),
        "caption": name,
        "title": f"Genus species{number} isolate {number}, complete genome",
        "extra": f"gi|{10_000_000 + number}|ref|{name}.{version or 1}|",
        "gi": 10_000_000 + number,
        "createdate": "2009/07/08",
        "updatedate": "2023/03/12",
        "flags": 768,
        "taxid": 1_000 + number,
        "slen": 15_000 + number,
        "biomol": "genomic",
        "moltype": "dna",
        "topology": "circular",
        "sourcedb": "refseq",
        "segsetsize": "",
        "projectid": "30353",
        "genome": GENOMES[number % len(GENOMES)],
        "subtype": "isolate|country",
        "subname": f"{number}|Norway",
        "assemblygi": "",
        "assemblyacc": "",
        "tech": "",
        "completeness": "complete",
        "geneticcode": "2",
        "strand": "",
        "organism": f"Genus species{number}",
        "strain": "",
        "biosample": "",
        "statistics": [
            {"type": "Length", "count": 15_000 + number},
            {"type": "all", "count": 38},
            {"type": "cdregion", "subtype": "CDS", "count": 13},
            {"source": "all", "type": "gene", "count": 37},
        ],
        "properties": {"na": "1", "value": "1"},
        "oslt": {"indexed": True, "value": f"{name}.{version or 1}"},
        "accessionversion": f"{name}.{version or 1}",
    }
    return record | others


@contextmanager
def serve_eutils(known: Callable[[str], dict[str, Any] | None], limit: int | None = None) -> Iterator[Eutils]:
    """Serve ESummary until the block ends."""
    eutils = Eutils(known, limit=limit)

    class Handler(_Handler):
        pass

    Handler.eutils = eutils
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        eutils.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield eutils
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    eutils: Eutils
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def do_POST(self) -> None:
        at = time.monotonic()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not self.eutils.note(Asked(at, form, headers)):
            self._send(*REPLIES["429"])
        elif (
            self.path != "/entrez/eutils/esummary.fcgi"
            or form["db"] != "nuccore"
            or form["retmode"] != "json"
        ):
            self._send(404, b"")
        else:
            fault = self.eutils.faults.popleft() if self.eutils.faults else None
            ids = form["id"].split(",")
            answer = self.eutils.answer(ids[:-3] if fault == "drop" else ids)
            if fault == "no summary":
                uid = answer["result"]["uids"][-1]
                answer["result"][uid] = {"uid": uid, "error": "cannot get document summary"}
            content = json.dumps(answer).encode()
            if fault in (None, "drop", "no summary"):
                self._send(200, content)
            else:
                self._fail(fault, content, form)

    def _fail(self, fault: Fault | None, content: bytes, form: dict[str, str]) -> None:
        match fault:
            case "key":
                self._send(400, WRONG_KEY % form["api_key"].encode())
            case "half":
                self._send(200, content[: len(content) // 2])
            case "silent":
                time.sleep(self.eutils.slow)
            case "redirect":
                place = f"http://localhost:{self.eutils.port}{self.path}"
                self._send(302, b"", {"Location": place})
            case "bad gzip":
                self._send(200, content, {"Content-Encoding": "gzip"})
            case "cut" | "reset" | "drip":
                # A client that gave up has closed the connection.
                with suppress(OSError):
                    self._break(fault, content)
            case _:
                self._send(*REPLIES[fault])

    def _break(self, fault: Fault, content: bytes) -> None:
        """Send a part of the answer: and end or reset the connection, or go on byte by byte."""
        self._head(200, len(content), {})
        self.close_connection = True
        self.wfile.write(content[: len(content) // 2])
        if fault == "reset":
            # Closing with unsent data to wait for no time at all is what sends a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.wfile = io.BytesIO()
        elif fault == "drip":
            end = time.monotonic() + self.eutils.slow
            while time.monotonic() < end:
                self.wfile.write(b" ")
                time.sleep(0.02)

    def _head(self, status: int, size: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        others = {
            "Content-Type": "application/json; charset=UTF-8",
            "Set-Cookie": "ncbi_sid=1788F7A5_0396SID; path=/",
        }
        for name, value in (others | {"Content-Length": str(size)} | dict(headers)).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, len(content), headers or {})
        self.wfile.write(content)
