"""Time `tallylog ingest`: lines a second, from a write until it shows, and what it takes idle.

    python -m bench.live --lines 1000000 --seconds 40

A number of lines that is not the one written ends the run with an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a file: make the project's folder importable, not this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import itertools
import random
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from statistics import quantiles

from bench import generate
from bench.service import Service, until
from bench.traffic import Plan

FILES = 100
#: Bytes written to one file before the next one's turn, and mean seconds between single lines.
TURN, PAUSE = 1 << 18, 0.15
#: Seconds between two looks at the store.
LOOK = 0.01
#: Files and lines that appear at once: little, to compare memory with, then 500 MB, in one file
#: and in very many.
BURSTS = ((1, 200_000), (1, 2_000_000), (2000, 2_000_000))


@contextmanager
def following(files: int) -> Iterator[tuple[Service, list[Path]]]:
    """A service that has met so many files, each with a line of its own."""
    prefix = "tallylog-live-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder, Service(Path(folder)) as service:
        logs = [service.logs / f"{number}.log" for number in range(files)]
        for number, log in enumerate(logs):
            log.write_bytes(line(number))
        service.start()
        until(lambda: service.catalog.exists() and service.counted() == files, service)
        yield service, logs
        service.end()


def line(number: int) -> bytes:
    moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    text = f'192.0.2.{number % 200} - - [{moment}] "GET /n/{number} HTTP/1.1" 200 1 "-" "Mozilla"\n'
    return text.encode()


def sustained(files: int, lines: int) -> str:
    """Written in turns as fast as a disk takes it, and counted meanwhile."""
    blocks = [bytes(block) for block in generate.blocks(Plan(lines, days=1))]
    with following(files) as (service, logs):
        before, began = service.state(), time.perf_counter()
        handles = [log.open("ab", buffering=0) for log in logs]
        for handle, piece in zip(itertools.cycle(handles), turns(blocks), strict=False):
            handle.write(piece)
        written = time.perf_counter() - began
        for handle in handles:
            handle.close()
        until(lambda: service.counted() >= files + lines, service)
        seconds, after = time.perf_counter() - began, service.state()
        if service.counted() != files + lines:
            raise AssertionError(f"{service.counted()} lines counted, not {files + lines}")
    cpu = after.cpu_seconds - before.cpu_seconds
    return (
        f"{files:>4} files  {lines / seconds:>9,.0f} lines/s   {cpu / lines * 1e6:.1f} CPU s"
        f" a million lines   {after.resident_mib:,.0f} MiB   (written in {written:.1f} s)"
    )


def burst(files: int, lines: int) -> str:
    """So many files of lines that nobody has seen yet, all at once."""
    with following(0) as (service, _):
        waiting = service.folder / "waiting"
        waiting.mkdir()
        size = 0
        blocks = (bytes(block) for block in generate.blocks(Plan(lines, days=1)))
        for number, piece in enumerate(turns(blocks)):
            with (waiting / f"{number % files}.log").open("ab") as log:
                size += log.write(piece)
        before, began = service.state(), time.perf_counter()
        for file in waiting.iterdir():
            file.rename(service.logs / file.name)
        peaks = [before.resident_mib]

        def all_counted() -> bool:
            peaks.append(service.state().resident_mib)
            return service.counted() >= lines

        until(all_counted, service)
        seconds = time.perf_counter() - began
    return (
        f"{files:>5} files  {size / 1e6:,.0f} MB at once in {seconds:.1f} s"
        f"   memory from {before.resident_mib:,.0f} to at most {max(peaks):,.0f} MiB"
    )


def turns(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of whole lines."""
    for block in blocks:
        start = 0
        while start < len(block):
            end = block.find(b"\n", start + TURN) + 1 or len(block)
            yield block[start:end]
            start = end


def latency(files: int, seconds: float) -> str:
    """Single lines at random moments, each to a file by chance."""
    draw = random.Random(1)
    written: list[float] = []
    shown: list[float] = []
    with following(files) as (service, logs):

        def look() -> None:
            while not done.is_set() or len(shown) < len(written):
                time.sleep(LOOK)
                now = service.counted() - files
                shown.extend([time.perf_counter()] * (now - len(shown)))

        done = threading.Event()
        looking = threading.Thread(target=look)
        looking.start()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            time.sleep(draw.expovariate(1 / PAUSE))
            with draw.choice(logs).open("ab") as log:
                log.write(line(len(written)))
            written.append(time.perf_counter())
        done.set()
        looking.join()
        asking = service.query()
    waits = [after - before for before, after in zip(written, shown, strict=True)]
    cuts = quantiles(waits, n=100)
    return (
        f"{files:>4} files  {len(waits)} lines   p50 {cuts[49]:.2f} s   p99 {cuts[98]:.2f} s"
        f"   longest {max(waits):.2f} s   (`tallylog query` itself: {asking:.2f} s)"
    )


def idle(files: int, seconds: float) -> str:
    with following(files) as (service, _):
        time.sleep(5)  # what it does after its start is no idling
        before, began = service.state(), time.perf_counter()
        time.sleep(seconds)
        after, passed = service.state(), time.perf_counter() - began
    share = (after.cpu_seconds - before.cpu_seconds) / passed
    return (
        f"{files:>4} files  {share:.2%} of a core   {after.resident_mib:,.0f} MiB"
        f"   {after.files} open files   {after.threads} threads   over {passed:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=40, help="for latency, and for idling")
    parser.add_argument("--only", choices=("sustained", "burst", "latency", "idle"))
    chosen = parser.parse_args()
    if chosen.only in (None, "sustained"):
        print("sustained")
        for files in (1, FILES):
            print(sustained(files, chosen.lines), flush=True)
    if chosen.only in (None, "burst"):
        print("everything appears at once")
        for files, lines in BURSTS:
            print(burst(files, lines), flush=True)
    if chosen.only in (None, "latency"):
        print("from a write until the store has it, on an idle machine")
        for files in (1, FILES):
            print(latency(files, chosen.seconds), flush=True)
    if chosen.only in (None, "idle"):
        print("idle")
        print(idle(FILES, chosen.seconds), flush=True)


if __name__ == "__main__":
    main()
