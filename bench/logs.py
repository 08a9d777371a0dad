"""Generated logs as files that later runs find again: plain, as one gzip file, as many."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import generate
from bench.traffic import Plan

#: What a generated log depends on: a kept one is used only while these stay the same.
GENERATOR = sorted(
    path
    for name in ("odd", "render", "traffic", "truth", "vocabulary")
    for path in Path(__file__).parent.glob(f"{name}.*")
)
#: What logrotate's gzip uses.
LEVEL = 6


@dataclass(frozen=True, slots=True)
class Log:
    """A log, which may be a folder of files, and what is true of it."""

    path: Path
    truth: dict[str, Any]

    @property
    def lines(self) -> int:
        return int(self.truth["records"])


def make_log(plan: Plan, work: Path) -> Log:
    """The log of a plan, generated unless an earlier run left it."""
    code = b"".join(file.read_bytes() for file in GENERATOR)
    key = f"{plan} {zlib.crc32(code)}"
    path = work / f"{plan.lines}-{zlib.crc32(key.encode()):08x}.log"
    truth = generate.truth_path(path)
    if not truth.exists() or json.loads(truth.read_text())["file_bytes"] != path.stat().st_size:
        generate.write(plan, path)
    return Log(path, json.loads(truth.read_text()))


def packed(log: Log) -> Log:
    """The same bytes as one gzip file."""
    path = log.path.with_name(log.path.name + ".gz")
    if not path.exists():
        unfinished = path.with_suffix(".tmp")
        with log.path.open("rb") as file, gzip.open(unfinished, "wb", LEVEL) as out:
            shutil.copyfileobj(file, out, 1 << 20)
        unfinished.rename(path)
    return Log(path, log.truth)


def scattered(log: Log, count: int) -> Log:
    """The same bytes as so many gzip files of whole lines, in one folder."""
    folder = log.path.with_name(f"{log.path.name}-{count}")
    if not folder.exists():
        unfinished = folder.with_suffix(".tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        names = (unfinished / f"access-{n:04}.log.gz" for n in range(1, count + 1))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_pack, names, _cut(log.path, count)))
        unfinished.rename(folder)
    return Log(folder, log.truth)


def _cut(path: Path, count: int) -> Iterator[bytes]:
    size = -(-path.stat().st_size // count)
    with path.open("rb") as file:
        for _ in range(count):
            yield file.read(size) + file.readline()


def _pack(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data, LEVEL))


def warm(log: Log) -> None:
    """Read all of it, so that no program pays for the disk."""
    for path in sorted(log.path.iterdir()) if log.path.is_dir() else [log.path]:
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
