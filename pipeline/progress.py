"""Shows how far a long job is: a bar where stderr is a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

#: How often a log file or a pipe gets a line.
SECONDS_BETWEEN_LINES = 5.0

Clock = Callable[[], float]


class Meter(Protocol):
    """What a job calls while it works. Bytes are those of the files as they lie on disk."""

    def start(self, total_bytes: int | None, files: int) -> None: ...
    def advance(self, bytes: int, lines: int) -> None: ...
    def file_done(self, path: str) -> None: ...
    def finish(self) -> None: ...


def meter(stream: TextIO | None = None) -> Meter:
    stream = stream or sys.stderr
    return Bar(stream) if stream.isatty() else Lines(stream)


class Silent:
    """Shows nothing."""

    def start(self, total_bytes: int | None, files: int) -> None:
        return

    def advance(self, bytes: int, lines: int) -> None:
        return

    def file_done(self, path: str) -> None:
        return

    def finish(self) -> None:
        return


class _Tally:
    """What both ways of showing count."""

    def __init__(self, clock: Clock, total_bytes: int | None = None, files: int = 0) -> None:
        self.total_bytes = total_bytes
        self.files = files
        self.bytes = self.lines = self.files_done = 0
        self._clock = clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        return max(self._clock() - self._began, 0.001)

    @property
    def lines_per_second(self) -> int:
        return int(self.lines / self.seconds)

    def seconds_left(self) -> int | None:
        if not self.total_bytes or not self.bytes:
            return None
        return max(0, int(self.seconds * (self.total_bytes - self.bytes) / self.bytes))


class Bar:
    """files, MB, lines a second and the time left, drawn in place."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[files]}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._tally = _Tally(time.monotonic)
        self._task = TaskID(0)

    def start(self, total_bytes: int | None, files: int) -> None:
        self._tally = _Tally(time.monotonic, total_bytes, files)
        begun = f"0/{files} files"
        self._task = self._progress.add_task("", total=total_bytes, files=begun, rate="")
        self._progress.start()

    def advance(self, bytes: int, lines: int) -> None:
        self._tally.lines += lines
        rate = f"{self._tally.lines_per_second:,} lines/s"
        self._progress.update(self._task, advance=bytes, rate=rate)

    def file_done(self, path: str) -> None:
        self._tally.files_done += 1
        files = f"{self._tally.files_done}/{self._tally.files} files"
        self._progress.update(self._task, files=files)

    def finish(self) -> None:
        self._progress.stop()


class Lines:
    """The same as plain lines, for logs and pipes; a short job prints none."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._tally = _Tally(clock)
        self._printed = clock()

    def start(self, total_bytes: int | None, files: int) -> None:
        self._tally = _Tally(self._clock, total_bytes, files)
        self._printed = self._clock()

    def advance(self, bytes: int, lines: int) -> None:
        self._tally.bytes += bytes
        self._tally.lines += lines
        now = self._clock()
        if now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            print(self._line(), file=self._stream, flush=True)

    def file_done(self, path: str) -> None:
        self._tally.files_done += 1

    def finish(self) -> None:
        return

    def _line(self) -> str:
        tally = self._tally
        left = tally.seconds_left()
        megabytes = f"{tally.bytes / 1e6:,.0f}"
        if tally.total_bytes is not None:
            megabytes += f" of {tally.total_bytes / 1e6:,.0f}"
        line = f"{tally.files_done} of {tally.files} files, {megabytes} MB"
        line += f", {tally.lines_per_second:,} lines/s"
        return line if left is None else f"{line}, {left} s left"
