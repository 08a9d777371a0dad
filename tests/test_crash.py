"""A backfill that is killed at any moment goes on where it stopped, and no number shows it.

The moments are drawn by a seeded generator, over the time an undisturbed run takes.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import generate
from bench.traffic import Plan
from pipeline import maintain
from pipeline.catalog import Catalog, utcnow
from pipeline.config import Config, Retention
from tests.outcome import PEOPLE, RECORDS, answers, ledger, orphans
from tests.stores import Store, Table

ROOT = Path(__file__).parents[1]
SMALL_STEPS = (sys.executable, "-m", "tests.small_steps")

#: Lines of each log.
LINES = (3_000, 6_000, 4_000, 8_000)


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The logs, and what a run from beginning to end makes of them."""

    logs: tuple[Path, ...]
    lines: int
    seconds: float
    answers: dict[tuple[str, ...], Table]
    ledger: Counter[str]


def backfill(data: Path, logs: Sequence[Path], jobs: int = 4) -> subprocess.Popen[str]:
    command = (*SMALL_STEPS, "--data", data, "backfill", "--site", "s", "--jobs", str(jobs))
    child = subprocess.Popen(
        (*command, "--json", *logs),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begin\n"
    return child


def finish(child: subprocess.Popen[str]) -> dict[str, Any]:
    """The summary of a run that is let be."""
    out, err = child.communicate()
    assert child.returncode == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def killed(child: subprocess.Popen[str], after: float) -> bool:
    """Kill the run and all its processes at this moment; False if it had ended."""
    try:
        child.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return True
    assert child.returncode == 0
    return False


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Three plain files and a compressed one, over the same two days."""
    folder = tmp_path_factory.mktemp("logs")
    for seed, lines in enumerate(LINES):
        generate.write(Plan(lines=lines, days=2, seed=seed), folder / f"{seed}.log")
    packed = folder / "2.log.gz"
    packed.write_bytes(gzip.compress((folder / "2.log").read_bytes(), 1))
    return (folder / "0.log", folder / "1.log", packed, folder / "3.log")


@pytest.fixture(scope="module")
def whole(logs: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    data = tmp_path_factory.mktemp("whole") / "data"
    summary = finish(backfill(data, logs))
    lines = sum(LINES)
    assert summary["new_records"] == summary["records"] == lines
    store = Store(data, Config())
    return Undisturbed(logs, lines, summary["seconds"], answers(store), ledger(data))


def kill_often(data: Path, whole: Undisturbed, chance: random.Random, kills: int = 6) -> int:
    """Start six times, each time going on with what the last left; returns the kills."""
    moments = [chance.uniform(0, whole.seconds / 2) for _ in range(kills)]
    return sum(killed(backfill(data, whole.logs), moment) for moment in moments)


def tidy(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Maintenance without grace, at a time when the leases of the killed have run out."""
    later = utcnow() + dt.timedelta(hours=1)
    monkeypatch.setattr(maintain, "utcnow", lambda: later)
    catalog = Catalog(data)
    try:
        maintain.maintain(catalog, Retention(), grace=dt.timedelta())
    finally:
        catalog.close()


def same(data: Path, whole: Undisturbed) -> None:
    found = answers(Store(data, Config()))
    assert {by: rows for by, rows in found.items() if rows != whole.answers[by]} == {}
    assert ledger(data) == whole.ledger


def check(data: Path, whole: Undisturbed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run come to its end, and hold what is there against the undisturbed one."""
    assert finish(backfill(data, whole.logs))["records"] == whole.lines
    same(data, whole)
    tidy(data, monkeypatch)
    assert orphans(data) == set()
    same(data, whole)


def test_a_killed_backfill_goes_on_and_no_number_shows_it(
    whole: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kill_often(tmp_path / "data", whole, random.Random(2), kills=3) > 0
    check(tmp_path / "data", whole, monkeypatch)
    again = finish(backfill(tmp_path / "data", whole.logs))
    assert (again["records"], again["known"]) == (whole.lines, whole.lines)


@pytest.mark.slow
def test_fifty_kills_leave_no_trace(
    whole: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, kills, store = random.Random(50), 0, 0
    while kills < 50:
        store += 1
        kills += kill_often(tmp_path / f"{store}", whole, chance)
        check(tmp_path / f"{store}", whole, monkeypatch)


def test_the_whole_run_counts_what_was_generated(whole: Undisturbed) -> None:
    names = [log.name.removesuffix(".gz") for log in whole.logs]
    folder = whole.logs[0].parent
    truths = [json.loads(generate.truth_path(folder / name).read_text()) for name in names]
    row = dict(zip((*PEOPLE, *RECORDS), whole.answers[()][()], strict=True))
    counted = {name: row[name] for name in ("views", *RECORDS)}
    assert counted == {name: sum(truth[name] for truth in truths) for name in counted}
