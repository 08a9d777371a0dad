"""What the tailer does when its store fails: it waits, says why, and loses nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import catalog as catalogs
from pipeline import store
from tests.live import configured, following, wrong
from tests.numbered_writer import line


def lines(first: int, last: int) -> bytes:
    return b"".join(map(line, range(first, last)))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(("mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", folder)).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(("umount", "-l", folder), check=True)


def test_a_full_disk_is_waited_for(
    disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(lines(0, 10))
    with following(disk / "data", configured(log)) as live:
        while not live.tail.commits.done:
            assert live.alive
        filler = disk / "filler"
        filler.write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
        with log.open("ab") as file:
            file.write(lines(10, 3000))
        while not live.tail.commits.failed:
            assert live.alive
        assert "The disk is full." in caplog.text
        filler.unlink()
        live.finish()
        assert not wrong(live.counted(), 3000)


def test_a_catalog_that_another_process_has_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catalogs, "BUSY_SECONDS", 0.05)
    log, data = tmp_path / "access.log", tmp_path / "data"
    log.write_bytes(lines(0, 10))
    with following(data, configured(log)) as live:
        while not live.tail.commits.done:
            assert live.alive
        other = sqlite3.connect(data / "catalog.db", isolation_level=None)
        other.execute("begin immediate")
        with log.open("ab") as file:
            file.write(lines(10, 500))
        while not live.tail.commits.failed:
            assert live.alive
        other.close()
        live.finish()
        assert not wrong(live.counted(), 500)
    assert "locked the catalog" in caplog.text


def test_nothing_is_committed_before_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part is synced, renamed, and its folder synced, in this order, before the transaction
    that lists it; and the catalog is told to sync each transaction."""
    done: list[tuple[str, str]] = []

    def record(name: str) -> None:
        real: Any = getattr(os, name)

        def call(*arguments: Any) -> Any:
            place = str(arguments[0])
            if name == "fsync":
                place = os.readlink(f"/proc/self/fd/{arguments[0]}")
            done.append((name, place))
            return real(*arguments)

        monkeypatch.setattr(store.os, name, call)

    record("fsync")
    record("rename")
    log = tmp_path / "access.log"
    log.write_bytes(lines(0, 1000))
    with following(tmp_path / "data", configured(log), start=False) as live:
        live.settle()
        committed = [str(part.path) for part in live.catalog.event_parts()]
        with live.catalog.read() as tx:
            assert tx.exec_driver_sql("pragma synchronous").scalar() == 2
            assert tx.exec_driver_sql("pragma journal_mode").scalar() == "wal"
    assert committed
    for path in committed:
        unfinished = path.replace(".parquet", ".tmp")
        order = [
            done.index(("fsync", unfinished)),
            done.index(("rename", unfinished)),
            done.index(("fsync", str(Path(path).parent)), done.index(("rename", unfinished))),
        ]
        assert order == sorted(order)


def test_a_source_that_is_polled_needs_no_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.tail_watch.Watcher.watch", lambda *_: None)
    log = tmp_path / "access.log"
    log.write_bytes(lines(0, 10))
    config = configured(log, rescan_seconds=1000)
    polled = [source.model_copy(update={"polling": True}) for source in config.sources]
    with following(tmp_path / "data", config.model_copy(update={"sources": polled})) as live:
        while len(live.counted()) < 10:
            assert live.alive
        with log.open("ab") as file:
            file.write(lines(10, 20))
        while len(live.counted()) < 20:
            assert live.alive
