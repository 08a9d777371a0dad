"""How fast each format is read on one core: lines and megabytes a second, and by which engine.

    python -m bench.formats
    python -m bench.formats combined haproxy --lines 400000

Two logs of each format: the line it is shown by over and over, each time with another path, time
and client, which is a log of the usual kind; and the samples in tests/formats over and over, in
which many lines are odd on purpose. Seconds are CPU seconds of all threads together, bound to
one core, the least of several runs; what is timed is `parse`, from bytes to columns. The goals
are for the usual kind.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from parsers.parse import parse
from parsers.registry import Format, load_formats

SAMPLES = Path(__file__).parents[1] / "tests" / "formats"
#: Lines a second that each dialect is to reach.
GOALS = {"text": 300_000, "json": 150_000}
HEAD = f"{'':38}{'usual: k lines/s':>9}{'MB/s':>5}{'odd: k/s':>11}{'MB/s':>7}{'rows':>6}"
ENGINES = {"json": "DuckDB", "w3c": "columns", "ltsv": "columns", "logfmt": "columns"}
#: An address, the start of a path, minutes and seconds, and the end of seconds since 1970.
CLIENT = re.compile(rb"(?<![\d.])192\.0\.2\.\d+|203\.0\.113\.\d+")
PATH = re.compile(rb'([ "=:|\t]|://[^/ "|?]+)/(?=[^/ ])')
CLOCK = re.compile(rb'(?<=\d:)[0-5]\d:[0-5]\d(?=[ .+Z"\]-])')
EPOCH = re.compile(rb"(?<!\d)(1[4-9]\d{4}|97121)\d{4}")


@dataclass(frozen=True, slots=True)
class Speed:
    """Lines and bytes a second, and the share of lines that became rows."""

    lines: float
    size: float
    rows: float


def usual_log(fmt: Format, lines: int) -> bytes:
    """The line that a format is shown by, so often; what it needs before itself comes once."""
    head, _, line = fmt.sample.strip("\n").rpartition("\n")
    varied = (_varied(line.encode() + b"\n", number) for number in range(lines))
    return (head + "\n").lstrip("\n").encode() + b"".join(varied)


def odd_log(name: str, lines: int) -> bytes:
    """About so many lines of a format, all of them of its samples."""
    sample = b"".join(_whole(path) for path in sorted((SAMPLES / name).glob("*.log")))
    blocks = -(-lines // sample.count(b"\n"))
    return b"".join(_varied(sample, number) for number in range(blocks))


def _whole(path: Path) -> bytes:
    data = path.read_bytes()
    return data if data.endswith(b"\n") else data + b"\n"


def _varied(block: bytes, number: int) -> bytes:
    """The same with another client, path and time; ten lines a second, a path in ten is new."""
    second = number // 10
    clock = b"%02d:%02d" % (second // 60 % 60, second % 60)
    block = PATH.sub(rb"\g<1>/%d-" % (number * 7919 % 9973 if number % 10 else number), block)
    block = CLIENT.sub(b"203.0.%d.%d" % (number // 200 % 200, number % 199), block)
    return EPOCH.sub(rb"\g<1>%04d" % (second % 10_000), CLOCK.sub(clock, block))


def measure(data: bytes, fmt: Format, runs: int) -> Speed:
    best = float("inf")
    for _ in range(runs):
        started = time.process_time()
        parsed = parse(data, 0, fmt, {})
        best = min(best, time.process_time() - started)
    return Speed(parsed.lines / best, len(data) / best, parsed.table.num_rows / parsed.lines)


def engine(fmt: Format) -> str:
    """The engine that reads most lines of a format."""
    cut = any(layout.segments for layout in fmt.layouts)
    return ENGINES.get(fmt.dialect, "quotes" if cut else "patterns")


def row(name: str, fmt: Format, usual: Speed, odd: Speed) -> str:
    goal = GOALS.get(fmt.dialect, 0)
    return (
        f"{name:21}{fmt.dialect:8}{engine(fmt):9}{usual.lines / 1e3:9,.0f}{usual.size / 1e6:7,.0f}"
        f"{odd.lines / 1e3:9,.0f}{odd.size / 1e6:7,.0f}{odd.rows:6.0%}"
        + (f"  below {goal // 1000}" if usual.lines < goal else "")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="formats; without any, all of them")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    formats = load_formats()
    print(HEAD)
    slow = False
    for name in chosen.names or sorted(formats):
        fmt = formats[name]
        usual = measure(usual_log(fmt, chosen.lines), fmt, chosen.runs)
        odd = measure(odd_log(name, chosen.lines), fmt, chosen.runs)
        print(row(name, fmt, usual, odd), flush=True)
        slow |= usual.lines < GOALS.get(fmt.dialect, 0)
    sys.exit(slow)


if __name__ == "__main__":
    main()
