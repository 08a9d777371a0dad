"""`tallylog run`: keeps the processes of a service alive, and ends them together.

A child that ends is started again after a pause that doubles each time, up to a minute; one that
has run for a minute begins anew with the shortest. A child that refuses to work from the start
(exit code 1 within half a minute: it has said why) ends them all, because starting it again would
not help.
"""

from __future__ import annotations

import ctypes
import logging
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
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
    """In the child, before its program: the signals that the parent waits for reach it again, and
    a SIGHUP that comes before it is ready for one does not end it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    die_with_parent()


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
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.children = [Child(name, command) for name, command in self.commands.items()]
            for child in self.children:
                child.start()
            return self._watch()
        finally:
            self._stop()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self) -> int:
        while True:
            info = signal.sigtimedwait(SIGNALS, self._patience())
            number = info.si_signo if info else 0
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
