"""Starts web servers of Debian's packages on the loopback, asks them, and says what they logged.

real_servers.toml has a table for each. A server is ended by its own process, and what it wrote
goes with its folder. As a program this prints the packages.
"""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SERVERS: Mapping[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
#: Seconds until a server must answer, and then until it must have answered.
LONGEST = 30.0
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a server: its folder and the first line of each answer, by case."""

    folder: Path
    answers: Mapping[str, str]


@contextmanager
def running(name: str, requests: Mapping[str, bytes]) -> Iterator[Run]:
    """Everything the server wrote when asked all of this."""
    table = SERVERS[name]
    if shutil.which(table["command"][0], path=PATH) is None:
        pytest.skip(f"{table['command'][0]} is not here; `make test-servers` installs it")
    folder = Path(tempfile.mkdtemp(prefix=f"tallylog-{name}-"))
    # The servers let go of the rights of root and then write as somebody else.
    folder.chmod(0o777)
    try:
        with _origin() as origin:
            yield Run(folder, _asked(table, folder, origin, requests))
    finally:
        shutil.rmtree(folder)


def _asked(
    table: Mapping[str, Any], folder: Path, origin: int, requests: Mapping[str, bytes]
) -> dict[str, str]:
    port = free_port()

    def filled(text: str) -> str:
        for key, value in (("folder", folder), ("port", port), ("origin", origin)):
            text = text.replace(f"@{key}@", str(value))
        return text

    (folder / "server.conf").write_text(filled(table["config"]), encoding="utf-8")
    environment = {**os.environ, "PATH": PATH, "HOME": str(folder)}
    with (
        (folder / "stdout").open("wb") as out,
        (folder / "stderr").open("wb") as err,
        subprocess.Popen(
            [filled(word) for word in table["command"]], stdout=out, stderr=err, env=environment
        ) as process,
    ):
        try:
            wait_for(port, process, folder)
            prefix = b" http://127.0.0.1:%d/" % origin if table.get("proxy") else b" /"
            answers = {
                case: _ask(port, text.replace(b" /", prefix, 1)) for case, text in requests.items()
            }
            for command in table.get("after", ()):
                subprocess.run(
                    [filled(word) for word in command], check=True, timeout=LONGEST, env=environment
                )
            process.send_signal(signal.Signals[f"SIG{table['signal']}"])
            process.wait(LONGEST)
        finally:
            process.kill()
    return answers


def wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Until the server takes connections; an error with what it said if it ends before."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            pass  # Not yet; the wait below ends early if it never will.
        try:
            process.wait(0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    logs = [p.read_text(errors="replace") for p in folder.iterdir() if p.is_file()]
    raise AssertionError("the server does not answer:\n" + "\n".join(logs))


def _ask(port: int, request: bytes) -> str:
    """The first line of the answer."""
    with socket.create_connection(("127.0.0.1", port), LONGEST) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n")[0].decode("latin-1")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class _Hello(http.server.BaseHTTPRequestHandler):
    """Says hello to whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path.startswith("/nope") else 200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """It has no log."""


@contextmanager
def _origin() -> Iterator[int]:
    """The port of a server that a proxy can ask."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    print(*sorted({table["package"] for table in SERVERS.values()}))
