"""Rejected lines are shown from the log they stand in, and only if they still stand there."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline import rejected
from pipeline.catalog import Reject

LINES = [b"first", b"", b"caf\xe9\x00", b"x" * 500, b"last\r", b"unfinished"]
CONTENT = b"\n".join(LINES)


def all_lines(path: Path) -> list[Reject]:
    found, offset = [], 0
    for line in LINES:
        found.append(Reject(1, str(path), offset, len(line.rstrip(b"\r")), "layout"))
        offset += len(line) + 1
    return found


def texts(rejects: list[Reject]) -> list[str | None]:
    return [row["text"] for row in rejected.with_text(rejects)]


WANTED = ["first", "", "caf\ufffd\x00", "x" * 300, "last", "unfinished"]


@pytest.mark.parametrize("block", [1, 3, 7, 1 << 20])
def test_lines_are_found_however_the_log_is_read(tmp_path: Path, monkeypatch, block: int) -> None:
    monkeypatch.setattr(rejected, "READ_BYTES", block)
    plain = tmp_path / "a.log"
    plain.write_bytes(CONTENT)
    assert texts(all_lines(plain)) == WANTED


def test_lines_are_found_in_a_compressed_log(tmp_path: Path) -> None:
    packed = tmp_path / "a.log.gz"
    packed.write_bytes(gzip.compress(CONTENT))
    assert texts(all_lines(packed)) == WANTED


def test_a_log_that_is_gone_or_changed_has_no_text(tmp_path: Path) -> None:
    gone, changed = tmp_path / "gone.log", tmp_path / "changed.log"
    changed.write_bytes(b"quite another line\n" * 3)
    assert texts([*all_lines(gone), *all_lines(changed)]) == [None] * 12
    assert texts([Reject(1, "-", 0, 5, "layout")]) == [None]


def test_a_damaged_log_shows_what_is_before_the_damage(tmp_path: Path) -> None:
    cut = tmp_path / "a.log.gz"
    cut.write_bytes(gzip.compress(CONTENT + bytes(range(256)) * 9)[:-40])
    shown = texts(all_lines(cut))
    assert shown[0] in ("first", None) and len(shown) == len(LINES)
