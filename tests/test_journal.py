"""The journal: written whole, followed, counted once and deleted."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline import audit, journal
from pipeline.catalog import Catalog
from pipeline.journal import Journal
from pipeline.journal_ids import Ids, digest
from tests.collectors import FIREFOX, Sender
from tests.live import following
from tests.stores import Store

VIEW = {"path": "/a", "site": "one"}
PATH = "/api/track/page-view"


def files(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*.ndjson"))


def hurried(sender: Sender) -> Any:
    quick = {"commit_seconds": 0.05, "rescan_seconds": 0.2}
    return sender.config.model_copy(
        update={"ingest": sender.config.ingest.model_copy(update=quick)}
    )


def test_a_file_is_deleted_when_it_is_left_and_all_of_it_is_committed(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    for _ in range(3):
        sender.send(PATH, VIEW)
    with following(tmp_path, hurried(sender), start=False) as live:
        live.settle()
        live.settle()
        assert len(files(tmp_path)) == 1, "its writer may go on"
        sender.send(PATH, VIEW)
        sender.collector.recorder.journal.close()
        live.settle()
        live.settle()
        assert files(tmp_path) == []
    assert Store(tmp_path, sender.config).ask(["views", "hits"], site="one") == {(): [4, 4]}
    (account,) = Catalog(tmp_path).accounts()
    assert (account.outcome, account.records) == ("page", 4)


def test_every_hour_begins_a_new_file(tmp_path: Path) -> None:
    now = [0.0]
    written = Journal(tmp_path, clock=lambda: now[0])
    for moment in (10.0, 20.0, 3600.0, 7300.0):
        now[0] = moment
        written.append(b'{"a":1}\n')
    names = sorted(path.name[:13] for path in tmp_path.iterdir())
    assert names == ["1970-01-01T00", "1970-01-01T01", "1970-01-01T02"]
    open_ones = [journal.is_left(str(path)) for path in sorted(tmp_path.iterdir())]
    assert open_ones == [True, True, False]
    now[0] = 10_800.0
    written.turn()
    assert all(journal.is_left(str(path)) for path in tmp_path.iterdir())


def test_a_line_that_does_not_fit_on_the_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(tmp_path)
    sender.send(PATH, VIEW)
    write = os.write

    def full(handle: int, data: bytes) -> int:
        return write(handle, data[:9])

    monkeypatch.setattr("pipeline.journal.os.write", full)
    assert sender.send("/pixel.gif?site=one&p=/a")[:2][0] == 200
    assert sender.reason("/pixel.gif?site=one&p=/a") == "lost"
    content = VIEW | {"content_type": "pdf", "content_id": 1}
    assert sender.send("/api/track-view/", content)[0] == 503
    monkeypatch.undo()
    sender.send(PATH, VIEW)
    assert [line["url"] for line in sender.lines()] == ["/a", "/a"]
    counts = sender.collector.recorder.counts
    assert (counts.taken["api"], counts.refused["lost"]) == (2, 3)


def test_losses_are_told_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    sender, now = Sender(tmp_path), [0.0]
    sender.collector.recorder.losses.clock = lambda: now[0]
    monkeypatch.setattr("pipeline.journal.os.write", full)
    for moment in (1.0, 2.0, 30.0, 62.0):
        now[0] = moment
        sender.send(PATH, VIEW)
    said = [record.message.split(" hits")[0] for record in caplog.records]
    assert said == ["1", "3"]


def test_the_collector_and_a_log_know_a_visitor_by_the_same_hash(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    sender.send(PATH, VIEW, peer="2001:db8::7")
    time = int(sender.lines()[0]["time"]) / 1000
    log = tmp_path / "access.log"
    stamp = dt.datetime.fromtimestamp(time, dt.UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    log.write_text(f'2001:db8::7 - - [{stamp}] "GET /b HTTP/1.1" 200 9 "-" "{FIREFOX}"\n')
    source = [{"site": "one", "paths": [str(log)], "format": "combined"}]
    both = Sender(tmp_path, source=source)
    assert both.counted(["visitors", "hits"]) == {(): [1, 2]}


def test_the_store_holds_no_address_even_before_the_journal_is_read(tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    sender.send(PATH, VIEW | {"title": "192.0.2.9"}, referer="http://198.51.100.9/")
    assert audit.audit(Catalog(tmp_path)).findings == []


def test_without_agents_kept_they_are_described_on_receipt(tmp_path: Path) -> None:
    sender = Sender(tmp_path, store={"data": tmp_path, "keep_agent": "hash"})
    sender.send(PATH, VIEW)
    sender.send(PATH, VIEW, user_agent="curl/8.0")
    assert FIREFOX not in json.dumps(sender.lines())
    assert sender.counted(["hits", "bot_hits"], ["browser"]) == {
        ("Firefox",): [1, 0],
        (None,): [1, 1],
    }


def test_ids_are_taken_once_and_not_before_their_lines_are_written(tmp_path: Path) -> None:
    ids, one, two = Ids(tmp_path), digest("s", "1"), digest("s", "2")
    with pytest.raises(OSError), ids.taking([one]):
        raise OSError
    with ids.taking([one, one, two]) as new:
        assert new == {one, two}
    with ids.taking([one, digest("t", "1")]) as new:
        assert new == {digest("t", "1")}


def test_ids_of_lines_whose_writer_died_are_found(tmp_path: Path) -> None:
    sender, one = Sender(tmp_path), digest("one", "7")
    sender.collector.recorder.journal.append(b'{"x":1,"id":"%s"}\n{"torn":"id' % one.encode())
    again = Sender(tmp_path)
    with again.collector.batches.ids.taking([one]) as new:
        assert new == set()


def test_ids_that_cannot_be_committed_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.Connection):
        def execute(self, text: str, *given: Any) -> sqlite3.Cursor:
            if text == "commit":
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(text, *given)

    ids, one = Ids(tmp_path), digest("s", "1")
    connect = sqlite3.connect
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(connect, factory=Full))
        with ids.taking([one]) as new:
            assert new == {one}
        with ids.taking([one]) as new:
            assert new == set()
    with ids.taking([one]) as new:
        assert new == set()
    with Ids(tmp_path).taking([one]) as new:
        assert new == set(), "committed by the taking before"


def test_a_file_that_is_closed_while_it_is_synced_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    written = Journal(tmp_path, clock=lambda: now[0])
    ticket, fsync = written.append(b'{"a":1}\n'), os.fsync
    began: list[int] = []

    def slow(handle: int) -> None:
        if not began:
            began.append(os.fstat(handle).st_ino)
            now[0] = 3600.0
            written.append(b'{"a":2}\n')
            assert os.fstat(handle).st_ino == began[0]
        fsync(handle)

    monkeypatch.setattr("pipeline.journal.os.fsync", slow)
    written.sync(ticket)
    assert len(list(tmp_path.glob("*.ndjson"))) == 2


def test_a_last_line_written_before_the_file_was_left_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(tmp_path)
    sender.send(PATH, VIEW)
    is_left, late = journal.is_left, [True]

    def left(path: str) -> bool:
        if late.pop() if late else False:
            sender.send(PATH, VIEW)
            sender.collector.recorder.journal.close()
        return is_left(path)

    monkeypatch.setattr(journal, "is_left", left)
    with following(tmp_path, hurried(sender), start=False) as live:
        for _ in range(4):
            live.settle()
    assert files(tmp_path) == []
    assert Store(tmp_path, sender.config).ask(["views"], site="one") == {(): [2]}
