"""Whatever becomes of a log while a server writes to it, every line is counted once.

Each case rotates three times in its way while a process writes numbered lines.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import tail_file
from tests.live import Writer, configured, following, wrong

ROTATIONS = 3
#: Lines written between two rotations.
BETWEEN = 1_500
Rotate = Callable[[Path, int, Writer], None]


def rename(log: Path, turn: int, writer: Writer) -> None:
    """access.log becomes .1, .1 becomes .2: the server is told to open its log anew."""
    for number in range(turn, 0, -1):
        old = log.with_name(f"{log.name}.{number}")
        if old.exists():
            old.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))
    writer.tell("open")


def rename_and_write_on(log: Path, turn: int, writer: Writer) -> None:
    """The server keeps the renamed file open for a while, and writes to it."""
    log.rename(log.with_name(f"{log.name}.{turn}"))
    writer.reach(writer.tell("go") + BETWEEN // 2)
    writer.tell("open")


def rename_away(log: Path, turn: int, writer: Writer) -> None:
    """To where no pattern looks, while the server still writes."""
    away = log.parent.parent / "away"
    away.mkdir(exist_ok=True)
    log.rename(away / f"{turn}")
    writer.reach(writer.tell("go") + BETWEEN // 2)
    writer.tell("open")


def copy_and_truncate(log: Path, turn: int, writer: Writer) -> None:
    """What is written between copy and truncation is lost to everybody: the server is held."""
    with open(log, "rb") as file, open(log.with_name(f"{log.name}.{turn}"), "wb") as copy:
        shutil.copyfileobj(file, copy)
        writer.tell("hold")
        shutil.copyfileobj(file, copy)
        os.truncate(log, 0)
    writer.tell("go")


def compress_at_once(log: Path, turn: int, writer: Writer) -> None:
    old = log.with_name(f"{log.name}.{turn}")
    log.rename(old)
    writer.tell("open")
    subprocess.run(("gzip", old), check=True)


def compress_later(log: Path, turn: int, writer: Writer) -> None:
    """The file before the last one is compressed, as `delaycompress` does."""
    before = log.with_name(f"{log.name}.{turn - 1}")
    log.rename(log.with_name(f"{log.name}.{turn}"))
    writer.tell("open")
    if before.exists():
        subprocess.run(("zstd", "-q", "--rm", before), check=True)


def date(log: Path, turn: int, writer: Writer) -> None:
    log.rename(log.with_name(f"{log.name}-2026112{turn}"))
    writer.tell("open")


def copy_compress_and_truncate(log: Path, turn: int, writer: Writer) -> None:
    writer.tell("hold")
    log.with_name(f"{log.name}.{turn}.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)
    writer.tell("go")


ROTATE: dict[str, tuple[Rotate, str]] = {
    "rename and create": (rename, "access.log*"),
    "rename, the pattern names the log alone": (rename, "access.log"),
    "rename while the server writes on": (rename_and_write_on, "access.log*"),
    "rename to where no pattern looks": (rename_away, "access.log*"),
    "copy and truncate": (copy_and_truncate, "access.log*"),
    "copy, compress and truncate": (copy_compress_and_truncate, "access.log*"),
    "gzip at once": (compress_at_once, "access.log*"),
    "zstd later": (compress_later, "access.log*"),
    "dated names": (date, "access.log*"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed files are tried while they are still being written."""
    monkeypatch.setattr(tail_file, "SETTLED_SECONDS", 0.0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "access.log"


@pytest.mark.parametrize("case", ROTATE)
def test_every_line_is_counted_once(case: str, log: Path, tmp_path: Path) -> None:
    rotate, pattern = ROTATE[case]
    config = configured(log.with_name(pattern))
    with following(tmp_path / "data", config) as live, Writer(log) as writer:
        for turn in range(1, ROTATIONS + 1):
            writer.reach(turn * BETWEEN)
            while not live.follows(log):
                writer.tell("go")
            rotate(log, turn, writer)
        writer.reach((ROTATIONS + 1) * BETWEEN)
        last = writer.stop()
        live.finish()
        assert not wrong(live.counted(), last)
