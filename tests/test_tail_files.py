"""What the tailer makes of single files: step by step, without a thread."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import tail_file, tail_source
from tests.live import Live, configured, following, wrong
from tests.numbered_writer import line


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "access.log"


@pytest.fixture
def live(log: Path, tmp_path: Path) -> Iterator[Live]:
    """A tailer of access.log*, which goes on when it is told to."""
    with following(tmp_path / "data", configured(log.with_name("access.log*")), False) as live:
        yield live


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_file, "SETTLED_SECONDS", 0.0)


def lines(first: int, last: int) -> bytes:
    return b"".join(map(line, range(first, last)))


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def test_only_whole_lines_are_read_until_the_file_is_finished(live: Live, log: Path) -> None:
    append(log, lines(0, 10) + line(10)[:50])
    live.settle()
    assert not wrong(live.counted(), 10)
    append(log, line(10)[50:] + line(11)[:-1])
    live.settle()
    assert not wrong(live.counted(), 11)
    live.finish()
    assert not wrong(live.counted(), 12)


def test_a_line_taken_without_its_end_adds_nothing_when_the_end_comes(
    live: Live, log: Path
) -> None:
    append(log, lines(0, 10) + line(10)[:-1])
    live.finish()
    append(log, b"\n")
    live.finish()
    append(log, lines(11, 20))
    live.finish()
    assert not wrong(live.counted(), 20)
    assert {account.outcome for account in live.catalog.accounts()} == {"page"}


def test_a_restart_goes_on_where_the_last_commit_ended(log: Path, tmp_path: Path) -> None:
    for step in range(4):
        append(log, lines(step * 100, step * 100 + 100))
        config = configured(log)
        with following(tmp_path / "data", config, start=False) as live:
            live.settle()
            assert not wrong(live.counted(), step * 100 + 100)


def test_a_log_that_was_truncated_goes_on_from_its_start(live: Live, log: Path) -> None:
    for step in range(3):
        append(log, lines(step * 500, step * 500 + 500))
        live.settle()
        os.truncate(log, 0)
    live.settle()
    assert not wrong(live.counted(), 1500)


def test_a_log_that_was_truncated_and_has_grown_beyond_its_old_end_is_told_by_its_content(
    live: Live, log: Path
) -> None:
    append(log, lines(0, 500))
    live.settle()
    log.write_bytes(lines(500, 1500))
    live.settle()
    assert not wrong(live.counted(), 1500)


@pytest.mark.parametrize("kept", [5, 15])
def test_a_log_that_shrank_is_counted_on_from_where_it_was_cut(
    live: Live, log: Path, kept: int
) -> None:
    append(log, lines(0, 300))
    live.settle()
    os.truncate(log, len(lines(0, kept)))
    live.settle()
    append(log, lines(300, 400))
    live.settle()
    assert not wrong(live.counted(), 400)


def test_of_a_large_log_that_shrank_at_most_an_eighth_is_counted_again(
    live: Live, log: Path
) -> None:
    append(log, lines(0, 3000))
    live.settle()
    os.truncate(log, len(lines(0, 2000)))
    live.settle()
    append(log, lines(3000, 3100))
    live.settle()
    counted = live.counted()
    assert set(counted) == set(range(3100))
    assert sum(counted.values()) - 3100 <= 2000 // 8


def test_a_new_log_with_the_inode_of_a_deleted_one_is_another(live: Live, log: Path) -> None:
    live.tail.sources[0].most_open = 0  # a file that is held open keeps its inode
    append(log, lines(0, 200))
    live.settle()
    inode = log.stat().st_ino
    log.unlink()
    for _ in range(100):
        append(log, lines(200, 500))
        if log.stat().st_ino == inode:
            break
        log.unlink()
    else:
        pytest.skip("this file system does not use inodes again")
    live.settle()
    assert not wrong(live.counted(), 500)


def test_a_symlink_that_is_switched_leads_to_the_new_log(live: Live, log: Path) -> None:
    first, second = log.parent / "first", log.parent / "second"
    append(first, lines(0, 100))
    log.symlink_to(first)
    live.settle()
    append(second, lines(200, 300))
    switched = log.parent / "switched"
    switched.symlink_to(second)
    switched.rename(log)
    append(first, lines(100, 200))  # written by a server that still has it open
    live.settle()
    assert not wrong(live.counted(), 300)


def test_a_log_and_its_copy_that_appear_together_are_one(live: Live, log: Path) -> None:
    append(log, lines(0, 700))
    shutil.copyfile(log, log.with_name("access.log.1"))
    log.with_name("access.log.2.gz").write_bytes(gzip.compress(lines(0, 700)))
    live.settle()
    assert not wrong(live.counted(), 700)


def test_two_patterns_that_name_the_same_log_count_it_once(log: Path, tmp_path: Path) -> None:
    config = configured(log)
    config = config.model_copy(update={"sources": config.sources * 2})
    with following(tmp_path / "data", config, start=False) as live:
        for step in range(3):
            append(log, lines(step * 100, step * 100 + 100))
            live.settle()
        assert not wrong(live.counted(), 300)
        assert sorted(len(source.files) for source in live.tail.sources[:2]) == [0, 1]


def test_many_files_that_appear_at_once_are_read_with_few_of_them_open(
    live: Live, log: Path
) -> None:
    source = live.tail.sources[0]
    source.most_open = 10
    for number in range(60):
        append(log.with_name(f"access.log.{number}"), lines(number * 20, number * 20 + 20))
    live.settle()
    assert not wrong(live.counted(), 60 * 20)
    assert sum(file.handle >= 0 for file in source.files.values()) <= 10
    append(log.with_name("access.log.0"), lines(1200, 1220))
    live.settle()
    assert not wrong(live.counted(), 61 * 20)


def test_a_finished_file_without_a_name_is_closed(live: Live, log: Path) -> None:
    append(log, lines(0, 20) + line(20)[:-1])
    live.settle()
    log.unlink()
    live.finish()
    assert not wrong(live.counted(), 21)
    assert not live.tail.sources[0].files


def test_a_compressed_file_that_is_cut_short_is_read_again_when_it_is_whole(
    live: Live, log: Path
) -> None:
    packed, old = gzip.compress(lines(0, 3000)), log.with_name("access.log.1.gz")
    old.write_bytes(packed[: len(packed) // 2])
    live.settle()
    assert "ends early" in live.tail.sources[0].troubles[0]
    old.write_bytes(packed)
    live.settle()
    assert live.tail.sources[0].troubles == []
    assert not wrong(live.counted(), 3000)


def test_a_file_in_no_known_format_is_named_and_the_others_are_read(live: Live, log: Path) -> None:
    source = live.tail.sources[0]
    source.request = tail_source.replace(source.request, format="auto")
    append(log.with_name("access.log.x"), b"\x00\x01 what is this\n" * 10_000)
    append(log, lines(0, 100))
    live.settle()
    assert not wrong(live.counted(), 100)
    assert "access.log.x" in source.troubles[0]
    append(log, lines(100, 200))
    live.settle()
    assert not wrong(live.counted(), 200)


def test_a_disk_that_is_unmounted_and_comes_back_is_followed_on(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    disk, logs = tmp_path / "disk", tmp_path / "logs"
    disk.mkdir()
    logs.mkdir()
    if subprocess.run(("mount", "-t", "tmpfs", "tmpfs", disk), check=False).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        subprocess.run(("mount", "--bind", disk, logs), check=True)
        with following(tmp_path / "data", configured(logs / "*.log"), start=False) as live:
            append(logs / "a.log", lines(0, 100))
            live.settle()
            subprocess.run(("umount", "-l", logs), check=True)
            append(disk / "a.log", lines(100, 200))
            live.settle()
            live.finish()
            append(disk / "a.log", lines(200, 300))
            subprocess.run(("mount", "--bind", disk, logs), check=True)
            live.settle()
            assert not wrong(live.counted(), 300)
    finally:
        subprocess.run(("umount", "-l", logs), check=False)
        subprocess.run(("umount", "-l", disk), check=True)
