"""`tallylog ingest` as a process: it obeys signals, is alone, and loses nothing on the way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import Writer, wrong
from tests.services import Service, configure


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Service]]:
    configure(tmp_path)
    started: list[Service] = []

    def make() -> Service:
        started.append(Service(tmp_path))
        return started[-1]

    yield make
    for service in started:
        service.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_everything_read_committed(
    start: Callable[[], Service], tmp_path: Path, number: int
) -> None:
    with Writer(tmp_path / "access.log") as writer:
        for stops in range(2):
            service = start()
            service.says("following 1 sources")
            writer.reach(1000 * (stops + 1))
            assert service.stop(number) == 0
        last = writer.stop()
    service = start()
    assert not wrong(service.counts(last), last)
    assert service.stop() == 0


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
    configure(tmp_path, "other.log")
    service.process.send_signal(signal.SIGHUP)
    with Writer(tmp_path / "other.log") as writer:
        last = writer.stop()
    assert not wrong(service.counts(last), last)
    assert service.stop() == 0
