"""What was read before is known again, whatever it looks like, and nothing else is."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.stores import FORMATS, SAMPLE, Store, Table, configuration, statistics

ROOT = Path(__file__).parents[1]
PARIS = configuration({"s": "Europe/Paris"}, ("semicomplete.com",))
LINES = 600


@pytest.fixture
def read(tmp_path: Path) -> tuple[Store, Path, bytes]:
    """A store that has read a log of 600 lines."""
    content = first_lines(LINES)
    log = tmp_path / "access.log"
    log.write_bytes(content)
    store = Store(tmp_path / "data", PARIS)
    assert store.backfill(log)["new_records"] == LINES
    return store, log, content


def first_lines(count: int) -> bytes:
    return cut_after(SAMPLE.read_bytes(), count)


def cut_after(content: bytes, count: int) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:count])


def grown(content: bytes) -> bytes:
    return first_lines(LINES + 50)


#: what becomes of the content -> (file name, lines known, lines new)
DISGUISES: dict[str, tuple[Callable[[bytes], bytes], str, int, int]] = {
    "the same file": (lambda c: c, "access.log", LINES, 0),
    "the file renamed": (lambda c: c, "access.log.1", LINES, 0),
    "the file gzipped": (gzip.compress, "access.log.gz", LINES, 0),
    "the file in bzip2": (bz2.compress, "access.log.bz2", LINES, 0),
    "the file in xz": (lzma.compress, "access.log.xz", LINES, 0),
    "the file in zstd": (
        lambda c: pa.compress(c, "zstd", asbytes=True),
        "access.log.zst",
        LINES,
        0,
    ),
    "its first half": (lambda c: cut_after(c, LINES // 2), "half.log", LINES // 2, 0),
    "its first line": (lambda c: cut_after(c, 1), "one.log", 1, 0),
    "the file grown": (grown, "access.log", LINES, 50),
    "the file grown, renamed and gzipped": (lambda c: gzip.compress(grown(c)), "old.gz", LINES, 50),
    "an empty file": (lambda c: b"", "empty.log", 0, 0),
    "its second half": (
        lambda c: c[len(cut_after(c, LINES // 2)) :],
        "rest.log",
        0,
        LINES - LINES // 2,
    ),
}


IN_PIECES = [(what, 10_007) for what in DISGUISES]
AT_ONCE = [(what, 1 << 20) for what in ("the same file", "the file grown", "its second half")]


@pytest.mark.parametrize(("what", "piece_bytes"), IN_PIECES + AT_ONCE)
def test_known_lines_are_known_in_disguise(
    read: tuple[Store, Path, bytes], what: str, piece_bytes: int
) -> None:
    store, log, content = read
    change, name, known, new = DISGUISES[what]
    path = log.with_name(name)
    path.write_bytes(change(content))
    summary = store.backfill(path, piece_bytes=piece_bytes)
    assert (summary["known"], summary["new_records"]) == (known, new)
    assert summary["records"] == known + new
    assert store.ask(["hits"]) == {(): [LINES + new]}


def test_standard_input_is_known_as_the_file_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", configuration({"s": "UTC"}))
    log, content = tmp_path / "access.log", first_lines(LINES)
    log.write_bytes(content)
    assert store.backfill(log)["new_records"] == LINES
    summary = piped(store, content)
    assert (summary["known"], summary["new_records"]) == (LINES, 0)
    summary = piped(store, first_lines(LINES + 50))
    assert (summary["known"], summary["new_records"]) == (LINES, 50)
    assert store.ask(["hits"]) == {(): [LINES + 50]}


def piped(store: Store, content: bytes) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "tallylog.py"), "--data", str(store.data)]
    command += ["backfill", "--site", "s", "--format", "combined", "--json", "-"]
    done = subprocess.run(command, input=content, capture_output=True, cwd=store.data)
    assert done.returncode == 0, done.stderr.decode()
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_what_a_file_lost_at_its_end_is_new_when_it_comes_back(tmp_path: Path) -> None:
    content = first_lines(200)
    log, store = tmp_path / "access.log", Store(tmp_path / "data", PARIS)
    for count, new in ((50, 50), (120, 70), (80, 0), (200, 80), (200, 0)):
        log.write_bytes(cut_after(content, count))
        assert store.backfill(log)["new_records"] == new
    assert store.ask(["hits"]) == {(): [200]}


@pytest.mark.parametrize("shared", [1, 7, 60])
def test_twins_that_begin_alike_are_both_counted_whole(tmp_path: Path, shared: int) -> None:
    lines = SAMPLE.read_bytes().splitlines(keepends=True)
    one, other = tmp_path / "one.log", tmp_path / "other.log"
    one.write_bytes(b"".join(lines[:200]))
    other.write_bytes(b"".join(lines[:shared] + lines[300:400]))
    store = Store(tmp_path / "data", PARIS)
    assert store.backfill(one)["new_records"] == 200
    assert store.backfill(other)["new_records"] == shared + 100
    assert store.backfill(one, other)["new_records"] == 0
    assert store.ask(["hits"]) == {(): [300 + shared]}


def w3c_file(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def test_w3c_files_with_equal_headers_are_both_counted_whole(tmp_path: Path) -> None:
    lines = (FORMATS / "w3c" / "lnav_w3c_big.0.log").read_bytes().splitlines()
    header, rows = lines[:4], [line for line in lines if not line.startswith(b"#")]
    store = Store(tmp_path / "data", PARIS)
    for number, part in enumerate((rows[:40], rows[40:90], [])):
        path = tmp_path / f"ex{number}.log"
        path.write_bytes(w3c_file(header + part))
        summary = store.backfill(path, format="w3c")
        if part:
            assert (summary["directives"], summary["known"]) == (4, 0)
            assert summary["records"] == summary["new_records"] == 4 + len(part)
        else:
            assert summary["known"] == 4  # a header alone is the beginning of the others
    assert store.ask(["hits"]) == {(): [90]}


W3C = FORMATS / "w3c" / "lnav_w3c_big.0.log"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, list[Table]]:
    """The lines of a W3C file, and its statistics when it is read at once."""
    store = Store(tmp_path_factory.mktemp("whole"), PARIS)
    return store.backfill(W3C, format="w3c")["records"], statistics(store)


@pytest.mark.parametrize("count", [2, 4, 5, 13, 251])
def test_a_w3c_file_goes_on_in_its_middle_with_its_fields(
    whole: tuple[int, list[Table]], tmp_path: Path, count: int
) -> None:
    content, resumed = W3C.read_bytes(), Store(tmp_path / "resumed", PARIS)
    lines, expected = whole
    log = tmp_path / "ex.log"
    log.write_bytes(cut_after(content, count))
    first = resumed.backfill(log, format="w3c")
    assert first["new_records"] == count
    log.write_bytes(content)
    second = resumed.backfill(log, format="w3c")
    assert (second["known"], second["rejected"]) == (count, 0)
    assert second["new_records"] == lines - count
    assert statistics(resumed) == expected


def test_two_sites_count_the_same_log_apart(tmp_path: Path) -> None:
    config = configuration({"s": "UTC", "t": "Asia/Kolkata"})
    store = Store(tmp_path / "data", config)
    log = FORMATS / "combined" / "zoo_utc_nginx_combined.log"
    assert store.backfill(log, site="s")["new_records"] == 90
    assert store.backfill(log, site="t")["new_records"] == 90
    assert store.ask(["hits"], site="s") == store.ask(["hits"], site="t") == {(): [90]}


def test_copies_in_one_run_are_counted_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", PARIS)
    content, copies = first_lines(LINES), []
    for number, data in enumerate([content, content, grown(content), cut_after(content, 99)]):
        copies.append(tmp_path / f"{number}.log")
        copies[-1].write_bytes(data)
    copies.append(tmp_path / "packed.gz")
    copies[-1].write_bytes(gzip.compress(content))
    summary = store.backfill(*copies)
    assert summary["files"] == len(copies)
    assert summary["new_records"] == LINES + 50
    assert summary["records"] == 4 * LINES + 50 + 99
    assert store.ask(["hits"]) == {(): [LINES + 50]}
