"""A real nginx under load, its log turned by a real logrotate: `make test-live`.

nginx writes every request to two logs. One is turned and followed; the other is left alone and
says what was asked.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline import backfill
from pipeline.config_file import load
from tests.live import LONGEST
from tests.real_servers import PATH, free_port, wait_for
from tests.services import Service, configure, counted

pytestmark = pytest.mark.live

NEEDED = ("nginx", "logrotate", "wrk")
ROTATIONS = 6
#: Requests between two rotations, and those under way at once.
BETWEEN, CONNECTIONS = 4_000, 10
NGINX = """
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log combined;
        access_log {folder}/asked.log combined;
        location / {{ return 200 hello; }}
    }}
}}
"""
REOPEN = "postrotate\n kill -USR1 $(cat {folder}/pid)\n endscript"
LOGROTATE = {
    "create": f"create\n {REOPEN}",
    "create, compress": f"create\n compress\n {REOPEN}",
    "create, compress, delaycompress": f"create\n compress\n delaycompress\n {REOPEN}",
    "create, dated": f"create\n dateext\n dateformat -%Y%m%d-%s\n compress\n {REOPEN}",
    "copytruncate": "copytruncate",
    "copytruncate, compress": "copytruncate\n compress",
    "copytruncate, compress, delaycompress": "copytruncate\n compress\n delaycompress",
}


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Its port. The workers run as whoever runs the test, so that its folder is open to them."""
    port = free_port()
    text = NGINX.format(folder=folder, port=port)
    if os.geteuid() == 0:
        text = f"user root root;{text}"
    (folder / "nginx.conf").write_text(text)
    command = ("nginx", "-e", folder / "error.log", "-c", folder / "nginx.conf")
    with subprocess.Popen(command, env={**os.environ, "PATH": PATH}) as process:
        try:
            wait_for(port, process, folder)
            yield port
            process.send_signal(signal.SIGQUIT)
            process.wait(LONGEST)
        finally:
            process.kill()


class Load:
    """wrk, until it is told to stop."""

    def __init__(self, folder: Path, port: int) -> None:
        script = Path(__file__).with_name("numbered_requests.lua")
        options = ("-t1", f"-c{CONNECTIONS}", "-d600s", "-s", script)
        self.asked = folder / "asked.log"
        self.process = subprocess.Popen(
            ("wrk", *options, f"http://127.0.0.1:{port}"), stdout=subprocess.PIPE, text=True
        )

    def reach(self, requests: int) -> None:
        """Wait until so many were logged."""
        until = time.monotonic() + LONGEST
        while not self.asked.exists() or self.asked.read_bytes().count(b"\n") < requests:
            assert time.monotonic() < until, "nginx logs nothing"
            assert waits(self.process), "wrk ended"

    def stop(self) -> int:
        """Returns how many answers it has seen."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=LONGEST)
        found = re.search(r"(\d+) requests in", out)
        assert found and "Non-2xx" not in out, out
        return int(found[1])

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()


def waits(process: subprocess.Popen[str]) -> bool:
    """Give it a moment; whether it still runs."""
    try:
        process.wait(0.05)
    except subprocess.TimeoutExpired:
        return True
    return False


def rotate(folder: Path, how: str) -> None:
    options = LOGROTATE[how].format(folder=folder)
    conf = folder / "logrotate.conf"
    conf.write_text(f"{folder}/access.log {{\n rotate 99\n {options}\n}}\n")
    conf.chmod(0o644)
    state = folder / "logrotate.state"
    command = ("logrotate", "-f", "-s", state, conf)
    subprocess.run(command, check=True, env={**os.environ, "PATH": PATH})


def numbers(folder: Path, pattern: str) -> Counter[int]:
    """How often the logs of this name have each number."""
    texts = [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in folder.glob(pattern)
    ]
    return Counter(int(number) for text in texts for number in re.findall(rb"GET /n/(\d+) ", text))


def turned_under_load(folder: Path, how: str) -> int:
    """How many answers wrk has seen; nginx has ended, and logged all."""
    with nginx(folder) as port, Load(folder, port) as wrk:
        for turn in range(1, ROTATIONS + 1):
            wrk.reach(turn * BETWEEN)
            rotate(folder, how)
        wrk.reach((ROTATIONS + 1) * BETWEEN)
        return wrk.stop()


@pytest.mark.parametrize("how", LOGROTATE)
def test_every_request_is_counted_once(how: str, tmp_path: Path) -> None:
    if missing := [name for name in NEEDED if shutil.which(name, path=PATH) is None]:
        pytest.skip(f"{missing} are not here; `make test-live` installs them")
    tmp_path.chmod(0o755)
    configure(tmp_path)
    service = Service(tmp_path)
    try:
        answers = turned_under_load(tmp_path, how)
        asked, left = numbers(tmp_path, "asked.log"), numbers(tmp_path, "access.log*")
        found = counts_at_least(service, left)
        assert service.stop() == 0
    finally:
        service.kill()
    assert answers <= asked.total() <= answers + CONNECTIONS
    assert set(asked.values()) == {1} == set(found.values())
    if "copytruncate" not in how:
        assert found.keys() == asked.keys()
    # Between the copy and the truncation of a log, what is written is lost to whoever has not
    # read it by then. We may have.
    assert left.keys() <= found.keys() <= asked.keys()
    print(f"{how}: {len(asked)} asked, {len(left)} left in logs, {len(found)} counted")
    again = backfill.backfill(load(tmp_path / "config.toml"), tmp_path / "data")
    assert again.as_dict()["new_records"] == 0


def counts_at_least(service: Service, expected: Counter[int]) -> dict[int, int]:
    """Wait until these are counted; what is."""
    until = time.monotonic() + LONGEST
    while not (found := counted(service.folder)).keys() >= expected.keys():
        assert time.monotonic() < until, f"{len(expected.keys() - found.keys())} are not counted"
        assert waits(service.process), "it ended"
    return found
