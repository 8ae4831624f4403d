"""A hub on 127.0.0.1: as much of the real one's protocol as fetching a model takes.

Files of `lfs` are redirected to another path, as the hub's large files are.
"""

import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "maker/tiny-ko"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked: method, path, and the headers that matter."""

    method: str
    path: str
    range: str | None
    token: str | None
    agent: str


@dataclass(slots=True)
class Hub:
    """A repository and how its server behaves."""

    files: dict[str, bytes]
    lfs: frozenset[str] = frozenset()
    commit: str = COMMIT
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    """Bytes after which the connection breaks, one number for each answer."""
    wrong: frozenset[str] = frozenset()
    ignores_range: bool = False
    dies: bool = False
    """Whether nothing is answered any more after a cut."""
    gate: tuple[int, str] | None = None
    """Status and X-Error-Code of files whose reader is not let in."""
    listing: dict[str, Any] = field(default_factory=dict)
    """What takes the place of fields of the listing."""
    requests: list[Request] = field(default_factory=list)
    address: str = ""
    dead: bool = False

    def asked(self, ending: str) -> list[Request]:
        """The requests whose path ends so."""
        return [each for each in self.requests if each.path.endswith(ending)]

    def siblings(self) -> list[dict[str, Any]]:
        """Every file as the hub's API lists it."""
        found = []
        for name, data in self.files.items():
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            each: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": blob}
            if name in self.lfs:
                sha256 = hashlib.sha256(data).hexdigest()
                each["lfs"] = {"size": len(data), "sha256": sha256, "pointerSize": 130}
            found.append(each)
        return found


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a repository until the block ends."""

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        asked = self.headers
        agent = asked.get("User-Agent", "")
        hub.requests.append(
            Request(self.command, path, asked["Range"], asked["Authorization"], agent)
        )
        if hub.dead:
            self._break()
            return
        api = f"/api/models/{REPOSITORY}/revision/"
        files = f"/{REPOSITORY}/resolve/{hub.commit}/"
        if path.startswith("/api/models/") and not path.startswith(api):
            self._error(401, "RepoNotFound", "Repository not found")
        elif path.startswith(api) and path.removeprefix(api) not in ("main", "v1", hub.commit):
            self._error(404, "RevisionNotFound", "Invalid rev id")
        elif path.startswith(api):
            self._list()
        elif path.startswith("/cdn/"):
            self._file(path.removeprefix("/cdn/"))
        elif path.startswith(files):
            self._resolve(path.removeprefix(files))
        else:
            self._error(404, "EntryNotFound", "Entry not found")

    def _list(self) -> None:
        card = {"license": "apache-2.0"}
        made: dict[str, Any] = {"id": REPOSITORY, "sha": self.hub.commit, "cardData": card}
        self._answer(200, json.dumps(made | {"siblings": self.hub.siblings()} | self.hub.listing))

    def _resolve(self, name: str) -> None:
        if self.hub.gate is not None:
            status, code = self.hub.gate
            self._error(status, code, "Access to this model is restricted")
        elif name not in self.hub.files:
            self._error(404, "EntryNotFound", "Entry not found")
        elif name in self.hub.lfs:
            self.send_response(302)
            self.send_header("Location", f"/cdn/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._file(name)

    def _file(self, name: str) -> None:
        data = self.hub.files[name]
        if name in self.hub.wrong:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = 0
        if self.headers["Range"] and not self.hub.ignores_range:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cuts = self.hub.cut_after.get(name, [])
        if cuts:
            self.wfile.write(data[start : start + cuts.pop(0)])
            self.wfile.flush()
            self.hub.dead = self.hub.dies
            self._break()
        else:
            self.wfile.write(data[start:])

    def _error(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
