"""How the tailer does: `python -m bench.live [--lines N] [--files N] [--samples N]`.

It runs `tallylog ingest` on logs of its own in a temporary folder and prints lines a second while
one file, and then many, grow as fast as they can be read; the time from a line's write to the
query that shows it; and the processor time while nothing is written.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench import generate
from bench.traffic import Plan
from pipeline import query, question
from pipeline.catalog import Catalog

ROOT = Path(__file__).parents[1]
CONFIG = """
site = [{ name = "s" }]
source = [{ site = "s", paths = ["logs/*.log"], format = "combined" }]
[jobs]
salts = "never"
rollup = "never"
retention = "never"
compact = "never"
vacuum = "never"
"""
#: Written at once to a file, so that many files grow at the same time.
BURST = 64 << 10


@contextmanager
def ingest(folder: Path) -> Iterator[psutil.Process]:
    (folder / "logs").mkdir(parents=True)
    (folder / "config.toml").write_text(CONFIG)
    command = (sys.executable, ROOT / "tallylog.py", "--config", folder / "config.toml", "ingest")
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    child.stderr.readline()
    try:
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.communicate()


def read(catalog: Catalog) -> int:
    return sum(source.lines for source in catalog.sources())


def sustained(folder: Path, lines: Sequence[bytes], files: int) -> tuple[float, float]:
    """Lines a second, and seconds of processor time for a million lines."""
    shares = [b"".join(lines[i::files]) for i in range(files)]
    with ingest(folder) as process, ExitStack() as open_logs:
        paths = [folder / "logs" / f"{i}.log" for i in range(files)]
        logs = [open_logs.enter_context(open(path, "ab", buffering=0)) for path in paths]
        catalog, began, cpu = Catalog(folder / "data"), time.monotonic(), spent(process)
        for start in range(0, len(shares[0]) + BURST, BURST):
            for log, share in zip(logs, shares, strict=True):
                log.write(share[start : start + BURST])
        while read(catalog) < len(lines):
            time.sleep(0.02)
        seconds = time.monotonic() - began
        cpu = spent(process) - cpu
        catalog.close()
    return len(lines) / seconds, cpu / len(lines) * 1e6


def spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def latencies(folder: Path, lines: Sequence[bytes]) -> list[float]:
    """Seconds from the write of a line to the answer that counts it, at random moments."""
    found, chance = [], random.Random(1)
    asked = question.parse(site="s", metrics=["hits"], by=[], filters=())
    with ingest(folder), open(folder / "logs" / "0.log", "ab", buffering=0) as log:
        log.write(lines[0])
        catalog = Catalog(folder / "data")
        while not read(catalog):
            time.sleep(0.02)
        for number, line in enumerate(lines[1:], 2):
            time.sleep(chance.uniform(0, 2))
            began = time.monotonic()
            log.write(line)
            while query.answer(catalog, asked).results[0]["metrics"][0] < number:
                time.sleep(0.01)
            found.append(time.monotonic() - began)
        catalog.close()
    return sorted(found)


def idle(folder: Path, lines: Sequence[bytes], files: int, seconds: float) -> float:
    """Share of a core that is used while nothing is written."""
    with ingest(folder) as process:
        for i in range(files):
            (folder / "logs" / f"{i}.log").write_bytes(b"".join(lines[i * 10 : i * 10 + 10]))
        catalog = Catalog(folder / "data")
        while read(catalog) < 10 * files:
            time.sleep(0.1)
        catalog.close()
        time.sleep(2)
        before = spent(process)
        time.sleep(seconds)
        return (spent(process) - before) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate.write(Plan(lines=asked.lines), folder / "all.log")
        lines = (folder / "all.log").read_bytes().splitlines(keepends=True)
        for files in (1, asked.files):
            rate, cost = sustained(folder / f"sustained{files}", lines, files)
            print(
                f"{files:4} files: {rate:>9,.0f} lines/s, {cost:.1f} s of processor for a million"
            )
        found = latencies(folder / "latency", plain(lines, asked.samples))
        for share in (0.5, 0.99):
            place_of = min(len(found) - 1, int(share * len(found)))
            print(f"write to visible, p{share * 100:.0f}: {found[place_of]:.2f} s")
        used = idle(folder / "idle", lines, asked.files, asked.idle)
        print(f"idle with {asked.files} files: {used:.2%} of a core")


def plain(lines: Sequence[bytes], count: int) -> list[bytes]:
    """Lines that are a record each, whatever else the generator makes."""
    return [line for line in lines if b'"GET /' in line and b'" 200 ' in line][: count + 1]


if __name__ == "__main__":
    main()
