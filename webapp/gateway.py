"""The collector and an application behind it, in one process of granian.

Hits are answered on the event loop, by one thread: more of them would only wait for each other.
The application, which is any of WSGI, has threads of its own. A body is read before either is
called, so that a sender who takes long holds nothing but a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from sys import stderr
from typing import Any, TypeVar

from webapp import gone
from webapp.collector import Application, Collector, settled
from webapp.collector_http import Header, Request, text_of
from webapp.collector_routes import BATCH
from webapp.sessions import MOST_BYTES

#: Requests that the application works on at once; those that stream hold a thread each.
THREADS = 48
#: Calls of the system that wait for the disk.
DISK_THREADS = 16
#: How long a body may take to come.
BODY_SECONDS = 10.0

T = TypeVar("T")
Scope = Any
Protocol = Any


class _Refused(Exception):
    """The body is too long, or does not come: the argument is the reason."""


@dataclass(slots=True)
class Gateway:
    """An RSGI application."""

    collector: Collector
    application: Application
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, "application")
    )
    _disk: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(DISK_THREADS, "disk")
    )

    async def __call__(self, scope: Scope, protocol: Protocol) -> None:
        most = self.collector.body_bytes(scope.path)
        if most:
            await self._collect(scope, protocol, most)
        else:
            await self._apply(scope, protocol)

    async def _collect(self, scope: Scope, protocol: Protocol, most: int) -> None:
        refusal, body = "", b""
        if scope.method == "POST" and scope.path.endswith(BATCH):
            told = scope.headers.get("authorization")
            refusal = await self._elsewhere(self.collector.batches.turned_away, told)
        if not refusal and scope.method not in ("GET", "HEAD", "OPTIONS"):
            try:
                body = await _body(scope, protocol, most)
            except _Refused as error:
                refusal = str(error)
        request = Request(
            scope.method,
            scope.path,
            scope.query_string,
            _Headers(scope.headers),
            _address(scope.client),
            lambda: ", ".join(scope.headers.get_all("x-forwarded-for")) or None,
            body,
        )
        if scope.path.endswith(BATCH):
            answer = await self._elsewhere(self.collector.answer, request, refusal)
        else:
            answer = self.collector.answer(request, refusal)
        if answer.ticket:
            answer = await self._elsewhere(settled, self.collector, answer)
        _send(protocol, answer.status, answer.headers, answer.body)

    async def _elsewhere(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *given)

    async def _apply(self, scope: Scope, protocol: Protocol) -> None:
        try:
            body = await _body(scope, protocol, MOST_BYTES)
        except _Refused as error:
            status = 413 if str(error) == "large" else 408
            _send(protocol, status, [("content-type", "text/plain")], f"{error}\n".encode())
            return
        loop = asyncio.get_running_loop()
        environ = _environ(scope, body)
        watching: list[asyncio.Task[None]] = []
        environ[gone.NAME] = gone.Gone(
            partial(loop.call_soon_threadsafe, _watch, protocol, environ, watching)
        )
        call = _Call(self.application, environ, protocol, loop)
        try:
            await loop.run_in_executor(self._threads, call.run)
        finally:
            for task in watching:
                task.cancel()


def _watch(protocol: Protocol, environ: dict[str, Any], watching: list[asyncio.Task[None]]) -> None:
    watching.append(asyncio.ensure_future(_tell(protocol, environ[gone.NAME])))


async def _tell(protocol: Protocol, listener: gone.Gone) -> None:
    await protocol.client_disconnect()
    listener.tell()


@dataclass(slots=True)
class _Call:
    """One request to the application, on a thread of its own."""

    application: Application
    environ: dict[str, Any]
    protocol: Protocol
    loop: asyncio.AbstractEventLoop
    _status: int = 500
    _headers: list[Header] = field(default_factory=list)

    def run(self) -> None:
        parts = self.application(self.environ, self._start)
        try:
            if isinstance(parts, list | tuple) or any(
                n == "content-length" for n, _ in self._headers
            ):
                body = b"".join(parts)
                self.loop.call_soon_threadsafe(
                    _send, self.protocol, self._status, self._headers, body
                )
            else:
                self._stream(parts)
        finally:
            getattr(parts, "close", lambda: None)()

    def _start(self, status: str, headers: Iterable[Header], exc_info: Any = None) -> None:
        self._status = int(status[:3])
        self._headers = [(name.lower(), value) for name, value in headers]

    def _stream(self, parts: Iterable[bytes]) -> None:
        """Send what comes when it comes, until it ends or nobody listens any more."""
        transport = None
        for part in parts:
            if transport is None:
                transport = self.protocol.response_stream(self._status, self._headers)
            sent = asyncio.run_coroutine_threadsafe(_sent(transport, part), self.loop)
            if not sent.result():
                return
        if transport is None:
            self.loop.call_soon_threadsafe(_send, self.protocol, self._status, self._headers, b"")


async def _sent(transport: Any, part: bytes) -> bool:
    """Whether somebody took it."""
    try:
        await transport.send_bytes(part)
    except Exception as error:
        if type(error).__name__ in ("RSGIProtocolClosed", "RSGIProtocolError"):
            return False
        raise
    return True


def _send(protocol: Protocol, status: int, headers: list[Header], body: bytes) -> None:
    if body:
        protocol.response_bytes(status, headers, body)
    else:
        protocol.response_empty(status, headers)


async def _body(scope: Scope, protocol: Protocol, most: int) -> bytes:
    size = scope.headers.get("content-length")
    if size is None and scope.headers.get("transfer-encoding") is None:
        return b""
    if size is not None and int(size) > most:
        raise _Refused("large")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(protocol, most)
    except TimeoutError as error:
        raise _Refused("slow") from error


async def _read(protocol: Protocol, most: int) -> bytes:
    parts, length = [], 0
    async for part in protocol:
        parts.append(part)
        length += len(part)
        if length > most:
            raise _Refused("large")
    return b"".join(parts)


class _Headers:
    """The headers of an RSGI request."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        return text_of(self._headers.get(name))


def _address(client: str) -> str:
    """Without its port."""
    return client.rpartition(":")[0].strip("[]")


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """What PEP 3333 asks for."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "REMOTE_ADDR": _address(scope.client),
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name in scope.headers.keys():  # noqa: SIM118  no mapping
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = ("; " if name == "cookie" else ", ").join(scope.headers.get_all(name))
    environ["CONTENT_LENGTH"] = str(len(body))
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    return environ
