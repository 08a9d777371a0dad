"""Let `tallylog ingest` follow a log that is turned again and again, and killed, and count all.

    python -m bench.soak --lines 5000000 --rotations 200 --restarts 20

Every line has a number of its own, and each must be counted once. The restarts, every other one by
`kill -9`, come in the first half; over the second half memory, open files and threads must not
grow, nor may memory at any moment be more than MOST_MIB. Anything else ends the run with an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import gzip
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.service import Service, State, until
from pipeline.catalog import Catalog

BURST = 1_000
#: Rotations after which the service is waited for, and then what it has read is deleted.
AHEAD = 5
#: Logs without a name are let go of sooner than in service, since they come sooner.
SETTINGS = """
[ingest]
finish_seconds = 5
"""
#: What may come on top in MiB, of which a job that runs for the first time takes some, and in open
#: files or threads.
MORE_MIB, MORE_THINGS = 64, 4
#: A roll-up holds what was seen of a day, which is all of the lines here.
MOST_MIB = 1280
HEAD = "     lines    MiB  at most  files  threads  parts  catalog MiB"


@dataclass(slots=True)
class Log:
    """A server's log. `number` is that of the next line."""

    path: Path
    number: int = 0
    _handle: int = field(init=False)
    _turns: int = 0

    def __post_init__(self) -> None:
        self._handle = self._open()

    def write(self, lines: int) -> None:
        moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        text = "".join(
            f'192.0.2.{n % 200} - - [{moment}] "GET /p/{n % 1009} HTTP/1.1" 200 {n} "-" '
            '"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"\n'
            for n in range(self.number, self.number + lines)
        )
        if os.write(self._handle, text.encode()) != len(text):
            raise OSError("the disk is full")
        self.number += lines

    def turn(self) -> None:
        """One way after the other."""
        self._turns += 1
        old = self.path.with_name(f"{self.path.name}.{self._turns}")
        way = (self._create, self._compress, self._copy_and_truncate)[self._turns % 3]
        way(old)

    def clear(self) -> None:
        """Delete old logs."""
        for file in self.path.parent.glob(f"{self.path.name}.*"):
            file.unlink()

    def _create(self, old: Path) -> None:
        """The server goes on writing to the old log for a while."""
        self.path.rename(old)
        self.write(BURST // 2)
        self._reopen()

    def _compress(self, old: Path) -> None:
        self.path.rename(old)
        self._reopen()
        old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes(), 1))
        old.unlink()

    def _copy_and_truncate(self, old: Path) -> None:
        shutil.copyfile(self.path, old)
        os.truncate(self.path, 0)

    def _reopen(self) -> None:
        os.close(self._handle)
        self._handle = self._open()

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


@dataclass(slots=True)
class Soak:
    service: Service
    log: Log
    rotations: int
    lines: int
    restarts: int
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    samples: list[State] = field(default_factory=list)

    def run(self) -> None:
        """`samples` are those of the second half."""
        each = self.lines // self.rotations
        ends = {
            self.rotations * (2 * n + 1) // (4 * self.restarts): n for n in range(self.restarts)
        }
        print(HEAD, flush=True)
        self.service.start()
        for turn in range(self.rotations):
            self._fill((turn + 1) * each, ends.get(turn))
            self.log.turn()
            if turn % AHEAD == AHEAD - 1 or turn == self.rotations - 1:
                state = self._caught_up()
                if turn >= self.rotations // 2:
                    self.samples.append(state)
        self.service.end()

    def _fill(self, last: int, end: int | None) -> None:
        """Write up to the line; if it is the turn of an end, at a moment by chance."""
        moment = self.draw.randrange(self.log.number, last) if end is not None else last
        while self.log.number < moment:
            self.log.write(BURST)
        if end is not None:
            self.service.end(signal.SIGTERM if end % 2 else signal.SIGKILL)
            self.log.write(BURST)
            self.service.start()
        while self.log.number < last:
            self.log.write(BURST)

    def _caught_up(self) -> State:
        """How the service is when it has counted everything."""
        until(lambda: self.service.counted() >= self.log.number, self.service)
        self.log.clear()
        state = self.service.state()
        parts = self.service.ask("select count(*) from parts")
        size = self.service.catalog.stat().st_size / 2**20
        print(
            f"{self.log.number:>10,}{state.resident_mib:>7,.0f}{state.peak_mib:>9,.0f}{state.files:>7}"
            f"{state.threads:>9}{parts:>7,.0f}{size:>13,.1f}",
            flush=True,
        )
        return state


def wrong(data: Path, lines: int) -> str:
    """How the numbers in the store differ from each once; empty when they do not."""
    catalog = Catalog(data)
    try:
        paths = [part.path for part in catalog.event_parts()]
    finally:
        catalog.close()
    columns = [pq.read_table(path, columns=["bytes"], partitioning=None)["bytes"] for path in paths]
    numbers = pa.chunked_array([chunk for column in columns for chunk in column.chunks])
    times = np.bincount(numbers.to_numpy(), minlength=lines)
    lost, twice = np.flatnonzero(times == 0), np.flatnonzero(times > 1)
    if not len(lost) and not len(twice) and len(times) == lines:
        return ""
    return f"{len(lost)} lost: {lost[:5]}, {len(twice)} not once: {twice[:5]}, of {len(times)}"


def growing(samples: Sequence[State]) -> str:
    """What the end has more of than what came before; empty where all is flat."""
    half = len(samples) // 2
    early, late = samples[half // 2 : half], samples[-half // 2 :]
    found = []
    before, after = (median(s.resident_mib for s in part) for part in (early, late))
    if after > before + MORE_MIB:
        found.append(f"memory from {before:.0f} to {after:.0f} MiB")
    most = max(s.peak_mib for s in samples)
    if most > MOST_MIB:
        found.append(f"memory at most {most:.0f} MiB")
    for name in ("files", "threads"):
        fewest, last = (max(getattr(s, name) for s in part) for part in (early, late))
        if last > fewest + MORE_THINGS:
            found.append(f"{name} from {fewest} to {last}")
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--rotations", type=int, default=200)
    parser.add_argument("--restarts", type=int, default=20)
    chosen = parser.parse_args()
    prefix = "tallylog-soak-"
    with (
        tempfile.TemporaryDirectory(prefix=prefix) as folder,
        Service(Path(folder), SETTINGS) as service,
    ):
        log = Log(service.logs / "access.log")
        soak = Soak(service, log, chosen.rotations, chosen.lines, chosen.restarts)
        began = time.monotonic()
        soak.run()
        print(
            f"{log.number:,} lines, {chosen.rotations} rotations, {chosen.restarts} restarts"
            f" in {time.monotonic() - began:.0f} s"
        )
        if said := wrong(service.folder / "data", log.number):
            sys.exit(f"not every line was counted once: {said}")
        print("every line counted once")
    if said := growing(soak.samples):
        sys.exit(f"it grows: {said}")
    print("memory, open files and threads are flat")


if __name__ == "__main__":
    main()
