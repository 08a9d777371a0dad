"""A `tallylog ingest` on a folder of its own, for those who measure it or hold it to its word."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
#: Seconds after which something that should have happened never will.
LONGEST = 600.0
CONFIG = """
[[site]]
name = "bench"
[[source]]
site = "bench"
paths = ["logs/*"]
format = "combined"
[jobs]
compact = "1m"
vacuum = "1m"
"""


@dataclass(frozen=True, slots=True)
class State:
    """Of the process: CPU seconds since its start, resident memory now and at most since it was
    last asked, open files and threads."""

    cpu_seconds: float
    resident_mib: float
    peak_mib: float
    files: int
    threads: int


class Service:
    """Follows `folder`/logs into `folder`/data; `settings` are more of the configuration."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.catalog = folder / "data" / "catalog.db"
        self.said = folder / "stderr"
        (folder / "config.toml").write_text(CONFIG + settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml")

    def start(self) -> None:
        """Returns when it follows its logs."""
        told = self.said.read_text().count("following") if self.said.exists() else 0
        with self.said.open("ab") as err:
            self._process = subprocess.Popen((*self._command, "ingest"), stderr=err)
        self._shown = psutil.Process(self._process.pid)
        until(lambda: self.said.read_text().count("following") > told, self)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(LONGEST)
        if number != signal.SIGKILL and code != 0:
            raise AssertionError(f"it ended with {code}: {self.said.read_text()}")

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever has happened, the process goes."""
        if self.running:
            self.end(signal.SIGKILL)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def state(self) -> State:
        with self._shown.oneshot():
            used, resident = self._shown.cpu_times(), self._shown.memory_info().rss
            return State(
                used.user + used.system,
                resident / 2**20,
                self._peak(),
                self._shown.num_fds(),
                self._shown.num_threads(),
            )

    def _peak(self) -> float:
        """The most resident memory since the last time, in MiB (proc_pid_clear_refs(5))."""
        process = Path("/proc", str(self._shown.pid))
        (held,) = re.findall(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
        (process / "clear_refs").write_text("5")
        return int(held) / 2**10

    def counted(self) -> int:
        """Lines that the store accounts for."""
        return int(self.ask("select coalesce(sum(records), 0) from accounts"))

    def ask(self, sql: str) -> float:
        """One number of the catalog."""
        with closing(sqlite3.connect(f"file:{self.catalog}?mode=ro", uri=True)) as catalog:
            return float(catalog.execute(sql).fetchone()[0])

    def query(self) -> float:
        """Seconds that `tallylog query` takes, its start included."""
        began = time.perf_counter()
        command = (*self._command, "query", "--site", "bench", "--metrics", "hits")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began


def until(true: Callable[[], bool], service: Service, pause: float = 0.05) -> None:
    """Wait; an error with what the service said when it ends before."""
    end = time.monotonic() + LONGEST
    while not true():
        if not service.running or time.monotonic() > end:
            raise AssertionError(f"it ended or hangs: {service.said.read_text()}")
        time.sleep(pause)
