"""`tallylog ingest` as a process: it obeys signals, is alone, and loses nothing on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import Writer, wrong
from tests.stores import Store, configuration

ROOT = Path(__file__).parents[1]
CONFIG = """
[[site]]
name = "s"
[[source]]
site = "s"
paths = ["{name}*"]
format = "combined"
[ingest]
commit_seconds = 0.05
[log]
format = "json"
"""


class Service:
    """`tallylog ingest` on the folder, and what it says."""

    def __init__(self, folder: Path) -> None:
        command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml")
        self.process = subprocess.Popen(
            (*command, "ingest"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def says(self, words: str) -> str:
        """Wait for a message that holds these words."""
        assert self.process.stderr
        for text in self.process.stderr:
            if words in text:
                return str(json.loads(text)["message"])
        raise AssertionError(f"it ended without saying {words!r}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Service]]:
    (tmp_path / "config.toml").write_text(CONFIG.format(name="access.log"))
    started: list[Service] = []

    def make() -> Service:
        started.append(Service(tmp_path))
        return started[-1]

    yield make
    for service in started:
        with service.process as process:
            process.kill()


def counted(folder: Path) -> dict[int, int]:
    pages = Store(folder / "data", configuration({"s": "UTC"})).ask(["hits"], ["page"])
    return {int(str(k[0]).removeprefix("/n/")): int(str(n[0])) for k, n in pages.items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_everything_read_committed(
    start: Callable[[], Service], tmp_path: Path, number: int
) -> None:
    with Writer(tmp_path / "access.log") as writer:
        for stops in range(3):
            service = start()
            service.says("following 1 sources")
            writer.reach(1000 * (stops + 1))
            assert service.stop(number) == 0
        last = writer.stop()
    service = start()
    while len(counted(tmp_path)) < last:
        assert service.process.poll() is None
    assert service.stop() == 0
    assert not wrong(counted(tmp_path), last)


def test_a_second_one_is_refused_with_the_pid_of_the_first(
    start: Callable[[], Service], tmp_path: Path
) -> None:
    first = start()
    first.says("following 1 sources")
    second = start()
    _, said = second.process.communicate()
    assert second.process.returncode == 1
    assert f"pid {first.process.pid}," in said
    assert first.stop() == 0
    third = start()
    third.says("following 1 sources")


def test_a_configuration_is_taken_over_if_it_is_right_and_refused_if_it_is_wrong(
    start: Callable[[], Service], tmp_path: Path
) -> None:
    service = start()
    service.says("following 1 sources")
    (tmp_path / "config.toml").write_text("[ingest]\ncommit_secnds = 1\n")
    service.process.send_signal(signal.SIGHUP)
    assert "commit_seconds" in service.says("old configuration is kept")
    (tmp_path / "config.toml").write_text(CONFIG.format(name="other.log"))
    service.process.send_signal(signal.SIGHUP)
    service.says("following 1 sources")
    with Writer(tmp_path / "other.log") as writer:
        last = writer.stop()
    while len(counted(tmp_path)) < last:
        assert service.process.poll() is None
    assert service.stop() == 0
