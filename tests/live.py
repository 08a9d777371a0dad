"""A tailer that runs in a thread of the test, beside a process that writes the log."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pipeline import tail as tails
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.tail import Tail
from tests.stores import Store

ROOT = Path(__file__).parents[1]
#: Everything goes faster than in service, so that a test sees many commits and re-scans.
QUICK = {"commit_seconds": 0.05, "rescan_seconds": 0.2, "commit_lines": 500}
LONGEST = 60.0


class Writer:
    """The process of `tests/numbered_writer.py`; it writes until it is told otherwise."""

    def __init__(self, path: Path, first: int = 0) -> None:
        command = (sys.executable, "-m", "tests.numbered_writer", str(path), str(first))
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, word: str) -> int:
        """Returns the number it will write next, when it has obeyed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def reach(self, number: int) -> None:
        """Wait until it has written so many."""
        while self.tell("go") < number:
            pass

    def stop(self) -> int:
        """Returns the number after the last."""
        last = self.tell("stop")
        self._process.wait()
        return last

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        with self._process:
            self._process.kill()


def configured(pattern: Path | Sequence[Path], format: str = "combined", **ingest: float) -> Config:
    paths = [str(p) for p in ([pattern] if isinstance(pattern, Path) else pattern)]
    source = {"site": "s", "paths": paths, "format": format}
    settings = {**QUICK, "finish_seconds": 1000, **ingest}
    return Config.model_validate({"site": [{"name": "s"}], "source": [source], "ingest": settings})


class Live:
    """A tailer on a store of its own, which goes on in a thread between `start` and `stop`."""

    def __init__(self, data: Path, config: Config) -> None:
        self.store = Store(data, config)
        self.catalog = Catalog(data)
        self.tail: Tail = tails.make(config, self.catalog)
        self._thread = threading.Thread(target=self.tail.run)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        if self._thread.is_alive():
            self.tail.stop()
            self._thread.join()

    def follows(self, path: Path) -> bool:
        """Whether it has met the file that has this name now."""
        stat = path.stat()
        return any((stat.st_dev, stat.st_ino) in s.files for s in self.tail.sources)

    def settle(self) -> None:
        """Stop, and read on until nothing is left to read."""
        self.stop()
        until = time.monotonic() + LONGEST
        left = True
        while left:
            assert time.monotonic() < until, [source.troubles for source in self.tail.sources]
            for source in self.tail.sources:
                source.woken = True
            self.tail.turn()
            left = bool(self.tail.stuck)
            left |= any(source.more or source.woken for source in self.tail.sources)
            left |= any(file.seen is None for s in self.tail.sources for file in s.files.values())

    def finish(self) -> None:
        """Settle, and take every file for finished."""
        self.settle()
        for source in self.tail.sources:
            source.finish_seconds = 0
        self.settle()

    def counted(self) -> dict[int, int]:
        """How often each number was counted."""
        pages = self.store.ask(["hits"], ["page"])
        return {
            int(str(key[0]).removeprefix("/n/")): int(str(hits[0])) for key, hits in pages.items()
        }


@contextmanager
def following(data: Path, config: Config, start: bool = True) -> Iterator[Live]:
    live = Live(data, config)
    if start:
        live.start()
    try:
        yield live
    finally:
        live.stop()
        live.tail.close()
        live.catalog.close()


def wrong(counted: dict[int, int], last: int) -> str:
    """Which of the numbers up to `last` were not counted just once; empty when all were."""
    lost = [number for number in range(last) if number not in counted]
    twice = [number for number, count in counted.items() if count != 1]
    odd = [number for number in counted if not 0 <= number < last]
    shown = {"lost": lost, "not once": twice, "never written": odd}
    return "; ".join(f"{len(n)} {name}: {n[:5]}…{n[-3:]}" for name, n in shown.items() if n)
