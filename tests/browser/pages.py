"""The web sites of the browser tests: pages of a test, and a way to the collector behind them."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST = 20.0
HTML, SCRIPT = "text/html; charset=utf-8", "text/javascript"
#: Headers that a proxy does not pass on.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


@dataclass(frozen=True, slots=True)
class Page:
    body: bytes
    type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that the collector has answered."""

    method: str
    target: str
    body: bytes
    status: int
    reason: str


@dataclass(slots=True)
class Web:
    """Pages by host and path, and what was asked for. What begins with `stats` goes on to the
    collector: the host stats.localhost, and the folder /stats/ of every host."""

    port: int
    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    hits: list[Hit] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, host: str, path: str) -> Page | None:
        with self._changed:
            self.asked[host, path] += 1
            self._changed.notify_all()
        return self.pages.get((host, path))

    def answered(self, hit: Hit) -> None:
        with self._changed:
            self.hits.append(hit)
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool]) -> None:
        """Until enough was asked for, or enough hits are answered."""
        with self._changed:
            assert self._changed.wait_for(done, LONGEST), self.hits[-5:]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        host, path = self._host(), self.path.split("?")[0]
        if host == "stats.localhost" or path.startswith("/stats/"):
            return self._forward()
        page = self.server.web.ask(host, path)
        if page is None:
            return self._answer(404, b"", HTML)
        self._answer(200, page.body, page.type, page.headers)

    def do_POST(self) -> None:
        self._forward()

    def _host(self) -> str:
        return self.headers.get("Host", "").partition(":")[0]

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.path.removeprefix("/stats")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.web.port, timeout=LONGEST)
        connection.request(self.command, target, body, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        headers = [pair for pair in answer.getheaders() if pair[0].lower() not in _HOP]
        kept = tuple(pair for pair in headers if pair[0].lower() != "content-type")
        self._answer(answer.status, content, answer.getheader("Content-Type", HTML), kept)
        if "/api/" in target or "/pixel.gif" in target:
            why = answer.getheader("X-Tallylog", "")
            self.server.web.answered(Hit(self.command, target, body, answer.status, why))

    def _answer(
        self, status: int, body: bytes, kind: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.send_response(status)
        bodiless = status in (204, 304)
        for name, value in (*headers, ("Content-Type", kind), ("Content-Length", str(len(body)))):
            if not (bodiless and name == "Content-Length"):
                self.send_header(name, value)
        self.end_headers()
        if not bodiless:
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that is closed leaves answers unread."""


def serve(port: int) -> Server:
    """Begin to serve on a free port; the collector is on the given one."""
    server = Server(("127.0.0.1", 0), Handler)
    server.web = Web(port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
