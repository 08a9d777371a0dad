"""`tallylog run`: keeps the processes of a service alive, and ends them together.

A child that ends is started again after a pause that doubles each time, up to a minute; one that
has run for a minute begins anew with the shortest. A child that refuses to work from the start
(exit code 1 within half a minute: it has said why) ends them all, because starting it again would
not help.
"""

from __future__ import annotations

import ctypes
import logging
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

log = logging.getLogger("tallylog.run")

FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 1.0, 60.0, 60.0
#: A child that is refused its work says so in this time.
REFUSED_SECONDS = 30.0
#: How long children may take to end before they are killed; less than the ten that are promised.
STOP_SECONDS = 8.0

STOP = {signal.SIGTERM, signal.SIGINT}
SIGNALS = {*STOP, signal.SIGHUP, signal.SIGCHLD}
_SET_DEATH_SIGNAL = 1


def die_with_parent() -> None:
    """Be told to end when the parent dies, however it dies (prctl(2); nothing elsewhere)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _begin() -> None:
    """In the child, before its program: a SIGHUP that comes before it is ready for one does not
    end it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    die_with_parent()


@contextmanager
def _signals() -> Iterator[Callable[[float], int]]:
    """A function that waits so many seconds for the next signal, and returns its number or 0.

    They are caught, not blocked: what this thread blocks would be given to a thread of some
    library that does not, and end the process.
    """
    told, tell = socket.socketpair()

    def wait(seconds: float) -> int:
        ready, _, _ = select.select([told], [], [], seconds)
        return told.recv(1)[0] if ready else 0

    with told, tell:
        tell.setblocking(False)
        writes = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        try:
            yield wait
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(writes)


@dataclass(slots=True)
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0
    starts: int = 0

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, preexec_fn=_begin)
        self.started = time.monotonic()
        self.starts += 1
        said = {"child": self.name, "pid": self.process.pid}
        log.info("%s started, pid %d", self.name, self.process.pid, extra=said)

    def send(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def reap(self) -> bool:
        """Take note if it has ended; returns whether it refused to work."""
        code = None if self.process is None else self.process.poll()
        if code is None:
            return False
        self.process = None
        age = time.monotonic() - self.started
        self.pause = FIRST_PAUSE if age > STEADY_SECONDS else min(2 * self.pause, LONGEST_PAUSE)
        self.pause = max(self.pause, FIRST_PAUSE)
        self.due = time.monotonic() + self.pause
        log.error("%s ended with %d", self.name, code, extra={"child": self.name, "code": code})
        return code == 1 and self.starts == 1 and age < REFUSED_SECONDS


@dataclass(slots=True)
class Supervisor:
    """`accept` says whether the configuration that SIGHUP asks for is right."""

    commands: Mapping[str, Sequence[str]]
    accept: Callable[[], bool]
    children: list[Child] = field(default_factory=list)

    def run(self) -> int:
        """Until a signal ends it; returns the exit code."""
        with _signals() as wait:
            try:
                self.children = [Child(name, command) for name, command in self.commands.items()]
                for child in self.children:
                    child.start()
                return self._watch(wait)
            finally:
                self._stop()

    def _watch(self, wait: Callable[[float], int]) -> int:
        while True:
            number = wait(self._patience())
            if number in STOP:
                log.info("stopping", extra={"signal": number})
                return 0
            if number == signal.SIGHUP and self.accept():
                for child in self.children:
                    child.send(number)
            if any([child.reap() for child in self.children]):
                return 1
            for child in self.children:
                if child.process is None and child.due <= time.monotonic():
                    child.start()

    def _patience(self) -> float:
        """Seconds until a child is to be started."""
        waits = [child.due - time.monotonic() for child in self.children if child.process is None]
        return max(0.0, min(waits, default=LONGEST_PAUSE))

    def _stop(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("pid %d does not end and is killed", process.pid)
                process.kill()
                process.wait()
