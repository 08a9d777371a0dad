"""Who does not wait for an answer any more stops what makes it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.errors import QueryCancelled
from tests.real_servers import free_port
from tests.web import application, configured
from webapp import current
from webapp.gone import NAME, Gone


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path / "data")


def test_a_question_ends_with_its_request(config) -> None:
    watched: list[str] = []
    gone = Gone(lambda: watched.append("begun"))
    with application(config).test_request_context(environ_base={NAME: gone}):
        deadline = current.deadline()
        deadline.check()
        assert watched == ["begun"]
        gone.tell()
        with pytest.raises(QueryCancelled):
            deadline.check()
        with pytest.raises(QueryCancelled):
            current.deadline().check()


def test_the_server_tells_when_a_client_has_left() -> None:
    port = free_port()
    command = (sys.executable, "-m", "tests.waiting_server", str(port))
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:
        try:
            client = connected(server, port)
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert server.stdout and told(server) == "waiting"
            client.close()
            assert told(server) == "left"
        finally:
            server.terminate()


def told(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    return next(line.strip() for line in server.stdout if line.strip() in ("waiting", "left"))


def connected(server: subprocess.Popen[str], port: int) -> socket.socket:
    while server.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            continue
    raise AssertionError("the server ended")
