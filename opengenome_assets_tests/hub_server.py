"""A small Hugging Face hub on loopback: what the real client asks of one, and the faults that one can have.

As on the hub, large files are redirected to a storage host of another name.
"""

import gzip
import hashlib
import http.server
import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from opengenome_assets_tests.scenario import made_up_records

REPOSITORY = "genomes/small"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NEXT_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
TOKEN = "hf_of_a_test"  # noqa: S105 - opens nothing


RECORDS = made_up_records(100)
FASTA = "".join(f">{name}\n{letters}\n" for name, letters in RECORDS.items()).encode()
# Not compressed at all, so that a part of it is many chunks.
ORGANELLES = gzip.compress(FASTA, compresslevel=0, mtime=0)
FILES = {
    "README.md": b"# small genomes\n",
    "fasta/README.md": b"what is here\n",
    "fasta/organelles/organelles.fasta.gz": ORGANELLES,
    "fasta/parts/a.fa": b">a\nACGT\n",
    "fasta/parts/b.small.fa": b">b\nACG\n",
    "fasta/parts/more/c.fa": b">c\nAC\n",
    "fasta/parts/notes.txt": b"no genome",
}
ONE_FILE = "fasta/organelles/organelles.fasta.gz"


@dataclass(frozen=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class Hub:
    """What the server has, how it fails, and what it was asked.

    Attributes:
        files: by name; all in storage for large files but those that end in ``.md``.
        commit: commit of ``main``.
        gated: whether files are only for those with a token.
        cuts: how many bytes the next answers from storage send before their connection ends, None for all.
        resets: whether a connection ends with a reset rather than with an early end.
        altered: whether other bytes are sent than were stated.
        down: status that every request is answered with.
        requests: what was asked.
    """

    files: Mapping[str, bytes]
    commit: str = COMMIT
    gated: bool = False
    cuts: list[int | None] = field(default_factory=list)
    resets: bool = False
    altered: bool = False
    down: int | None = None
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self) -> list[Request]:
        """Requests for the contents of files in storage."""
        return [each for each in self.requests if each.method == "GET" and each.path.startswith("/storage/")]

    def entry(self, name: str) -> dict[str, object]:
        content = self.files[name]
        entry: dict[str, object] = {
            "type": "file",
            "path": name,
            "size": len(content),
            "oid": git_hash(content),
        }
        if is_large(name):
            entry["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 134}
        return entry

    def content(self, name: str) -> bytes:
        """What is sent of a file."""
        content = self.files[name]
        return content[:-1] + bytes([content[-1] ^ 1]) if self.altered else content

    def folders(self) -> set[str]:
        return {str(parent) for name in self.files for parent in PurePosixPath(name).parents} - {"."}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_large(name: str) -> bool:
    return not name.endswith((".md", ".small.fa"))


@contextmanager
def serve_hub(files: Mapping[str, bytes]) -> Iterator[Hub]:
    """Serve a hub of one data set repository until the block ends."""
    hub = Hub(files)

    class Handler(_Handler):
        pass

    Handler.hub = hub
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.hub
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode()
        token = self.headers.get("Authorization")
        hub.requests.append(Request(self.command, self.path, self.headers.get("Range"), token))
        path = unquote(urlsplit(self.path).path)
        if hub.down is not None:
            self._refuse(hub.down, "", "down for repairs")
        elif path.startswith("/storage/"):
            self._send_stored(path.removeprefix("/storage/"))
        elif path.startswith(f"/api/datasets/{REPOSITORY}"):
            self._tell(path.removeprefix(f"/api/datasets/{REPOSITORY}").strip("/"), body)
        elif path.startswith(f"/datasets/{REPOSITORY}/resolve/"):
            revision, _, name = path.removeprefix(f"/datasets/{REPOSITORY}/resolve/").partition("/")
            self._resolve(revision, name, token)
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    def _tell(self, what: str, body: str) -> None:
        hub = self.hub
        kind, _, rest = what.partition("/")
        revision, _, folder = rest.partition("/")
        if kind and revision not in ("main", COMMIT, NEXT_COMMIT):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif kind in ("", "revision"):
            self._json({"id": REPOSITORY, "sha": hub.commit, "siblings": []})
        elif kind == "paths-info":
            names = parse_qs(body)["paths"]
            files = [hub.entry(name) for name in names if name in hub.files]
            folders = [self._folder(name) for name in names if name in hub.folders()]
            self._json([*files, *folders])
        elif folder and folder not in hub.folders():
            self._refuse(404, "EntryNotFound", f"{folder} does not exist")
        else:
            below = [name for name in hub.files if not folder or name.startswith(f"{folder}/")]
            if "recursive=true" in self.path.lower():
                self._json([hub.entry(name) for name in below])
            else:
                here = len(PurePosixPath(folder).parts) + 1
                files = [hub.entry(name) for name in below if len(PurePosixPath(name).parts) == here]
                inner = {"/".join(PurePosixPath(name).parts[:here]) for name in below} & hub.folders()
                self._json([*files, *map(self._folder, sorted(inner))])

    @staticmethod
    def _folder(name: str) -> dict[str, object]:
        return {"type": "directory", "path": name, "oid": git_hash(name.encode())}

    def _resolve(self, revision: str, name: str, token: str | None) -> None:
        hub = self.hub
        if revision not in ("main", COMMIT, NEXT_COMMIT):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif name not in hub.files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif hub.gated and token != f"Bearer {TOKEN}":
            self._refuse(403 if token else 401, "GatedRepo", "Access to dataset is restricted.")
        elif is_large(name):
            content = hub.files[name]
            self.send_response(302)
            self.send_header("X-Repo-Commit", hub.commit)
            self.send_header("X-Linked-Etag", f'"{sha256(content)}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("Location", f"http://localhost:{hub.port}/storage/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(
                hub.content(name), {"X-Repo-Commit": hub.commit, "ETag": f'"{git_hash(hub.files[name])}"'}
            )

    def _send_stored(self, name: str) -> None:
        hub = self.hub
        self._send(hub.content(name), {}, hub.cuts.pop(0) if hub.cuts and self.command == "GET" else None)

    def _send(self, content: bytes, headers: Mapping[str, str], cut: int | None = None) -> None:
        asked = self.headers.get("Range")
        first, end = 0, len(content)
        if asked:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            first, end = int(low), min(int(high) + 1 if high else end, end)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{len(content)}")
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - first))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(content[first:end][:cut])
        if cut is not None:
            self.wfile.flush()
            self._end()

    def _end(self) -> None:
        self.close_connection = True
        if self.hub.resets:
            # Closing with unsent data to wait for no time at all is what sends a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _json(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()
