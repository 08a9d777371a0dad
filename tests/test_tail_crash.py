"""A tailer that is killed at any moment, while the log is written and rotated, loses nothing and
counts nothing twice. The moments are drawn by a seeded generator."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.live import Writer, wrong
from tests.services import Service, configure
from tests.test_tail_rotation import (
    compress_at_once,
    compress_later,
    copy_and_truncate,
    date,
    rename_and_write_on,
)

ROTATE = (compress_at_once, compress_later, copy_and_truncate, date, rename_and_write_on)


def kill_often(folder: Path, kills: int, chance: random.Random) -> None:
    configure(folder)
    log = folder / "access.log"
    with Writer(log) as writer:
        for turn in range(1, kills + 1):
            service = Service(folder)
            if chance.random() < 0.8:  # else it may be killed while it starts
                service.says("following")
            writer.reach(writer.tell("go") + chance.randrange(400))
            if chance.random() < 0.5:
                chance.choice(ROTATE)(log, turn, writer)
            service.kill(chance.uniform(0, 0.4))
        last = writer.stop()
    service = Service(folder)
    try:
        assert not wrong(service.counts(last), last)
        assert service.stop() == 0
    finally:
        service.kill()


def test_a_tailer_that_is_killed_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    kill_often(tmp_path, 4, random.Random(5))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_kills_leave_no_trace(tmp_path: Path, seed: int) -> None:
    kill_often(tmp_path, 10, random.Random(seed))
