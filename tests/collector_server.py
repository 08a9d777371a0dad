"""`tallylog web` as a process on a store of its own, and clients that speak to it over sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
AGENT = b"Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"
CONFIG = """
[[site]]
name = "one"
hosts = ["one.example"]
[store]
data = "data"
[web]
port = {port}
[collector]
rate = 0
{more}
"""


class Server:
    """The process; `started` when it answers."""

    def __init__(self, folder: Path, more: str = "", command: Sequence[str] = ()) -> None:
        self.folder, self.port = folder, _free_port()
        self.command = [word.format(port=self.port, folder=folder) for word in command]
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(port=self.port, more=more))
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        ours = [sys.executable, str(ROOT / "tallylog.py"), "--config", str(self.config), "web"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(self.command or ours, cwd=ROOT, stderr=quiet, stdout=quiet)
        while process.poll() is None:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", self.port)):
                    return process
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        raise AssertionError("it ended without having started")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def worker(self) -> int:
        """The pid of the process that answers."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(path.read_text().split()[-1])

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        with self.process:
            self.process.communicate(timeout=20)

    def lines(self) -> list[dict[str, str]]:
        files = sorted((self.folder / "data" / "journal").glob("*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


@contextmanager
def serving(folder: Path, more: str = "", command: Sequence[str] = ()) -> Iterator[Server]:
    server = Server(folder, more, command)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def post(path: str, body: bytes) -> bytes:
    return (
        b"POST %s HTTP/1.1\r\nHost: one.example\r\nUser-Agent: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (path.encode(), AGENT, len(body), body)
    )


def get(target: str) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\n\r\n" % (target.encode(), AGENT)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the next answer; 0 where the connection ended before it was whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := _received(connection)):
            return 0, b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields.get(b"content-length", 0)):
        if not (part := _received(connection)):
            return 0, b""
        body += part
    return int(head[9:12]), body


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
