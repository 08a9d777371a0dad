"""Where each second of a backfill goes, by stage and by function.

    python -m bench.profile --lines 1000000
    python -m bench.profile --lines 200000 --functions 40
    python -m bench.profile --files 1000

The stages run one after the other on one thread here, so that their seconds add up; in a real
backfill those of several pieces overlap. The roll-up uses as many threads as it always does. All
figures are per million lines; CPU seconds are those of all threads.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import cProfile
import functools
import importlib
import os
import pstats
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from types import GeneratorType
from typing import Any

from bench.logs import Log, make_log, scattered
from bench.traffic import Plan

#: (stage, module, name in it): the functions that a stage is made of.
STAGES = (
    ("read and identify", "pipeline.reading", "Reader.read"),
    ("parse", "pipeline.working", "parse"),
    ("enrich", "pipeline.enrich.events", "Enricher.enrich"),
    ("join and split by day", "pipeline.store", "join"),
    ("join and split by day", "pipeline.store", "by_day"),
    ("write parts", "pipeline.store", "write"),
    ("commit", "pipeline.ingest", "commit"),
    ("roll up", "pipeline.backfill", "_roll_up"),
)
#: A stage that is not told apart further.
WHOLE = "roll up"
REST = "the rest"


class Clock:
    """Gives each moment to the innermost stage that runs, from `start` on."""

    def __init__(self) -> None:
        self.running = [REST]
        self.start()

    def start(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self.since = (time.perf_counter(), time.process_time())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        if self.running[-1] == WHOLE:
            yield
            return
        self.settle()
        self.running.append(name)
        try:
            yield
        finally:
            self.settle()
            self.running.pop()

    def settle(self) -> None:
        now = (time.perf_counter(), time.process_time())
        self.wall[self.running[-1]] += now[0] - self.since[0]
        self.cpu[self.running[-1]] += now[1] - self.since[1]
        self.since = now

    def wrap(self, stage: str, module: str, name: str) -> None:
        *owners, last = name.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, last, self._timed(stage, getattr(owner, last)))

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **named: Any) -> Any:
            with self.stage(stage):
                result = function(*args, **named)
            return self._stepped(stage, result) if isinstance(result, GeneratorType) else result

        return timed

    def _stepped(self, stage: str, steps: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while True:
            with self.stage(stage):
                step = next(steps, end)
            if step is end:
                return
            yield step


class Serial(Executor):
    """Does what it is given at once, on the caller's thread."""

    def __init__(self, threads: int) -> None:
        del threads

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **named))
        return future


def backfill(log: Log, work: Path) -> None:
    ingest = importlib.import_module("pipeline.ingest")
    ingest.ThreadPoolExecutor = Serial
    command = importlib.import_module("pipeline.backfill")
    config = importlib.import_module("pipeline.config").Config()
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as store:
        command.backfill(config, Path(store), [str(log.path)], "bench", jobs=1)


def table(clock: Clock, lines: int) -> str:
    millions, cpu = lines / 1e6, sum(clock.cpu.values())
    rows = ["| stage | CPU s | share | s by the clock |", "|---|--:|--:|--:|"]
    for stage in dict.fromkeys([*(name for name, _, _ in STAGES), REST]):
        used, waited = clock.cpu[stage], clock.wall[stage]
        rows.append(
            f"| {stage} | {used / millions:.2f} | {used / cpu:.0%} | {waited / millions:.2f} |"
        )
    total = sum(clock.wall.values())
    rows.append(f"| all | {cpu / millions:.2f} | | {total / millions:.2f} |")
    return "\n".join(rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--functions", type=int, default=0, help="show so many functions instead")
    parser.add_argument("--files", type=int, default=0, help="as so many gzip files")
    parser.add_argument("--work", type=Path, help="folder that keeps generated logs for later runs")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    with tempfile.TemporaryDirectory(prefix="tallylog-bench-") as temporary:
        work = (chosen.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        log = make_log(Plan(chosen.lines), work)
        log = scattered(log, chosen.files) if chosen.files else log
        if chosen.functions:
            with cProfile.Profile() as profile:
                backfill(log, work)
            pstats.Stats(profile).sort_stats("tottime").print_stats(chosen.functions)
            return
        clock = Clock()
        for stage in STAGES:
            clock.wrap(*stage)
        clock.start()
        backfill(log, work)
        clock.settle()
        print(table(clock, log.lines))


if __name__ == "__main__":
    main()
