"""Run a command and measure it with all the processes it starts: time, CPU and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Usage:
    """`peak_mib` is the largest sum of resident memory seen over all processes at one moment;
    pages that processes share count in each of them. `spilt_mib` is the most that its temporary
    files held, where they were looked at."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str = ""
    spilt_mib: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
        )


def run(
    command: Sequence[str | Path],
    folder: Path,
    stdin: IO[bytes] | None = None,
    spill: Path | None = None,
) -> Usage:
    """Run to the end inside `folder`; a failure raises with what the command said. Its temporary
    files go to the folder `spill`, if there is one."""
    env = {**os.environ, "TMPDIR": str(spill)} if spill else None
    with tempfile.TemporaryFile(dir=folder) as out, tempfile.TemporaryFile(dir=folder) as err:
        started = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdin=stdin, stdout=out, stderr=err, env=env)
        peak, spilt, status, used = _follow(child.pid, spill)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            err.seek(0)
            raise subprocess.CalledProcessError(child.returncode, command, stderr=err.read())
        out.seek(0)
        text = out.read().decode()
    mib = max(peak / 2**20, used.ru_maxrss / 2**10)
    return Usage(seconds, used.ru_utime + used.ru_stime, mib, text, spilt / 2**20)


def _follow(pid: int, spill: Path | None) -> tuple[int, int, int, resource.struct_rusage]:
    """Wait for the process; its usage counts the children it has waited for itself."""
    root, peak, spilt = psutil.Process(pid), 0, 0
    while True:
        peak = max(peak, _resident(root))
        spilt = max(spilt, _held(spill)) if spill else 0
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return peak, spilt, status, used
        time.sleep(PAUSE)


def _held(folder: Path) -> int:
    """Bytes on disk of all files below the folder."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # it was removed while it was asked
            total += path.stat().st_blocks * 512
    return total


def _resident(root: psutil.Process) -> int:
    total = 0
    try:
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:  # it ended while it was asked; the next sample sees the rest
        return total
    return total
