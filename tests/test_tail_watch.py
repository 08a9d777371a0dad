"""What wakes the tailer: long before the timed re-scan, which these tests never come to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.tail_watch import Watcher
from tests.live import configured, following
from tests.numbered_writer import line


def test_what_is_written_just_before_its_folder_is_watched_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "access.log"
    log.write_bytes(line(0))
    watch = Watcher._watch

    def write_and_watch(*given: object) -> None:
        monkeypatch.setattr(Watcher, "_watch", watch)
        with log.open("ab") as file:
            file.write(line(1))
        watch(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(Watcher, "_watch", write_and_watch)
    with following(
        tmp_path / "data", configured(log, rescan_seconds=1000, commit_seconds=1)
    ) as live:
        until = time.monotonic() + 10
        while len(live.counted()) < 2:
            assert time.monotonic() < until, "it waits for the re-scan"
            live.tail.stopping.wait(0.05)
