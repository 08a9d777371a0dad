"""`tallylog run`: children that end are started again, and all end together."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.supervisor import FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS, Child
from tests.live import Writer, wrong
from tests.services import CONFIG, ROOT, counted


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """`tallylog run` in a folder, and what it says."""

    def __init__(self, folder: Path) -> None:
        command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml", "run")
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def says(self, words: str) -> dict[str, object]:
        assert self.process.stderr
        for text in self.process.stderr:
            if words in text:
                return dict(json.loads(text))
        raise AssertionError(f"it ended without saying {words!r}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = CONFIG.format(name="access.log") + f"[web]\nport = {free_port()}\n"
    (tmp_path / "config.toml").write_text(text)
    return tmp_path


@pytest.fixture
def service(folder: Path) -> Iterator[Run]:
    found = Run(folder)
    yield found
    with found.process as process:
        process.kill()


def ask(service: Run, url: str) -> dict[str, object]:
    """The answer, when the server listens."""
    while service.process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.URLError as error:
            assert isinstance(error.reason, ConnectionRefusedError)
    raise AssertionError("it ended")


def alive(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return False
    return True


def replace(path: Path, text: str) -> None:
    """At once: a signal of before may have it read at any moment."""
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def test_a_child_that_is_killed_is_started_again_and_all_end_together(
    service: Run, folder: Path
) -> None:
    first = service.says("ingest started")["pid"]
    web = service.says("web started")["pid"]
    service.says("following 1 sources")
    with Writer(folder / "access.log") as writer:
        os.kill(int(str(first)), signal.SIGKILL)
        service.says("ingest ended with -9")
        second = service.says("ingest started")["pid"]
        service.says("following 1 sources")
        last = writer.stop()
    while len(counted(folder)) < last:
        assert service.process.poll() is None
    assert not wrong(counted(folder), last)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(timeout=10) == 0
    assert not any(map(alive, (first, second, web)))


def test_the_web_application_answers_and_takes_a_new_configuration(
    service: Run, folder: Path
) -> None:
    config = (folder / "config.toml").read_text()
    service.says("following 1 sources")
    answer = ask(service, f"http://127.0.0.1:{config.split('port = ')[1].strip()}/healthz")
    assert answer["status"] == "ok"
    replace(folder / "config.toml", "[web]\nprot = 1\n")
    for _ in range(50):  # also while it is busy with the one before
        service.process.send_signal(signal.SIGHUP)
    assert "did you mean 'port'" in str(service.says("old configuration is kept")["message"])
    replace(folder / "config.toml", config)
    service.process.send_signal(signal.SIGHUP)
    service.says("following 1 sources")
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(timeout=10) == 0


def test_children_end_when_the_supervisor_is_killed(service: Run) -> None:
    service.says("following 1 sources")
    service.process.kill()
    service.process.wait()
    service.says("stopped, with everything committed")


def test_a_service_whose_ingest_is_refused_ends(folder: Path, service: Run) -> None:
    service.says("following 1 sources")
    second = Run(folder)
    with second.process as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "Another ingest, pid" in said


def test_the_pause_before_a_start_doubles_until_a_child_is_steady() -> None:
    child, pauses = Child("x", [sys.executable, "-S", "-c", "raise SystemExit(3)"]), []
    for _ in range(3):
        child.start()
        assert child.process is not None
        child.process.wait()
        assert not child.reap()
        pauses.append(child.pause)
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    child.pause = LONGEST_PAUSE
    child.start()
    child.started -= STEADY_SECONDS + 1
    assert child.process is not None
    child.process.wait()
    child.reap()
    assert child.pause == FIRST_PAUSE
