"""Power may go at any moment: the system calls of real work, replayed up to each of them.

Whatever the disk kept, the store can be opened and lacks nothing it had promised; and going on
from there gives the same numbers as if nothing had happened.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from bench import generate
from bench.traffic import Plan
from pipeline import check, rollup
from pipeline.catalog import Catalog
from pipeline.config import Config
from pipeline.schema import CLASSES
from tests.outcome import answers, ledger
from tests.powercut import Call, Disk, State, lay, record
from tests.stores import Store, Table

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-m", "tests.powercut_program")
LINES = (500, 700)

pytestmark = pytest.mark.skipif(
    not shutil.which("strace"), reason="strace is not installed; `make test-slow` installs it"
)


@dataclass(frozen=True, slots=True)
class Worked:
    """What a program did in the folder, and what becomes of it undisturbed."""

    folder: Path
    logs: tuple[Path, ...]
    calls: list[Call]
    answers: dict[tuple[str, ...], Table]
    ledger: Counter[str]

    def states(self) -> Iterator[tuple[Disk, Call]]:
        """The disk after each call that did something."""
        disk = Disk(str(self.folder))
        for call in self.calls:
            disk.play(call)
            yield disk, call


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    base = tmp_path_factory.mktemp("powercut")
    logs = tuple(base / f"{seed}.log" for seed in range(len(LINES)))
    for seed, log in enumerate(logs):
        generate.write(Plan(lines=LINES[seed], days=2, seed=seed), log)
    data = base / "data"
    data.mkdir()
    calls = record((*PROGRAM, data, *logs), ROOT, base / "trace")
    store = Store(data, Config())
    return Worked(data, logs, calls, answers(store), ledger(data))


def promised(disk: Disk) -> int:
    """Lines that the program had said are counted."""
    said = [int(text.split()[1]) for text in disk.said if text.startswith(b"counted ")]
    return max(said, default=0)


def sound(data: Path, lines: int) -> str:
    """What is wrong with the store, of which so many lines must be there; empty if nothing is."""
    if damages := check.check(data).damages:
        return str(damages)
    catalog = Catalog(data)
    try:
        read = sum(source.lines for source in catalog.sources())
        accounts = catalog.accounts()
        counted = sum(account.records for account in accounts if account.outcome in CLASSES)
        rows = sum(part.rows for part in catalog.event_parts())
    finally:
        catalog.close()
    if rows != counted:
        return f"{rows} rows of {counted} records"
    return f"{read} lines left of {lines}" if read < lines else ""


def goes_on(data: Path, worked: Worked) -> str:
    """What is wrong after the logs were read to their end from here."""
    store = Store(data, Config())
    store.backfill(*worked.logs)
    catalog = Catalog(data)
    rollup.rollup(catalog)
    catalog.close()
    if (found := ledger(data)) != worked.ledger:
        return f"{found} instead of {worked.ledger}"
    wrong = [by for by, table in answers(store).items() if table != worked.answers[by]]
    return f"other answers by {wrong}" if wrong else ""


def distinct(worked: Worked, take: int, seed: int | None = None) -> Iterator[tuple[State, int]]:
    """States that differ, every so many of them, with the lines that each must have: what was
    synced, or, with a seed, any part of the rest as well."""
    chance, seen = random.Random(seed), set[int]()
    for disk, _ in worked.states():
        state = disk.least() if seed is None else disk.some(chance)
        key = hash(tuple(sorted(state.items())))
        if key not in seen:
            seen.add(key)
            if len(seen) % take == 0:
                yield state, promised(disk)


def test_what_is_replayed_is_what_the_program_left(worked: Worked) -> None:
    *_, (disk, _) = worked.states()
    assert disk.said[-1] == b"done"
    assert promised(disk) == sum(LINES)
    found = {str(p): p.read_bytes() for p in worked.folder.rglob("*") if p.is_file()}
    assert disk.most() == {n: c for n, c in found.items() if not n.endswith(("-shm", "-wal"))}


def slowly(take: int) -> list[ParameterSet]:
    return [pytest.param(seed, take, marks=pytest.mark.slow) for seed in (None, 3)]


@pytest.mark.parametrize(("seed", "take"), [(None, 3), (1, 30), *slowly(1)])
def test_nothing_promised_is_lost_and_nothing_is_damaged_by_a_power_cut(
    worked: Worked, tmp_path: Path, seed: int | None, take: int
) -> None:
    wrong = {}
    for number, (state, lines) in enumerate(distinct(worked, take, seed)):
        data = tmp_path / str(number)
        data.mkdir()
        lay(state, worked.folder, data)
        if said := sound(data, lines):
            wrong[number] = said
        shutil.rmtree(data)
    assert number > 5
    assert not wrong


@pytest.mark.parametrize(("seed", "take"), [(None, 30), (2, 200), *slowly(8)])
def test_going_on_after_a_power_cut_gives_the_numbers_of_an_undisturbed_run(
    worked: Worked, tmp_path: Path, seed: int | None, take: int
) -> None:
    for number, (state, _) in enumerate(distinct(worked, take, seed)):
        data = tmp_path / str(number)
        data.mkdir()
        lay(state, worked.folder, data)
        assert not goes_on(data, worked), f"state {number}"
        shutil.rmtree(data)


def test_a_hit_that_was_answered_is_in_the_journal_after_a_power_cut(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    disk = Disk(str(folder))
    for call in record((*PROGRAM, "--journal", folder / "journal"), ROOT, tmp_path / "trace"):
        disk.play(call)
        answered = len(disk.said)
        assert sum(content.count(b"\n") for content in disk.least().values()) >= answered
    assert answered == 5
