"""`tallylog ingest` as a process on a folder: its configuration, its log, its data."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.live import LONGEST
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


def configure(folder: Path, name: str = "access.log") -> None:
    (folder / "config.toml").write_text(CONFIG.format(name=name))


class Service:
    """The process, and what it says."""

    def __init__(self, folder: Path) -> None:
        command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml")
        self.folder = folder
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
        """Returns the exit code; it has ten seconds."""
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode

    def kill(self, after: float = 0.0) -> None:
        """Let it live for so many seconds."""
        try:
            self.process.wait(after)
        except subprocess.TimeoutExpired:
            self.process.kill()
        with self.process:
            pass

    def counts(self, last: int) -> dict[int, int]:
        """Wait until it has counted as many numbers as there are; how often each was."""
        self.says("following")
        for _ in range(int(LONGEST / 0.2)):
            found = counted(self.folder)
            if len(found) >= last:
                return found
            assert self.process.poll() is None, "it ended"
        return found


def counted(folder: Path) -> dict[int, int]:
    """How often each number was counted."""
    pages = Store(folder / "data", configuration({"s": "UTC"})).ask(["hits"], ["page"])
    return {int(str(k[0]).removeprefix("/n/")): int(str(n[0])) for k, n in pages.items()}
