"""The truth written beside a generated log is what a plain count over its lines finds."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import crawleruseragents
import pytest

from bench import generate, vocabulary
from bench.traffic import BLOCK, Plan

LINE = re.compile(r'(\S+) - - \[([^\]]+)\] "(.*?)" (\d{3}) (\d+) "([^"]*)" "(.*)"\n', re.DOTALL)
PAGE = re.compile(r"GET (/[^ ?.]*(?:\.html)?)(?:\?[^ ]*)? HTTP/[12]\.[01]")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("generated") / "access.log"
    return path, generate.write(Plan(lines=BLOCK + 5_000, days=2, seed=7), path)


def lines(path: Path) -> list[str]:
    return list(io.TextIOWrapper(io.BytesIO(path.read_bytes()), "latin-1", newline="\n"))


def count(path: Path) -> dict[str, Any]:
    people = set(vocabulary.browsers())
    found: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    days: dict[str, Counter[str]] = {}
    visitors: dict[str, set[tuple[str, str]]] = {}
    for line in lines(path):
        match = LINE.fullmatch(line)
        if match is None:
            found["rejected"] += 1
            continue
        address, stamp, request, status, size, _, agent = match.groups()
        time = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
        day = time.date().isoformat()
        view = status == "200" and agent in people and PAGE.fullmatch(request) is not None
        row = Counter(hits=1, bot_hits=agent not in people, bytes=int(size), views=view)
        days.setdefault(day, Counter()).update(row)
        statuses[status] += 1
        if view:
            visitors.setdefault(day, set()).add((address, agent))
    for day, seen in visitors.items():
        days[day]["visitors"] = len(seen)
    return {
        "records": len(lines(path)),
        "rejected": found["rejected"],
        "statuses": dict(statuses),
        "days": {day: dict(row) for day, row in days.items()},
        **sum(days.values(), Counter()),
    }


def test_truth_equals_a_plain_count_over_the_lines(log: tuple[Path, dict[str, Any]]) -> None:
    path, truth = log
    counted = count(path)
    assert {name: truth[name] for name in counted} == counted
    assert truth["file_bytes"] == path.stat().st_size


def test_the_log_is_as_mixed_as_a_real_one(log: tuple[Path, dict[str, Any]]) -> None:
    path, truth = log
    records = truth["records"]
    static = sum('"GET /static/' in line for line in lines(path))
    assert 250 < truth["file_bytes"] / records < 280
    assert 0.58 < static / records < 0.64
    assert 0.18 < truth["bot_hits"] / records < 0.22
    assert 0.0005 < truth["garbage"] / records < 0.002
    assert 0 < truth["rejected"] < truth["garbage"]


def test_lines_come_nearly_in_order_of_time(log: tuple[Path, dict[str, Any]]) -> None:
    day = "".join(lines(log[0])[60_000:65_000])
    stamps = re.findall(r"\[([^\]]+)\] \"GET /static", day)
    times = [datetime.strptime(s, "%d/%b/%Y:%H:%M:%S %z").timestamp() for s in stamps]
    steps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert min(steps) >= -30
    assert any(step < 0 for step in steps)


def test_a_seed_gives_the_same_log_and_another_seed_another() -> None:
    def make(seed: int) -> bytes:
        return b"".join(bytes(b) for b in generate.blocks(Plan(lines=300, seed=seed)))

    assert make(1) == make(1)
    assert make(1) != make(2)


def test_pages_and_visitors_multiply() -> None:
    def distinct(**factors: float) -> tuple[int, int]:
        text = b"".join(bytes(b) for b in generate.blocks(Plan(lines=20_000, **factors)))
        rows = [line.split(b" ") for line in text.splitlines()]
        return len({row[6] for row in rows if len(row) > 6}), len({row[0] for row in rows})

    pages, visitors = distinct()
    assert distinct(paths=100.0)[0] >= pages + 500
    assert distinct(visitors=100.0)[1] > 5 * visitors


def test_every_bot_names_itself_and_no_browser_is_taken_for_one() -> None:
    assert [agent for _, agent in vocabulary.BOTS if not crawleruseragents.is_crawler(agent)] == []
    assert len({agent for _, agent in vocabulary.BOTS}) == 50
    people = vocabulary.browsers()
    assert len(people) == len(set(people)) > 1900
    assert [agent for agent in people[::9] if crawleruseragents.is_crawler(agent)] == []
