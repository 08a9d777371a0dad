"""The collector as the process that is served: under load, under attack, and killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.backfill import backfill
from pipeline.config_file import load
from tests.collector_server import Server, answer, get, post, serving
from tests.stores import Store, Table
from webapp.sessions import MOST_BYTES

VIEW = "/api/track/page-view"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("collector")) as running:
        yield running


def counted(folder: Path, *asked: list[str]) -> Table:
    config = load(folder / "config.toml")
    backfill(config, config.store.data)
    return Store(config.store.data, config).ask(*asked, site="one")


def body(page: str) -> bytes:
    return b'{"path": "%s", "site": "one"}' % page.encode()


@pytest.mark.parametrize("posts", [5, 500])
def test_posts_at_once_are_counted_exactly(server: Server, posts: int) -> None:
    page = f"/at-once/{posts}"
    with ExitStack() as stack:
        open_ones = [stack.enter_context(server.connect()) for _ in range(posts)]
        for connection in open_ones:
            connection.sendall(post(VIEW, body(page))[:-1])
        for connection in open_ones:
            connection.sendall(b"}")
        assert [answer(connection)[0] for connection in open_ones] == [204] * posts
    assert counted(server.folder, ["views"], ["page"])[page,] == [posts]


def test_idle_and_slow_connections_stop_nobody(server: Server) -> None:
    with ExitStack() as stack:
        for number in range(1000):
            connection = stack.enter_context(server.connect())
            # Nothing at all, half of the headers, or half of a body.
            connection.sendall((b"", post(VIEW, b"")[:40], post(VIEW, body("/x"))[:-5])[number % 3])
        other = stack.enter_context(server.connect())
        other.settimeout(2)
        for request in (get("/pixel.gif?site=one&p=/not-stopped"), get("/healthz")):
            other.sendall(request)
            assert answer(other)[0] == 200
    assert counted(server.folder, ["views"], ["page"])["/not-stopped",] == [1]


def test_what_is_too_long_is_refused_without_being_read(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /api/track-view/ HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"
        )
        assert answer(connection)[0] == 413
    with server.connect() as connection:
        connection.sendall(get("/pixel.gif?site=one&p=/" + "a" * 8192))
        assert answer(connection)[0] == 200
    assert all(len(line.get("url", "")) < 8192 for line in server.lines())


def test_a_batch_without_a_key_is_refused_before_its_body_comes(server: Server) -> None:
    head = b"POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    for key in (b"", b"Authorization: Bearer wrong\r\n"):
        with server.connect() as connection:
            connection.sendall(head + key + b"\r\n")
            status, told = answer(connection)
            assert (status, json.loads(told)["error"]) == (401, "key")


def test_the_application_gets_no_longer_body_than_it_takes(server: Server) -> None:
    with server.connect() as connection:
        head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (MOST_BYTES + 1))
        assert answer(connection)[0] == 413


def load_of(server: Server, answered: list[int], number: int) -> None:
    """Send views one after the other until the server is gone."""
    with server.connect() as connection:
        for turn in range(100_000):
            try:
                connection.sendall(post(VIEW, body(f"/{number}/{turn}")))
            except ConnectionError:
                return
            if answer(connection)[0] != 204:
                return
            answered[number] = turn + 1


def test_a_kill_under_load_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        answered = [0] * 8
        senders = [
            threading.Thread(target=load_of, args=(server, answered, number))
            for number in range(len(answered))
        ]
        for sender in senders:
            sender.start()
        while min(answered) < 50:
            senders[0].join(0.01)
        os.kill(server.worker(), signal.SIGKILL)
        for sender in senders:
            sender.join(20)
        server.stop(signal.SIGKILL)
    pages = counted(tmp_path, ["views"], ["page"])
    lost = [
        (number, turn)
        for number, turns in enumerate(answered)
        for turn in range(turns)
        if pages.get((f"/{number}/{turn}",)) != [1]
    ]
    assert not lost
    # Of each sender, one more may have been written than was answered.
    assert sum(answered) <= len(pages) <= sum(answered) + len(answered)


def test_hits_are_on_the_disk_before_they_are_answered_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, 'durability = "fsync"') as server, ExitStack() as stack:
        open_ones = [stack.enter_context(server.connect()) for _ in range(20)]
        for connection in open_ones:
            connection.sendall(get("/pixel.gif?site=one&p=/a"))
        assert [answer(connection)[0] for connection in open_ones] == [200] * 20
        assert len(server.lines()) == 20


GUNICORN = (
    *(sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "4"),
    *("--bind", "127.0.0.1:{port}", "webapp.collector:application('{folder}/config.toml')"),
)


def test_another_wsgi_server_of_several_processes_loses_and_repeats_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, command=GUNICORN) as server, ExitStack() as stack:
        open_ones = [stack.enter_context(server.connect()) for _ in range(40)]
        for number, connection in enumerate(open_ones):
            connection.sendall(post(VIEW, body(f"/{number}")))
        assert [answer(connection)[0] for connection in open_ones] == [204] * 40
        with server.connect() as connection:
            connection.sendall(get("/healthz"))
            assert answer(connection)[0] == 200
    pages = counted(tmp_path, ["views"], ["page"])
    assert pages == {(f"/{number}",): [1] for number in range(40)}
