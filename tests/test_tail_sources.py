"""One source that hangs or is broken delays no other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.tail_source import TailSource, Taken
from tests.live import QUICK, following, wrong
from tests.numbered_writer import line

Poll = TailSource.poll


def two_sources(folder: Path) -> Config:
    """bad.log holds the first hundred numbers, good.log the second."""
    for name, first in (("bad.log", 0), ("good.log", 100)):
        (folder / name).write_bytes(b"".join(map(line, range(first, first + 100))))
    sources = [
        {"site": "s", "paths": [str(folder / name)], "format": "combined"}
        for name in ("bad.log", "good.log")
    ]
    return Config.model_validate({"site": [{"name": "s"}], "source": sources, "ingest": QUICK})


def is_bad(source: TailSource) -> bool:
    return source.paths[0].endswith("bad.log")


def test_a_source_that_hangs_is_let_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def poll(source: TailSource, share: int) -> list[Taken]:
        return Poll(source, share) if not is_bad(source) or gate.wait() else []

    monkeypatch.setattr(TailSource, "poll", poll)
    with following(tmp_path / "data", two_sources(tmp_path), start=False) as live:
        try:
            while not live.counted():
                live.tail.turn()
            assert sorted(live.counted()) == list(range(100, 200))
            assert [source.paths for source in live.tail.stuck] == [live.tail.sources[0].paths]
        finally:
            gate.set()
        live.settle()
        assert not wrong(live.counted(), 200)


def test_a_source_that_fails_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [ValueError("never seen before")]

    def poll(source: TailSource, share: int) -> list[Taken]:
        if is_bad(source) and broken:
            raise broken[0]
        return Poll(source, share)

    monkeypatch.setattr(TailSource, "poll", poll)
    with following(tmp_path / "data", two_sources(tmp_path), start=False) as live:
        while not live.counted():
            live.tail.turn()
        bad = live.tail.sources[0]
        assert sorted(live.counted()) == list(range(100, 200))
        assert bad.errors and "never seen before" in caplog.text
        assert bad.due(0) > 0  # it is let be for a while
        broken.clear()
        live.settle()
        assert not wrong(live.counted(), 200)
