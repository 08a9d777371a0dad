"""The live stream through a real nginx, with the settings that docs/dashboard.md gives."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from pipeline.catalog import Catalog
from tests.browser.rig import answering, free_port
from tests.collector_server import Server, serving
from tests.events import add, event
from webapp.live import EVERY_SECONDS, RETRY_SECONDS, STREAMS

pytestmark = pytest.mark.servers
SITE = '[[site]]\nname = "open"\npublic = true'
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_types *;
    server {{
        listen 127.0.0.1:{port};
        {location}
    }}
}}
"""


def documented(port: int) -> str:
    """The settings of the documentation, for a server on another port."""
    text = Path("docs/dashboard.md").read_text("utf-8")
    block = re.search(r"```nginx\n(.*?)```", text, re.S)
    assert block and ":8710" in block[1]
    return block[1].replace(":8710", f":{port}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("live"), SITE) as started:
        yield started


@pytest.fixture(scope="module")
def port(server: Server) -> Iterator[int]:
    """Where nginx listens."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed; tests/install_servers installs it")
    found = free_port()
    settings = server.folder / "nginx.conf"
    location = documented(server.port)
    settings.write_text(NGINX.format(folder=server.folder, port=found, location=location))
    errors = server.folder / "error.log"
    with subprocess.Popen((program, "-c", settings, "-e", errors)) as nginx:
        answering(nginx, found)
        yield found
        nginx.terminate()


class Stream:
    """Events as they come; the socket gives up when nothing came for twice the usual time."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * EVERY_SECONDS)
        self._connection.request("GET", "/live/open", headers={"Accept-Encoding": "gzip"})
        self.answer = self._connection.getresponse()

    def next(self) -> int:
        """The visitors of now that the next event tells."""
        while not (line := self.answer.readline().decode()).startswith("data: "):
            assert line, "the stream ended"
        return int(json.loads(line.removeprefix("data: "))["visitors"])

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def came(server: Server, who: int) -> None:
    """Somebody views a page now."""
    now = dt.datetime.now(dt.UTC)
    catalog = Catalog(server.folder / "data")
    add(catalog, [event(f"{now:%H:%M:%S}", "/", who, site="open", date=now.date())])
    catalog.close()


def test_visitors_are_told_as_they_come(server: Server, port: int) -> None:
    with closing(Stream(port)) as stream:
        assert stream.answer.status == 200
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["Content-Encoding"] is None
        assert stream.next() == 0
        came(server, 1)
        came(server, 2)
        told = [stream.next() for _ in range(2)]
        assert told[-1] == 2


def opened(port: int) -> Stream:
    """A stream, as soon as there is room: one that was left is noticed when it has something to
    tell."""
    until = time.monotonic() + 3 * EVERY_SECONDS
    while time.monotonic() < until:
        stream = Stream(port)
        if stream.answer.status == 200:
            return stream
        stream.close()
    raise AssertionError("no stream was given back")


def test_streams_are_few_and_make_room_when_they_are_left(port: int) -> None:
    with ExitStack() as streams:
        for _ in range(STREAMS):
            assert streams.enter_context(closing(opened(port))).next() >= 0
        with closing(Stream(port)) as refused:
            assert refused.answer.status == 503
            assert refused.answer.headers["Retry-After"] == str(RETRY_SECONDS)
    with closing(opened(port)) as again:
        assert again.next() >= 0
