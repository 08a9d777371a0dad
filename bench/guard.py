"""Has a backfill become slower? Its CPU seconds over those of the bare tokenizer, as committed.

    make bench-guard
    python -m bench.guard --accept      # after a change that is meant: commit what it writes

Both read the same log in turn, several times, in one process that is warm, so that neither the
start nor a slow moment of the machine counts, and no time is compared with one of another machine.
The median of the ratios is held against bench/guard.toml. One that is too high is measured once
more before it is believed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import logs
from bench.tokenizer import tokenize_file
from bench.traffic import Plan
from pipeline.backfill import backfill
from pipeline.config import Config

COMMITTED = Path(__file__).with_suffix(".toml")
THREADS = 2
#: The tokenizer is so quick that one reading of so short a log would be mostly noise.
READINGS = 3


@dataclass(frozen=True, slots=True)
class Guard:
    """`ratio` may be exceeded by the share `tolerance`."""

    lines: int
    pairs: int
    ratio: float
    tolerance: float

    @property
    def limit(self) -> float:
        return self.ratio * (1 + self.tolerance)

    def judge(self, measure: Callable[[], float]) -> tuple[bool, str]:
        """Whether it holds, and what to say. `measure` gives a ratio each time it is called."""
        found = measure()
        if found > self.limit:
            found = min(found, measure())
        text = f"{found:.2f} × the tokenizer; committed {self.ratio:.2f}, at most {self.limit:.2f}"
        if found > self.limit:
            return False, f"slower: {text}. bench/profile.py shows where the time goes"
        if found < self.ratio * (1 - self.tolerance):
            return True, f"faster: {text}. Commit what `python -m bench.guard --accept` writes"
        return True, text


def load(path: Path = COMMITTED) -> Guard:
    return Guard(**tomllib.loads(path.read_text()))


def accept(guard: Guard, found: float, path: Path = COMMITTED) -> None:
    lines = path.read_text().splitlines(keepends=True)
    start = f"ratio = {guard.ratio}"
    path.write_text("".join(f"ratio = {found:.2f}\n" if s.startswith(start) else s for s in lines))


def ratio(guard: Guard, work: Path) -> float:
    """The median over pairs of runs."""
    _fill(logs.make_log(Plan(1000), work), work)  # imports, and what is looked up once
    log = logs.make_log(Plan(guard.lines), work)
    found = []
    for _ in range(guard.pairs):
        bare = _cpu(lambda: [tokenize_file(log.path, THREADS) for _ in range(READINGS)]) / READINGS
        found.append(_cpu(lambda: _fill(log, work)) / bare)
    return median(found)


def _fill(log: logs.Log, work: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="store-", dir=work) as store:
        summary = backfill(Config(), Path(store), [str(log.path)], "bench", jobs=THREADS)
    assert summary.records == log.lines


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of all threads, and of child processes that ended."""

    def used() -> float:
        whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))

    before = used()
    work()
    return used() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--accept", action="store_true", help="write the ratio found as the new one"
    )
    chosen = parser.parse_args()
    guard = load()
    with tempfile.TemporaryDirectory(prefix="tallylog-bench-") as work:
        if chosen.accept:
            accept(guard, ratio(guard, Path(work)))
            return
        good, text = guard.judge(lambda: ratio(guard, Path(work)))
    print(text)
    sys.exit(not good)


if __name__ == "__main__":
    main()
